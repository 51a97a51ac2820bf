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
