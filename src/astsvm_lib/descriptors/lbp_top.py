"""LBP-TOP: local binary patterns on three orthogonal planes (Zhao and Pietikainen 2007).

A clip is a block of grey values over column, row and time. Cut it through every point in three ways: the
picture (XY), a row over time (XT), a column over time (YT). In each plane the point has a local binary
pattern; the codes are counted in a grid of blocks, each count divided by its sum, and all are put one
after the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numba
import numpy as np

from astsvm_lib.descriptors.patterns import code_bins, ellipse
from astsvm_lib.errors import CompanionError

#: The planes, as pairs of axes of a clip (time, row, column): what is "right", what is "down".
PLANES = {"XY": (2, 1), "XT": (2, 0), "YT": (1, 0)}


@dataclass(frozen=True)
class LbpTop:
    """Parameters of LBP-TOP.

    Attributes
    ----------
    neighbours
        Points on each ellipse.
    radius_column, radius_row, radius_time
        Radii along the three axes, in pixels and frames.
    blocks_column, blocks_row, blocks_time
        Grid of blocks.
    overlap
        Share of a block that the next one covers too, in space.
    uniform
        Join all codes that change more than twice.
    interpolation
        Of neighbours between pixels: ``bilinear``, rounded to whole grey values as in the authors'
        program, or the ``nearest`` pixel.
    """

    neighbours: int = 8
    radius_column: int = 1
    radius_row: int = 1
    radius_time: int = 4
    blocks_column: int = 8
    blocks_row: int = 8
    blocks_time: int = 1
    overlap: float = 0.0
    uniform: bool = True
    interpolation: Literal["bilinear", "nearest"] = "bilinear"

    def __post_init__(self) -> None:
        radii = (self.radius_column, self.radius_row, self.radius_time)
        blocks = (self.blocks_column, self.blocks_row, self.blocks_time)
        if not 2 <= self.neighbours <= 16:
            raise CompanionError(f"LBP-TOP: expected 2 to 16 neighbours, found {self.neighbours}")
        if min(radii) < 1 or min(blocks) < 1:
            raise CompanionError(f"LBP-TOP: expected radii and blocks of at least 1, found {radii} and {blocks}")
        if not 0 <= self.overlap < 1:
            raise CompanionError(f"LBP-TOP: expected an overlap of at least 0 and less than 1, found {self.overlap}")

    @property
    def radii(self) -> tuple[int, int, int]:
        """Radii along time, row and column."""
        return self.radius_time, self.radius_row, self.radius_column


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


@numba.njit(cache=True)
def _code_plane(clip, steps, weights, margins, bins, out):  # type: ignore[no-untyped-def]
    """Bin of each point's code in one plane; neighbours are weighted means of four points, rounded."""
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
    """Counts of codes in each block, out (time, row, column, bin)."""
    for a in range(times.shape[0]):
        for b in range(rows.shape[0]):
            for c in range(columns.shape[0]):
                for t in range(times[a, 0], times[a, 1]):
                    for y in range(rows[b, 0], rows[b, 1]):
                        for x in range(columns[c, 0], columns[c, 1]):
                            out[a, b, c, codes[t, y, x]] += 1


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


def code_volumes(clip: np.ndarray, options: LbpTop) -> dict[str, np.ndarray]:
    """Bins of the codes of every inner point in each plane, (T - 2 rt, H - 2 ry, W - 2 rx) int32.

    Parameters
    ----------
    clip
        (T, H, W) uint8.
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
    """LBP-TOP of a clip, a vector of float64.

    Parameters
    ----------
    clip
        (T, H, W) uint8 grey values.
    options
        See :class:`LbpTop`.

    Returns
    -------
    numpy.ndarray
        (planes x time blocks x row blocks x column blocks x bins,); the bins of each block and plane add up
        to 1.

    Raises
    ------
    CompanionError
        If the clip is smaller than its neighbourhoods, or has more blocks than points.

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
            raise CompanionError(f"LBP-TOP: expected at least one point a block, found {codes.shape} for a grid {grid}")
        edges = [block_edges(*item) for item in zip(codes.shape, grid, overlaps, strict=True)]
        counts = np.zeros((*grid, count), np.int64)
        _count(codes, *edges, counts)
        parts.append((counts / counts.sum(-1, keepdims=True)).ravel())
    return np.concatenate(parts)
