"""Optical flow by the method set in the recipe, between two frames and over a clip (section III.A.2, reading R5).

Lucas-Kanade is the paper's method, implemented in :mod:`astsvm_lib.features.lucas_kanade`. TV-L1 (Zach, Pock
and Bischof 2007) and DIS (Kroeger et al. 2016) are modern references, in OpenCV's implementation with its
default parameters.
"""

from __future__ import annotations

import cv2
import numpy as np

from astsvm_lib.errors import CompanionError
from astsvm_lib.features.lucas_kanade import lucas_kanade
from astsvm_lib.recipe import Flow

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 2

DEFAULT = Flow()
#: Reflective padding of the images for TV-L1, in pixels; without it, spurious motion appears at the edges.
MARGIN = 24


def tv_l1(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Optical flow from ``first`` to ``second`` by TV-L1, (H, W, 2) float32 pixels: right, down.

    Parameters
    ----------
    first, second
        (H, W) grey values 0..255, not necessarily integers.
    """
    here, there = (
        cv2.copyMakeBorder(image.astype(np.float32) / 255, MARGIN, MARGIN, MARGIN, MARGIN, cv2.BORDER_REFLECT_101)
        for image in (first, second)  # OpenCV expects 0..1
    )
    method = cv2.optflow.DualTVL1OpticalFlow_create()  # type: ignore[attr-defined]
    found = method.calc(here, there, np.zeros((*here.shape, 2), np.float32))
    return np.ascontiguousarray(found[MARGIN:-MARGIN, MARGIN:-MARGIN])


def dis(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Optical flow from ``first`` to ``second`` by DIS, (H, W, 2) float32 pixels: right, down.

    Parameters
    ----------
    first, second
        (H, W) grey values 0..255; rounded to 8 bits, as OpenCV's DIS requires.
    """
    here, there = (np.clip(np.rint(image), 0, 255).astype(np.uint8) for image in (first, second))
    method = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)  # type: ignore[attr-defined]
    return np.asarray(method.calc(here, there, np.zeros((*first.shape, 2), np.float32)))


def optical_flow(first: np.ndarray, second: np.ndarray, options: Flow = DEFAULT) -> np.ndarray:
    """Optical flow from ``first`` to ``second``, (H, W, 2) float32 pixels: right, down.

    Parameters
    ----------
    first, second
        (H, W) grey values 0..255.
    options
        ``method``, and the parameters of Lucas-Kanade.

    Raises
    ------
    CompanionError
        If the images differ in shape or have more than one channel.
    """
    if first.ndim != 2 or first.shape != second.shape:
        raise CompanionError(
            f"optical flow: expected two grey images of the same shape, found {first.shape} and {second.shape}"
        )
    if options.method == "tv-l1":
        return tv_l1(first, second)
    if options.method == "dis":
        return dis(first, second)
    return lucas_kanade(first, second, options)


def flow_sequence(frames: np.ndarray, options: Flow = DEFAULT) -> np.ndarray:
    """Optical flow of a prepared clip, float32 pixels: one map per frame, the first all zero.

    Parameters
    ----------
    frames
        (N, H, W) prepared grey values.
    options
        ``method`` and its parameters; ``reference="adjacent"``: map i is the flow from frame i - 1 to frame i;
        ``"onset"``: from the first frame. ``component``: v (down), u (right), the magnitude, or both.

    Returns
    -------
    numpy.ndarray
        (N, H, W); (2, N, H, W) with ``component="both"``: u, v.

    Notes
    -----
    Ten frames give nine flow fields; Table 1 requires ten maps of one channel (R5).
    """
    fields = np.zeros((*frames.shape, 2), np.float32)
    for i in range(1, len(frames)):
        start = frames[i - 1] if options.reference == "adjacent" else frames[0]
        fields[i] = optical_flow(start, frames[i], options)
    u, v = fields[..., 0], fields[..., 1]
    if options.component == "both":
        return np.stack([u, v])
    if options.component == "magnitude":
        return np.hypot(u, v)
    return np.ascontiguousarray(u if options.component == "u" else v)
