"""Bi-WOOF: bi-weighted oriented optical flow, from onset to apex (Liong et al. 2018).

The flow from onset to apex is cut into a grid of blocks. In each, the directions of the flow are counted,
every pixel by the length of its flow (the local weight); then each block's histogram is multiplied by the
block's mean optical strain (the global weight), so that blocks where the skin is stretched speak loudest.
"""

from __future__ import annotations

import numpy as np

from astsvm_lib.choices import Part, option
from astsvm_lib.descriptors.blocks import block_edges
from astsvm_lib.descriptors.strain import Definition, optical_strain
from astsvm_lib.errors import CompanionError


class BiWoof(Part):
    """Parameters of Bi-WOOF."""

    bins: int = option(8, "directions that are told apart; the first begins at -180 degrees", ge=2)
    blocks: int = option(5, "blocks along a row, and along a column", ge=1)
    local_weight: bool = option(True, "count each pixel by the length of its flow; otherwise by one")
    global_weight: bool = option(True, "multiply each block's histogram by its mean optical strain")
    normalise: bool = option(
        True,
        "as in the authors' program: each block's histogram adds up to 1 before it is weighted, and the whole has "
        "length 1; otherwise sums stay as they are",
    )


def direction_bins(flow: np.ndarray, bins: int) -> np.ndarray:
    """Bin of each pixel's direction, (H, W): equal sectors from -180 degrees on, right being 0, down positive.

    Examples
    --------
    >>> direction_bins(np.array([[[-1.0, -0.1], [0.1, -1.0], [1.0, 0.1], [0.0, 0.0]]]), 4)
    array([[0, 1, 2, 2]])
    """
    turn = (np.arctan2(flow[..., 1], flow[..., 0]) + np.pi) / (2 * np.pi)
    return np.minimum((turn * bins).astype(np.int64), bins - 1)  # -180 and 180 degrees are one direction, but two bins


def bi_woof(flow: np.ndarray, options: BiWoof | None = None, definition: Definition = "tensor") -> np.ndarray:
    """Bi-WOOF of a flow field, (blocks x blocks x bins,) float64, row by row; zeros where nothing moves.

    Parameters
    ----------
    flow
        (H, W, 2) from onset to apex, pixels right and down.
    options
        See :class:`BiWoof`.
    definition
        Of the strain; see :func:`~astsvm_lib.descriptors.strain.optical_strain`.

    Raises
    ------
    CompanionError
        If this is no flow field, or it has more blocks than pixels along a side.

    Notes
    -----
    Liong et al. 2018, who compute the flow by TV-L1; Table 8 of the paper.
    """
    options = options or BiWoof()
    if flow.ndim != 3 or flow.shape[2] != 2:
        raise CompanionError(f"Bi-WOOF: expected a flow field (H, W, 2), found {flow.shape}")
    if min(flow.shape[:2]) < options.blocks:
        raise CompanionError(
            f"Bi-WOOF: expected at least one pixel a block, found {flow.shape[:2]} for {options.blocks} blocks a side"
        )
    flow = flow.astype(np.float64)
    length = np.hypot(flow[..., 0], flow[..., 1])
    directions = direction_bins(flow, options.bins)
    strain = optical_strain(flow, definition)
    moves = length > 0
    weight = length if options.local_weight else moves.astype(np.float64)
    rows, columns = (block_edges(side, options.blocks, 0.0) for side in flow.shape[:2])
    found = np.empty((options.blocks, options.blocks, options.bins))
    for i, (top, bottom) in enumerate(rows):
        for j, (left, right) in enumerate(columns):
            block = slice(top, bottom), slice(left, right)
            counts = np.bincount(directions[block].ravel(), weight[block].ravel(), minlength=options.bins)
            if options.normalise and counts.any():
                counts = counts / counts.sum()
            found[i, j] = counts * strain[block].mean() if options.global_weight else counts
    length_of_all = np.linalg.norm(found)
    if options.normalise and length_of_all > 0:
        found /= length_of_all
    return found.ravel()
