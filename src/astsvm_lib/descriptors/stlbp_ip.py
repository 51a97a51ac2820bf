"""STLBP-IP: spatiotemporal local binary patterns with integral projection (Huang et al. 2015).

What a face looks like is taken away: from each frame the onset is subtracted. In a grid of blocks each
difference image is summed along its rows and along its columns: two lines a frame, the **integral
projections**, which keep where along the height or the width something changed. Two things are counted
then: the one-dimensional binary patterns of every line (where it changed), and the local binary patterns of
the picture that the lines make when they are put one below the other in time (how it changed).
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from astsvm_lib.choices import Part, option
from astsvm_lib.descriptors.blocks import block_edges
from astsvm_lib.descriptors.patterns import code_bins, plane_codes
from astsvm_lib.errors import CompanionError


class StlbpIp(Part):
    """Parameters of STLBP-IP."""

    reference: Literal["onset", "previous"] = option("onset", "frame that is subtracted from each frame")
    mask: Literal[3, 5, 7, 9, 11] = option(9, "points of a line that make one code, the middle one included")
    blocks: int = option(5, "blocks along a row, and along a column", ge=1)
    neighbours: int = option(8, "points on the ellipse in the picture of lines over time", ge=2, le=16)
    radius_space: int = option(3, "radius along a line, in pixels", ge=1)
    radius_time: int = option(1, "radius along time, in frames of the prepared clip", ge=1)
    uniform: bool = option(True, "join all codes of that picture that change more than twice")


def projections(clip: np.ndarray, options: StlbpIp) -> tuple[np.ndarray, np.ndarray]:
    """Integral projections of the difference images in each column, and in each row, of blocks.

    Returns
    -------
    tuple of numpy.ndarray
        Horizontal, (T - 1, H, blocks): sums along the rows; vertical, (T - 1, blocks, W): along the
        columns. Whole numbers.
    """
    frames = clip.astype(np.int64)
    differences = frames[1:] - (frames[:1] if options.reference == "onset" else frames[:-1])
    rows, columns = (block_edges(side, options.blocks, 0.0)[:, 0] for side in clip.shape[1:])
    return np.add.reduceat(differences, columns, axis=2), np.add.reduceat(differences, rows, axis=1)


def line_codes(lines: np.ndarray, mask: int) -> np.ndarray:
    """One-dimensional codes of lines (..., L), (..., L - mask + 1): bit k, if neighbour k is at least as large.

    Examples
    --------
    >>> line_codes(np.array([1, 2, 3, 2, 1]), 3).tolist()  # rising, at the top, falling
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
    """STLBP-IP of a clip, a vector of float64.

    Parameters
    ----------
    clip
        (T, H, W) uint8 grey values, the onset first.
    options
        See :class:`StlbpIp`.

    Returns
    -------
    numpy.ndarray
        (blocks x blocks x (2 x 2^(mask - 1) + 2 x bins),), block by block, row by row: the codes of the
        horizontal lines, of the vertical lines, and of both over time; each of the four adds up to 1.

    Raises
    ------
    CompanionError
        If the clip is too short or its blocks are too small.

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
