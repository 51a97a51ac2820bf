"""Apex spotting for clips without an annotated apex: divide and conquer over facial regions (Liong et al. 2015).

SMIC annotates onset and offset, but no apex. The local binary patterns of each frame, around the eyes and
brows and around the mouth, are compared with those of the onset. The clip is then halved repeatedly, and
the half with the larger sum of peaks is kept.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import find_peaks

from astsvm_lib.errors import CompanionError
from astsvm_lib.features.binary_patterns import code_bins, plane_codes
from astsvm_lib.features.blocks import block_edges

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1

#: Landmark indices of each region: brow and eye on either side, mouth.
REGIONS = ([*range(17, 22), *range(36, 42)], [*range(22, 27), *range(42, 48)], [*range(48, 68)])
#: How far a region extends beyond its landmarks, as a fraction of its width.
MARGIN = 0.15
BLOCKS = 3


def region_boxes(landmarks: np.ndarray, shape: tuple[int, int]) -> list[tuple[slice, slice]]:
    """Row slice and column slice of each region, clipped to the image.

    Parameters
    ----------
    landmarks
        (68, 2): column and row, in pixels.
    shape
        Height and width of the image.
    """
    boxes = []
    for points in REGIONS:
        low, high = landmarks[points].min(0), landmarks[points].max(0)
        margin = MARGIN * (high[0] - low[0])
        left, top = np.maximum(np.floor(low - margin), 0).astype(int)
        right, bottom = np.minimum(np.ceil(high + margin) + 1, shape[::-1]).astype(int)
        boxes.append((slice(top, bottom), slice(left, right)))
    return boxes


def change_from_onset(frames: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Difference of each frame from the onset, (T,): one minus the correlation of their pattern histograms.

    Parameters
    ----------
    frames
        (T, H, W) registered grey values, the onset first.
    landmarks
        (68, 2) of the onset: column and row, in pixels of the registered frames.
    """
    bins, count = code_bins(8, True)
    parts = []
    for box in region_boxes(landmarks, (frames.shape[1], frames.shape[2])):
        codes = bins[plane_codes(frames[(slice(None), *box)], 8, 1, 1)]
        rows, columns = (block_edges(side, BLOCKS, 0.0) for side in codes.shape[1:])
        for top, bottom in rows:
            for left, right in columns:
                block = codes[:, top:bottom, left:right].reshape(len(codes), -1)
                parts.append(np.stack([np.bincount(frame, minlength=count) for frame in block]))
    histograms = np.concatenate(parts, axis=1).astype(np.float64)
    histograms -= histograms.mean(1, keepdims=True)
    histograms /= np.maximum(np.linalg.norm(histograms, axis=1, keepdims=True), 1e-12)
    return 1 - histograms @ histograms[0]


def divide_and_conquer(change: np.ndarray) -> int:
    """Index of the apex in a curve of change (T,): the half with the larger sum of peaks is kept until one is left.

    Examples
    --------
    >>> divide_and_conquer(np.array([0, 9, 0, 1, 3, 4, 5, 4, 5, 3, 1, 0.0]))  # one high spike, and a broad rise
    8
    """
    peaks = set(find_peaks(change)[0].tolist())
    start, stop = 0, len(change)
    while stop - start > 2:
        inside = sorted(peaks & set(range(start, stop)))
        if len(inside) < 2:
            return inside[0] if inside else start + int(change[start:stop].argmax())
        middle = (start + stop) // 2
        left, right = (sum(change[p] for p in inside if (p < middle) == first) for first in (True, False))
        start, stop = (start, middle) if left > right else (middle, stop)
    return start + int(change[start:stop].argmax())


def spot_apex(frames: np.ndarray, landmarks: np.ndarray) -> int:
    """Index of the apex among registered frames; the onset is 0.

    Parameters
    ----------
    frames
        (T, H, W) registered grey values from onset to offset.
    landmarks
        (68, 2) of the onset: column and row, in pixels of the registered frames.

    Raises
    ------
    CompanionError
        If there are fewer than two frames.

    Notes
    -----
    Liong et al. 2015, with local binary patterns; chapter "Table 8".
    """
    if len(frames) < 2:
        raise CompanionError(f"apex: expected at least 2 frames, found {len(frames)}")
    return divide_and_conquer(change_from_onset(frames, landmarks))
