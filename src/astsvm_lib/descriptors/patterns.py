"""Local binary patterns: the codes that several descriptors share.

A point is compared with P neighbours on a circle or ellipse around it; neighbour k that is at least as bright
sets bit k. **Uniform** codes, which change between 0 and 1 at most twice on the way round, keep a bin of
their own each; all others share one (Ojala, Pietikainen and Maenpaa 2002).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np


def changes(code: int, neighbours: int) -> int:
    """How often a code changes between 0 and 1 on the way round the circle.

    Examples
    --------
    >>> changes(0b00001110, 8), changes(0b00101110, 8)
    (2, 4)
    """
    turned = (code >> 1) | ((code & 1) << (neighbours - 1))
    return (code ^ turned).bit_count()


@lru_cache
def uniform_bins(neighbours: int) -> tuple[np.ndarray, int]:
    """Bin of each code, (2**P,), and the number of bins: P (P - 1) + 3, of which the last takes what is not uniform.

    Examples
    --------
    >>> uniform_bins(8)[1]
    59
    """
    count = neighbours * (neighbours - 1) + 2
    bins = np.full(2**neighbours, count, np.int32)
    uniform = [code for code in range(2**neighbours) if changes(code, neighbours) <= 2]
    bins[uniform] = np.arange(count)
    bins.setflags(write=False)
    return bins, count + 1


def code_bins(neighbours: int, uniform: bool) -> tuple[np.ndarray, int]:
    """Bin of each code and the number of bins, with or without joining what is not uniform."""
    if uniform:
        return uniform_bins(neighbours)
    return np.arange(2**neighbours, dtype=np.int32), 2**neighbours


def ellipse(neighbours: int, radius_right: float, radius_down: float) -> np.ndarray:
    """Offsets (right, down) of P points on an ellipse, (P, 2): the first to the right, then counter-clockwise.

    Whole offsets are exact, so that a neighbour that is a pixel is that pixel.
    """
    angles = 2 * np.pi * np.arange(neighbours) / neighbours
    points = np.column_stack([radius_right * np.cos(angles), -radius_down * np.sin(angles)])
    return np.where(np.abs(points - np.round(points)) < 1e-9, np.round(points), points)


def corners(offsets: np.ndarray, interpolation: str) -> tuple[np.ndarray, np.ndarray]:
    """The four points around each offset, (P, 4, 2) right and down, and their weights, (P, 4); whole ones weigh 1."""
    if interpolation == "nearest":
        offsets = np.floor(offsets + 0.5)
    low = np.floor(offsets)
    part = offsets - low
    right, down = part[:, :1], part[:, 1:]
    weights = np.hstack([(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down])
    # Where a point lies on the grid, the other corners weigh nothing, and must not lie outside the clip.
    shifts = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])[None] * (part[:, None] > 0)
    return (low[:, None] + shifts).astype(np.int64), weights


#: How far below the centre a mean of four points may lie and still count as equal: what rounding does to it.
TIE = 1e-9


def plane_codes(planes: np.ndarray, neighbours: int, radius_right: int, radius_down: int) -> np.ndarray:
    """Codes of every inner point of planes (..., H, W), (..., H - 2 rd, W - 2 rr); values between points are bilinear.

    Examples
    --------
    >>> plane = np.array([[0, 0, 0], [0, 5, 9], [0, 0, 0]])
    >>> int(plane_codes(plane, 4, 1, 1)[0, 0])  # brighter only to the right: bit 0
    1
    """
    planes = np.asarray(planes, np.float64)
    height, width = planes.shape[-2] - 2 * radius_down, planes.shape[-1] - 2 * radius_right
    points, weights = corners(ellipse(neighbours, radius_right, radius_down), "bilinear")

    def moved(right: int, down: int) -> np.ndarray:
        top, left = radius_down + down, radius_right + right
        return planes[..., top : top + height, left : left + width]

    centre = moved(0, 0)
    codes = np.zeros(centre.shape, np.int64)
    for k in range(neighbours):
        value = np.zeros(centre.shape)
        for (right, down), weight in zip(points[k], weights[k], strict=True):
            if weight:
                value += weight * moved(int(right), int(down))
        codes |= (value >= centre - TIE).astype(np.int64) << k
    return codes
