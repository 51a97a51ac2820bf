"""Bi-WOOF: bi-weighted oriented optical flow, from onset to apex (Liong et al. 2018).

The flow field from onset to apex is divided into a grid of blocks. Each block has a histogram of flow
directions, in which every pixel counts with its flow magnitude (the local weight). The histogram is then
multiplied by the block's mean optical strain (the global weight), which emphasises regions of deformed skin.
"""

from __future__ import annotations

import numpy as np

from astsvm_lib.choices import Part, option
from astsvm_lib.errors import CompanionError
from astsvm_lib.features.blocks import block_edges
from astsvm_lib.features.strain import Definition, optical_strain

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1


class BiWoof(Part):
    """Parameters of Bi-WOOF."""

    bins: int = option(8, "number of direction bins; the first begins at -180 degrees", ge=2)
    blocks: int = option(5, "blocks along each axis of the crop", ge=1)
    local_weight: bool = option(True, "weight each pixel by its flow magnitude; otherwise by 1")
    global_weight: bool = option(True, "multiply each block's histogram by its mean optical strain")
    normalise: bool = option(
        True,
        "as in the authors' code: each block's histogram is normalised to sum 1 before the global weight, and the "
        "descriptor to unit Euclidean norm; otherwise neither is normalised",
    )


def direction_bins(flow: np.ndarray, bins: int) -> np.ndarray:
    """Direction bin of each pixel, (H, W) int64: equal sectors from -180 degrees; right is 0, down is positive.

    Parameters
    ----------
    flow
        (H, W, 2) pixels: right, down.
    bins
        Number of sectors.

    Examples
    --------
    >>> direction_bins(np.array([[[-1.0, -0.1], [0.1, -1.0], [1.0, 0.1], [0.0, 0.0]]]), 4)
    array([[0, 1, 2, 2]])
    """
    turn = (np.arctan2(flow[..., 1], flow[..., 0]) + np.pi) / (2 * np.pi)
    return np.minimum((turn * bins).astype(np.int64), bins - 1)  # -180 and 180 degrees are one direction, but two bins


def bi_woof(flow: np.ndarray, options: BiWoof | None = None, definition: Definition = "tensor") -> np.ndarray:
    """Bi-WOOF of a flow field, (blocks x blocks x bins,) float64, in row-major order; zero for a block without motion.

    Parameters
    ----------
    flow
        (H, W, 2) pixels from onset to apex: right, down.
    options
        See :class:`BiWoof`.
    definition
        Of the strain; see :func:`~astsvm_lib.features.strain.optical_strain`.

    Raises
    ------
    CompanionError
        If ``flow`` has another shape, or there are more blocks than pixels along an axis.

    Notes
    -----
    Liong et al. 2018, who compute the flow by TV-L1; Table 8 of the paper.
    """
    options = options or BiWoof()
    if flow.ndim != 3 or flow.shape[2] != 2:
        raise CompanionError(f"Bi-WOOF: expected a flow field (H, W, 2), found {flow.shape}")
    if min(flow.shape[:2]) < options.blocks:
        raise CompanionError(
            f"Bi-WOOF: expected at least one pixel per block, found {flow.shape[:2]} for {options.blocks} per axis"
        )
    flow = flow.astype(np.float64)
    length = np.hypot(flow[..., 0], flow[..., 1])
    directions = direction_bins(flow, options.bins)
    strain = optical_strain(flow, definition)
    weight = length if options.local_weight else (length > 0).astype(np.float64)
    rows, columns = (block_edges(side, options.blocks, 0.0) for side in flow.shape[:2])
    found = np.empty((options.blocks, options.blocks, options.bins))
    for i, (top, bottom) in enumerate(rows):
        for j, (left, right) in enumerate(columns):
            block = slice(top, bottom), slice(left, right)
            counts = np.bincount(directions[block].ravel(), weight[block].ravel(), minlength=options.bins)
            if options.normalise and counts.any():
                counts = counts / counts.sum()
            found[i, j] = counts * strain[block].mean() if options.global_weight else counts
    norm = np.linalg.norm(found)
    if options.normalise and norm > 0:
        found /= norm
    return found.ravel()
