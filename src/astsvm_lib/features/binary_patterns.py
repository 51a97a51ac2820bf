"""Local binary patterns, shared by several descriptors.

A pixel is compared with P neighbours on a circle or ellipse around it; bit k of its code is set if neighbour k
is at least as bright. Each **uniform** code, with at most two circular 0/1 transitions, has its own bin; all
other codes share one (Ojala, Pietikainen and Maenpaa 2002).
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1


def changes(code: int, neighbours: int) -> int:
    """Number of circular 0/1 transitions in a code.

    Parameters
    ----------
    code
        Local binary pattern, as an integer.
    neighbours
        Number of its bits.

    Examples
    --------
    >>> changes(0b00001110, 8), changes(0b00101110, 8)
    (2, 4)
    """
    turned = (code >> 1) | ((code & 1) << (neighbours - 1))
    return (code ^ turned).bit_count()


@lru_cache
def uniform_bins(neighbours: int) -> tuple[np.ndarray, int]:
    """Bin of each code, (2**P,), and the number of bins, P (P - 1) + 3; the last bin holds all non-uniform codes.

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
    """Bin of each code, (2**P,) int32, and the number of bins.

    Parameters
    ----------
    neighbours
        Number of neighbours P.
    uniform
        Merge all non-uniform codes into one bin; otherwise each code has its own.
    """
    if uniform:
        return uniform_bins(neighbours)
    return np.arange(2**neighbours, dtype=np.int32), 2**neighbours


def ellipse(neighbours: int, radius_right: float, radius_down: float) -> np.ndarray:
    """Offsets (right, down) of P points on an ellipse, (P, 2) pixels: the first to the right, then counter-clockwise.

    Offsets within rounding error of an integer are made exact, so that such a neighbour is not interpolated.

    Parameters
    ----------
    neighbours
        Number of points P.
    radius_right, radius_down
        Semi-axes of the ellipse, in pixels.
    """
    angles = 2 * np.pi * np.arange(neighbours) / neighbours
    points = np.column_stack([radius_right * np.cos(angles), -radius_down * np.sin(angles)])
    return np.where(np.abs(points - np.round(points)) < 1e-9, np.round(points), points)


def corners(offsets: np.ndarray, interpolation: str) -> tuple[np.ndarray, np.ndarray]:
    """Grid points and weights that interpolate the value at each offset.

    Parameters
    ----------
    offsets
        (P, 2): right and down, in pixels.
    interpolation
        ``"bilinear"``, or ``"nearest"`` to round each offset to a pixel.

    Returns
    -------
    tuple of numpy.ndarray
        The four grid points around each offset, (P, 4, 2) int64, right and down; their weights, (P, 4). An
        integer offset has one weight of 1.
    """
    if interpolation == "nearest":
        offsets = np.floor(offsets + 0.5)
    low = np.floor(offsets)
    part = offsets - low
    right, down = part[:, :1], part[:, 1:]
    weights = np.hstack([(1 - right) * (1 - down), right * (1 - down), (1 - right) * down, right * down])
    # If a point is on the grid, the other corners have weight 0 and must not be outside the clip.
    shifts = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])[None] * (part[:, None] > 0)
    return (low[:, None] + shifts).astype(np.int64), weights


#: Tolerance for rounding errors: an interpolated value this far below the centre still counts as equal.
TIE = 1e-9


def plane_codes(planes: np.ndarray, neighbours: int, radius_right: int, radius_down: int) -> np.ndarray:
    """Codes of all inner pixels of planes, (..., H - 2 rd, W - 2 rr) int64; neighbours are interpolated bilinearly.

    Parameters
    ----------
    planes
        (..., H, W) grey values.
    neighbours
        Number of neighbours P.
    radius_right, radius_down
        Semi-axes rr and rd of the ellipse, in pixels.

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
