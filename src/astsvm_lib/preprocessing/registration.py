"""Registration of frames to a 192x192 crop with the face in a standard position (R2)."""

from __future__ import annotations

import cv2
import numpy as np

from astsvm_lib.preprocessing.detection import to_grey
from astsvm_lib.preprocessing.shape_model import fit_affine, fit_similarity, load_shape_model
from astsvm_lib.recipe import Registration

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1

CROP = 192
#: Position of the mean face in the crop, as fractions of its side.
JAW_WIDTH = 0.86
CHIN_ROW = 0.95


def template() -> np.ndarray:
    """Target positions of the 68 landmarks in the crop, (68, 2) pixels: those of the mean face."""
    mean = load_shape_model().mean
    jaw = mean[:17]
    scale = JAW_WIDTH * CROP / np.ptp(jaw[:, 0])
    centre = (jaw[:, 0].min() + jaw[:, 0].max()) / 2
    shift = np.array([CROP / 2 - 0.5 - scale * centre, CHIN_ROW * CROP - scale * mean[:, 1].max()])
    return scale * mean + shift


def crop_transform(landmarks: np.ndarray, options: Registration) -> np.ndarray:
    """Transform (2, 3) from pixels of a frame to pixels of the crop.

    With ``shape_model="asm"`` the landmarks are first regularised by the shape model. A similarity or an
    affine map is then fitted from them to :func:`template`.

    Parameters
    ----------
    landmarks
        (68, 2): column and row, in pixels of the frame.
    options
        ``shape_model`` and ``transform``.

    Raises
    ------
    CompanionError
        If the landmarks have another shape or are not finite (``shape_model="asm"`` only).
    """
    shape = load_shape_model().regularise(landmarks) if options.shape_model == "asm" else landmarks
    fit = fit_similarity if options.transform == "similarity" else fit_affine
    return fit(shape, template())


def box_transform(landmarks: np.ndarray) -> np.ndarray:
    """Transform (2, 3) that crops and resizes the square around landmarks (68, 2), without registration."""
    low, high = landmarks.min(0), landmarks.max(0)
    side = 1.1 * (high - low).max()
    scale = CROP / side
    return np.column_stack([scale * np.eye(2), (CROP - 1) / 2 - scale * (low + high) / 2])


def warp(frame: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """A frame warped to the crop, (192, 192) float32.

    Before downsampling, the frame is blurred (sigma 0.4 / scale), because ``cv2.warpAffine`` has no area
    interpolation and would cause aliasing.

    Parameters
    ----------
    frame
        (H, W) float32 grey values.
    transform
        (2, 3) from pixels of the frame to pixels of the crop.
    """
    scale = float(np.sqrt(abs(np.linalg.det(transform[:, :2]))))
    source = frame if scale >= 1 else cv2.GaussianBlur(frame, (0, 0), 0.4 / scale)
    return cv2.warpAffine(source, transform, (CROP, CROP), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def register(frames: np.ndarray, landmarks: np.ndarray, options: Registration) -> tuple[np.ndarray, np.ndarray]:
    """Frames as grey crops (T, 192, 192) float32, and the transforms (T, 2, 3) used.

    Parameters
    ----------
    frames
        (T, H, W) or (T, H, W, 3), values 0..255; converted to grey one at a time, to save memory.
    landmarks
        (68, 2) of the onset; (T, 68, 2) for ``scope="frame"``.
    options
        ``scope="clip"``: the onset's transform for every frame, which preserves the motion within the clip.
        ``"frame"``: one transform per frame, which adds the detector's jitter to the clip.
        ``"none"``: crop and resize the box around the onset's landmarks.

    Raises
    ------
    CompanionError
        If the landmarks have another shape or are not finite (``shape_model="asm"`` only).

    Notes
    -----
    Section III.A.1, "we use Active Shape Models (AAM) to achieve face registration"; reading R2.
    """
    if options.scope == "frame":
        transforms = np.stack([crop_transform(points, options) for points in landmarks])
    elif options.scope == "clip":
        transforms = np.repeat(crop_transform(landmarks, options)[None], len(frames), 0)
    else:
        transforms = np.repeat(box_transform(landmarks)[None], len(frames), 0)
    return np.stack([warp(to_grey(f), t) for f, t in zip(frames, transforms, strict=True)]), transforms


def warp_flow(flow: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """A flow field transformed to the crop, (192, 192, 2) float32 pixels of the crop: right, down.

    Parameters
    ----------
    flow
        (H, W, 2) pixels of the frame: right, down.
    transform
        (2, 3) from pixels of the frame to pixels of the crop.
    """
    moved = cv2.warpAffine(flow, transform, (CROP, CROP), flags=cv2.INTER_LINEAR)
    return moved @ transform[:, :2].T.astype(np.float32)
