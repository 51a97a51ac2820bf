"""STLBP-IP: spatiotemporal local binary patterns with integral projection (Huang et al. 2015).

The onset is subtracted from each frame, which removes the appearance of the face. In each block, the
difference image is summed along its rows and along its columns. These two **integral projections** per frame
retain where along the height and the width the image changed. Two kinds of histogram follow: one-dimensional
binary patterns of each projection (shape), and local binary patterns of the image formed by stacking a
block's projections over time (motion).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from astsvm_lib.choices import Part, option
from astsvm_lib.errors import CompanionError
from astsvm_lib.features.binary_patterns import code_bins, plane_codes
from astsvm_lib.features.blocks import block_edges

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1


class StlbpIp(Part):
    """Parameters of STLBP-IP."""

    reference: Literal["onset", "previous"] = option("onset", "frame that is subtracted from each frame")
    mask: Literal[3, 5, 7, 9, 11] = option(9, "length of the 1D mask on a projection, centre included")
    blocks: int = option(5, "blocks along each axis of the crop", ge=1)
    neighbours: int = option(8, "points on the ellipse in the image of projections over time", ge=2, le=16)
    radius_space: int = option(3, "spatial radius, in pixels", ge=1)
    radius_time: int = option(1, "temporal radius, in frames of the prepared clip", ge=1)
    uniform: bool = option(True, "merge all non-uniform codes of that image into one bin")


def projections(clip: np.ndarray, options: StlbpIp) -> tuple[np.ndarray, np.ndarray]:
    """Integral projections of the difference images, within each column and each row of blocks.

    Parameters
    ----------
    clip
        (T, H, W) grey values, the onset first.
    options
        See :class:`StlbpIp`.

    Returns
    -------
    tuple of numpy.ndarray
        Horizontal projections, (T - 1, H, blocks) int64: sums along the rows; vertical projections,
        (T - 1, blocks, W) int64: sums along the columns.
    """
    frames = clip.astype(np.int64)
    differences = frames[1:] - (frames[:1] if options.reference == "onset" else frames[:-1])
    rows, columns = (block_edges(side, options.blocks, 0.0)[:, 0] for side in clip.shape[1:])
    return np.add.reduceat(differences, columns, axis=2), np.add.reduceat(differences, rows, axis=1)


def line_codes(lines: np.ndarray, mask: int) -> np.ndarray:
    """One-dimensional binary patterns, (..., L - mask + 1) int64: bit k is set if neighbour k is at least as large.

    Parameters
    ----------
    lines
        (..., L) projections.
    mask
        Length of the mask, centre included; odd.

    Examples
    --------
    >>> line_codes(np.array([1, 2, 3, 2, 1]), 3).tolist()  # rising, maximum, falling
    [2, 0, 1]
    """
    half, inner = mask // 2, lines.shape[-1] - mask + 1
    centre = lines[..., half : half + inner]
    codes = np.zeros(centre.shape, np.int64)
    for k, step in enumerate([*range(-half, 0), *range(1, half + 1)]):
        codes |= (lines[..., half + step : half + step + inner] >= centre).astype(np.int64) << k
    return codes


def _shares(codes: np.ndarray, bins: int) -> np.ndarray:
    counts = np.bincount(codes.ravel(), minlength=bins)
    return counts / counts.sum()


def stlbp_ip(clip: np.ndarray, options: StlbpIp | None = None) -> np.ndarray:
    """STLBP-IP descriptor of a clip.

    Parameters
    ----------
    clip
        (T, H, W) uint8 grey values, the onset first.
    options
        See :class:`StlbpIp`.

    Returns
    -------
    numpy.ndarray
        (blocks x blocks x (2 x 2^(mask - 1) + 2 x bins),) float64, blocks in row-major order. Per block: 1D
        patterns of the horizontal and of the vertical projections, then 2D patterns of each over time; each of
        the four histograms sums to 1.

    Raises
    ------
    CompanionError
        If the clip has another shape or type, is too short, or its blocks are too small.

    Notes
    -----
    Huang et al. 2015; Table 8 of the paper.
    """
    options = options or StlbpIp()
    if clip.ndim != 3 or clip.dtype != np.uint8:
        raise CompanionError(f"STLBP-IP: expected a clip (T, H, W) of uint8, found {clip.shape} of {clip.dtype}")
    frames, side = 2 * options.radius_time + 2, max(options.mask, 2 * options.radius_space + 1)
    smallest = min(clip.shape[1:]) // options.blocks
    if len(clip) < frames or smallest < side:
        raise CompanionError(
            f"STLBP-IP: expected at least {frames} frames and blocks of {side} pixels, found {len(clip)} and {smallest}"
        )
    horizontal, vertical = projections(clip, options)
    bins, count = code_bins(options.neighbours, options.uniform)
    found = []
    for row, (top, bottom) in enumerate(block_edges(clip.shape[1], options.blocks, 0.0)):
        for column, (left, right) in enumerate(block_edges(clip.shape[2], options.blocks, 0.0)):
            lines = horizontal[:, top:bottom, column], vertical[:, row, left:right]
            found += [_shares(line_codes(line, options.mask), 2 ** (options.mask - 1)) for line in lines]
            radii = options.neighbours, options.radius_space, options.radius_time
            found += [_shares(bins[plane_codes(line, *radii)], count) for line in lines]
    return np.concatenate(found)
