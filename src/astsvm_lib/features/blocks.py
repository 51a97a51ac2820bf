"""Grid of blocks over which descriptors compute histograms."""

from __future__ import annotations

import numpy as np


def block_edges(length: int, blocks: int, overlap: float) -> np.ndarray:
    """Start and stop index of each block along an axis, (blocks, 2); the stop is exclusive.

    Without overlap, every index belongs to exactly one block.

    Parameters
    ----------
    length
        Length of the axis.
    blocks
        Number of blocks.
    overlap
        Fraction of a block that the next one also covers, in [0, 1).

    Examples
    --------
    >>> block_edges(10, 3, 0.0).tolist()
    [[0, 3], [3, 6], [6, 10]]
    >>> block_edges(10, 3, 0.5).tolist()
    [[0, 5], [2, 7], [5, 10]]
    """
    size = length / (1 + (blocks - 1) * (1 - overlap))
    starts = size * (1 - overlap) * np.arange(blocks)
    edges = np.floor(np.column_stack([starts, starts + size]) + 1e-9).astype(np.int64)
    edges[-1, 1] = length
    return edges
