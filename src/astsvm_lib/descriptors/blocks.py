"""The grid of blocks in which descriptors count."""

from __future__ import annotations

import numpy as np


def block_edges(length: int, blocks: int, overlap: float) -> np.ndarray:
    """First and one past the last index of each block along an axis, (blocks, 2).

    Without overlap every index belongs to exactly one block.

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
