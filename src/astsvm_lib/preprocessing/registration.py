"""From frames to a 192x192 crop in which every face stands the same way (R2)."""

from __future__ import annotations

import cv2
import numpy as np

from astsvm_lib.preprocessing.detection import to_grey
from astsvm_lib.preprocessing.shape_model import fit_affine, fit_similarity, load_shape_model
from astsvm_lib.recipe import Registration

CROP = 192
#: Where the mean face goes in the crop, as fractions of its side.
JAW_WIDTH = 0.86
CHIN_ROW = 0.95


def template() -> np.ndarray:
    """Where the 68 landmarks of the mean face go in the crop, (68, 2) pixels."""
    mean = load_shape_model().mean
    jaw = mean[:17]
    scale = JAW_WIDTH * CROP / np.ptp(jaw[:, 0])
    centre = (jaw[:, 0].min() + jaw[:, 0].max()) / 2
    shift = np.array([CROP / 2 - 0.5 - scale * centre, CHIN_ROW * CROP - scale * mean[:, 1].max()])
    return scale * mean + shift


def crop_transform(landmarks: np.ndarray, options: Registration) -> np.ndarray:
    """Transform (2, 3) from a frame's pixels to the crop's, from landmarks (68, 2).

    With ``shape_model="asm"`` the landmarks are first made a plausible face; then a similarity, or
    an affine map, takes them to :func:`template`.
    """
    shape = load_shape_model().regularise(landmarks) if options.shape_model == "asm" else landmarks
    fit = fit_similarity if options.transform == "similarity" else fit_affine
    return fit(shape, template())


def box_transform(landmarks: np.ndarray) -> np.ndarray:
    """Transform (2, 3) that only crops and resizes the square around the landmarks: no registration."""
    low, high = landmarks.min(0), landmarks.max(0)
    side = 1.1 * (high - low).max()
    scale = CROP / side
    return np.column_stack([scale * np.eye(2), (CROP - 1) / 2 - scale * (low + high) / 2])


def warp(frame: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """One grey frame (H, W) float32 in the crop's pixels, (192, 192) float32.

    A frame that gets smaller is blurred first (sigma 0.4 / scale), for ``cv2.warpAffine`` has no
    area interpolation and would alias.
    """
    scale = float(np.sqrt(abs(np.linalg.det(transform[:, :2]))))
    source = frame if scale >= 1 else cv2.GaussianBlur(frame, (0, 0), 0.4 / scale)
    return cv2.warpAffine(source, transform, (CROP, CROP), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def register(frames: np.ndarray, landmarks: np.ndarray, options: Registration) -> tuple[np.ndarray, np.ndarray]:
    """Frames as grey crops (T, 192, 192) float32, and the transforms (T, 2, 3) used.

    Parameters
    ----------
    frames
        (T, H, W) or (T, H, W, 3), values 0..255; turned to grey one by one, so that a long clip
        needs little memory.
    landmarks
        (68, 2) of the onset; (T, 68, 2) for ``scope="frame"``.
    options
        ``scope="clip"``: the onset's transform for every frame, so that the motion inside the clip
        survives. ``"frame"``: one each, which also writes the detector's jitter into the clip.
        ``"none"``: the box around the onset's landmarks.

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
    """A flow field (H, W, 2) of a frame as the crop sees it, (192, 192, 2) in the crop's pixels."""
    moved = cv2.warpAffine(flow, transform, (CROP, CROP), flags=cv2.INTER_LINEAR)
    return moved @ transform[:, :2].T.astype(np.float32)
