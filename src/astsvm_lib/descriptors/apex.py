"""Spotting the apex where the annotation has none: divide and conquer over the regions that move (Liong et al. 2015).

SMIC says when a micro-expression begins and ends, not when it is strongest. Each frame's local binary
patterns around the eyes and brows and around the mouth are compared with the onset's. Then the clip is
halved again and again: the half whose peaks add up to more is kept.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import find_peaks

from astsvm_lib.descriptors.blocks import block_edges
from astsvm_lib.descriptors.patterns import code_bins, plane_codes
from astsvm_lib.errors import CompanionError

#: Landmarks of each region: brow and eye on either side, mouth.
REGIONS = ([*range(17, 22), *range(36, 42)], [*range(22, 27), *range(42, 48)], [*range(48, 68)])
#: How far a region reaches beyond its landmarks, as a share of its width.
MARGIN = 0.15
BLOCKS = 3


def region_boxes(landmarks: np.ndarray, shape: tuple[int, int]) -> list[tuple[slice, slice]]:
    """Rows and columns of each region, within the picture.

    Parameters
    ----------
    landmarks
        (68, 2) in the pixels of the picture.
    shape
        Its height and width.
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
    """How far the patterns of each frame are from the onset's, (T,): one minus the correlation of the histograms.

    Parameters
    ----------
    frames
        (T, H, W) registered grey values, the onset first.
    landmarks
        (68, 2) of the onset, in their pixels.
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
    """Frame at which a curve of change has its apex: the half with the larger sum of peaks is kept, until one is left.

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
    """Number of the apex frame among registered frames, counted from the first.

    Parameters
    ----------
    frames
        (T, H, W) registered grey values from onset to offset.
    landmarks
        (68, 2) of the onset, in their pixels.

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
