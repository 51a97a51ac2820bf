"""Image files: which they are, in which order, and what is in them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from astsvm_lib.errors import CompanionError

IMAGE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})


def is_image(path: Path) -> bool:
    """Whether a file is named as an image; ``Thumbs.db``, ``.DS_Store`` and ``._img1.jpg`` are not."""
    return path.suffix.lower() in IMAGE_ENDINGS and not path.name.startswith(".")


def by_number(path: Path) -> tuple[list[int], str]:
    """Sort key: ``img9`` before ``img10``, whether or not numbers are padded."""
    return [int(n) for n in re.findall(r"\d+", path.stem)], path.name


def read_image(path: Path, where: str = "") -> np.ndarray:
    """The image in a file, (H, W, 3) uint8 in RGB order, or (H, W) where the file holds grey values.

    Parameters
    ----------
    where
        What the image is, for the message; by default the file's path.

    Raises
    ------
    CompanionError
        If it cannot be read.
    """
    try:
        data = np.fromfile(path, np.uint8)
    except OSError as error:
        raise CompanionError(f"{where or path}: cannot be read ({error.strerror}); unpack it again") from None
    image = cv2.imdecode(data, cv2.IMREAD_ANYCOLOR) if len(data) else None
    if image is None:
        raise CompanionError(f"{where or path}: not a readable image; replace or remove it")
    return image if image.ndim == 2 else np.ascontiguousarray(image[..., ::-1])


def stack_images(images: Sequence[np.ndarray], where: str) -> np.ndarray:
    """Images as one array, (T, H, W, 3) or (T, H, W).

    Raises
    ------
    CompanionError
        If they differ in size, or some hold colours and some grey values.
    """
    shapes = sorted({image.shape for image in images})
    if len(shapes) > 1:
        words = ", ".join(f"{s[1]}x{s[0]}{'' if len(s) == 3 else ' grey'}" for s in shapes)
        raise CompanionError(f"{where}: expected frames of one size and kind, found {words}")
    return np.stack(images)
