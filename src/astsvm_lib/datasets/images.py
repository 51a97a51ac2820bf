"""Image files: recognising, sorting and reading them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from astsvm_lib.errors import CompanionError

IMAGE_ENDINGS = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff"})


def is_image(path: Path) -> bool:
    """Whether a file has the name of an image; ``Thumbs.db``, ``.DS_Store`` and ``._img1.jpg`` have not."""
    return path.suffix.lower() in IMAGE_ENDINGS and not path.name.startswith(".")


def by_number(path: Path) -> tuple[list[int], str]:
    """Sort key: ``img9`` before ``img10``, whether or not numbers are padded."""
    return [int(n) for n in re.findall(r"\d+", path.stem)], path.name


def read_image(path: Path, where: str = "") -> np.ndarray:
    """The image in a file, (H, W, 3) uint8 in RGB order, or (H, W) for a greyscale file.

    Parameters
    ----------
    path
        Image file.
    where
        Name of the image in error messages; by default the path.

    Raises
    ------
    CompanionError
        If the file cannot be read or decoded.
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

    Parameters
    ----------
    images
        (H, W, 3) or (H, W) each.
    where
        Name of the clip in error messages.

    Raises
    ------
    CompanionError
        If the images differ in size, or some are colour and some are grey.
    """
    shapes = sorted({image.shape for image in images})
    if len(shapes) > 1:
        listed = ", ".join(f"{s[1]}x{s[0]}{'' if len(s) == 3 else ' grey'}" for s in shapes)
        raise CompanionError(f"{where}: expected frames of the same size and type, found {listed}")
    return np.stack(images)
