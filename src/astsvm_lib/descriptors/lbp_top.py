"""LBP-TOP: local binary patterns on three orthogonal planes (Zhao and Pietikainen 2007).

A clip is a volume of grey values over column, row and time. Each voxel has a local binary pattern in three
planes: the image (XY), a row over time (XT) and a column over time (YT). The codes are counted in a grid of
blocks. Each histogram is normalised to sum 1, and all histograms are concatenated.
"""

from __future__ import annotations

from typing import Literal

import numba
import numpy as np

from astsvm_lib.choices import Part, option
from astsvm_lib.errors import CompanionError
from astsvm_lib.features.binary_patterns import code_bins, corners, ellipse
from astsvm_lib.features.blocks import block_edges

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1

#: The planes, as pairs of axes of a clip (time, row, column): the plane's horizontal and vertical axis.
PLANES = {"XY": (2, 1), "XT": (2, 0), "YT": (1, 0)}


class LbpTop(Part):
    """Parameters of LBP-TOP."""

    neighbours: int = option(8, "points on each ellipse", ge=2, le=16)
    radius_column: int = option(1, "horizontal radius, in pixels", ge=1)
    radius_row: int = option(1, "vertical radius, in pixels", ge=1)
    radius_time: int = option(4, "temporal radius, in frames of the prepared clip", ge=1)
    blocks_column: int = option(8, "blocks along the horizontal axis", ge=1)
    blocks_row: int = option(8, "blocks along the vertical axis", ge=1)
    blocks_time: int = option(1, "blocks along the time axis", ge=1)
    overlap: float = option(0.0, "fraction of a block that the next one also covers, in space", ge=0, lt=1)
    uniform: bool = option(True, "merge all non-uniform codes into one bin")
    interpolation: Literal["bilinear", "nearest"] = option(
        "bilinear",
        "of neighbours between pixels: bilinear, rounded to integers as in the authors' code; or the nearest pixel",
    )

    @property
    def radii(self) -> tuple[int, int, int]:
        """Radii along time, row and column."""
        return self.radius_time, self.radius_row, self.radius_column


@numba.njit(cache=True)
def _code_plane(clip, steps, weights, margins, bins, out):  # type: ignore[no-untyped-def]
    """Bin of each voxel's code in one plane; interpolated neighbours are rounded to integers."""
    frames, height, width = clip.shape
    flat = clip.ravel()
    neighbours = steps.shape[0]
    for t in range(margins[0], frames - margins[0]):
        for y in range(margins[1], height - margins[1]):
            start = (t * height + y) * width
            for x in range(margins[2], width - margins[2]):
                at = start + x
                centre = flat[at]
                code = 0
                for k in range(neighbours):
                    if weights[k, 0] == 1.0:
                        value = flat[at + steps[k, 0]]
                    else:
                        mixed = 0.0
                        for corner in range(4):
                            mixed += weights[k, corner] * flat[at + steps[k, corner]]
                        value = np.uint8(mixed + 0.5)
                    if value >= centre:
                        code |= 1 << k
                out[t - margins[0], y - margins[1], x - margins[2]] = bins[code]


@numba.njit(cache=True)
def _count(codes, times, rows, columns, out):  # type: ignore[no-untyped-def]
    """Histogram of the codes in each block; ``out`` is (time, row, column, bin)."""
    for a in range(times.shape[0]):
        for b in range(rows.shape[0]):
            for c in range(columns.shape[0]):
                for t in range(times[a, 0], times[a, 1]):
                    for y in range(rows[b, 0], rows[b, 1]):
                        for x in range(columns[c, 0], columns[c, 1]):
                            out[a, b, c, codes[t, y, x]] += 1


def code_volumes(clip: np.ndarray, options: LbpTop) -> dict[str, np.ndarray]:
    """Bin of each inner voxel's code in each plane.

    Parameters
    ----------
    clip
        (T, H, W) uint8 grey values.
    options
        See :class:`LbpTop`.

    Returns
    -------
    dict
        Name of the plane -> (T - 2 rt, H - 2 ry, W - 2 rx) int32, with the radii rt, ry and rx.

    Raises
    ------
    CompanionError
        If the clip has another shape or type, or is smaller than its neighbourhoods.
    """
    margins = np.array(options.radii)
    if clip.ndim != 3 or clip.dtype != np.uint8:
        raise CompanionError(f"LBP-TOP: expected a clip (T, H, W) of uint8, found {clip.shape} of {clip.dtype}")
    if (np.array(clip.shape) <= 2 * margins).any():
        needed = "x".join(str(2 * margin + 1) for margin in margins)
        shape = "x".join(map(str, clip.shape))
        raise CompanionError(f"LBP-TOP: expected at least {needed} (frames, rows, columns), found {shape}")
    bins, _ = code_bins(options.neighbours, options.uniform)
    strides = np.array([clip.shape[1] * clip.shape[2], clip.shape[2], 1])
    clip = np.ascontiguousarray(clip)
    found: dict[str, np.ndarray] = {}
    for plane, (right, down) in PLANES.items():
        offsets = ellipse(options.neighbours, options.radii[right], options.radii[down])
        points, weights = corners(offsets, options.interpolation)
        steps = points[..., 0] * strides[right] + points[..., 1] * strides[down]
        out = np.empty(np.array(clip.shape) - 2 * margins, np.int32)
        _code_plane(clip, steps, weights, margins, bins, out)
        found[plane] = out
    return found


def lbp_top(clip: np.ndarray, options: LbpTop | None = None) -> np.ndarray:
    """LBP-TOP descriptor of a clip.

    Parameters
    ----------
    clip
        (T, H, W) uint8 grey values.
    options
        See :class:`LbpTop`.

    Returns
    -------
    numpy.ndarray
        (3 x blocks_time x blocks_row x blocks_column x bins,) float64; the histogram of each plane and block
        sums to 1.

    Raises
    ------
    CompanionError
        If the clip has another shape or type, is smaller than its neighbourhoods, or has fewer inner voxels than
        blocks along an axis.

    Notes
    -----
    Zhao and Pietikainen 2007; Table 8 of the paper.
    """
    options = options or LbpTop()
    _, count = code_bins(options.neighbours, options.uniform)
    parts = []
    for codes in code_volumes(clip, options).values():
        grid = (options.blocks_time, options.blocks_row, options.blocks_column)
        overlaps = (0.0, options.overlap, options.overlap)
        if any(length < blocks for length, blocks in zip(codes.shape, grid, strict=True)):
            raise CompanionError(
                f"LBP-TOP: expected at least one voxel per block, found {codes.shape} for a grid of {grid} blocks"
            )
        edges = [block_edges(*item) for item in zip(codes.shape, grid, overlaps, strict=True)]
        counts = np.zeros((*grid, count), np.int64)
        _count(codes, *edges, counts)
        parts.append((counts / counts.sum(-1, keepdims=True)).ravel())
    return np.concatenate(parts)
