"""The descriptors as one would write them down: loops over points, to read, and to hold the compiled forms against."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from astsvm_lib.descriptors.bi_woof import BiWoof
from astsvm_lib.descriptors.lbp_top import PLANES, LbpTop
from astsvm_lib.descriptors.stlbp_ip import StlbpIp
from astsvm_lib.features.binary_patterns import TIE, code_bins, ellipse
from astsvm_lib.features.blocks import block_edges

Point = tuple[int, int, int]


def _moved(point: Point, right: int, dx: int, down: int, dy: int) -> Point:
    """A point of a clip (time, row, column) moved along two of its axes."""
    place = list(point)
    place[right] += dx
    place[down] += dy
    return place[0], place[1], place[2]


def _corners(fx: float, fy: float) -> Iterator[tuple[int, int, float]]:
    """Steps to the four pixels around a place between them, and the weight of each."""
    yield 0, 0, (1 - fx) * (1 - fy)
    yield 1, 0, fx * (1 - fy)
    yield 0, 1, (1 - fx) * fy
    yield 1, 1, fx * fy


def _neighbour(clip: np.ndarray, point: Point, axes: tuple[int, int], offset: np.ndarray, options: LbpTop) -> int:
    """Grey value at an offset from a point: of the nearest pixel, or the rounded mean of the four around."""
    dx, dy = np.floor(offset + 0.5) if options.interpolation == "nearest" else offset
    low_x, low_y = int(np.floor(dx)), int(np.floor(dy))
    total = 0.0
    for step_x, step_y, weight in _corners(dx - low_x, dy - low_y):
        if weight:
            total += weight * clip[_moved(point, axes[0], low_x + step_x, axes[1], low_y + step_y)]
    return int(total + 0.5)


def plain_lbp_top(clip: np.ndarray, options: LbpTop) -> np.ndarray:
    """LBP-TOP of a clip (T, H, W) uint8: what :func:`~astsvm_lib.descriptors.lbp_top` computes, slowly."""
    bins, count = code_bins(options.neighbours, options.uniform)
    grid = (options.blocks_time, options.blocks_row, options.blocks_column)
    inner = [length - 2 * radius for length, radius in zip(clip.shape, options.radii, strict=True)]
    overlaps = (0.0, options.overlap, options.overlap)
    edges = [block_edges(*item) for item in zip(inner, grid, overlaps, strict=True)]
    radius_time, radius_row, radius_column = options.radii
    found = []
    for axes in PLANES.values():
        offsets = ellipse(options.neighbours, options.radii[axes[0]], options.radii[axes[1]])
        for t0, t1 in edges[0]:
            for y0, y1 in edges[1]:
                for x0, x1 in edges[2]:
                    histogram = np.zeros(count, np.int64)
                    for t in range(t0 + radius_time, t1 + radius_time):
                        for y in range(y0 + radius_row, y1 + radius_row):
                            for x in range(x0 + radius_column, x1 + radius_column):
                                code = 0
                                for k, offset in enumerate(offsets):
                                    if _neighbour(clip, (t, y, x), axes, offset, options) >= clip[t, y, x]:
                                        code += 2**k
                                histogram[bins[code]] += 1
                    found.append(histogram / histogram.sum())
    return np.concatenate(found)


def plain_bi_woof(flow: np.ndarray, strain: np.ndarray, options: BiWoof) -> np.ndarray:
    """Bi-WOOF of a flow (H, W, 2) and its strain (H, W): what :func:`~astsvm_lib.descriptors.bi_woof` computes."""
    rows, columns = (block_edges(side, options.blocks, 0.0) for side in flow.shape[:2])
    found = []
    for top, bottom in rows:
        for left, right in columns:
            histogram, total = np.zeros(options.bins), 0.0
            for y in range(top, bottom):
                for x in range(left, right):
                    u, v = flow[y, x]
                    sector = int((np.arctan2(v, u) + np.pi) / (2 * np.pi) * options.bins)
                    length = np.hypot(u, v)
                    histogram[min(sector, options.bins - 1)] += length if options.local_weight else float(length > 0)
                    total += strain[y, x]
            mean = total / ((bottom - top) * (right - left))
            if options.normalise and histogram.sum() > 0:
                histogram = histogram / histogram.sum()
            found.append(histogram * mean if options.global_weight else histogram)
    vector = np.concatenate(found)
    return vector / np.linalg.norm(vector) if options.normalise and vector.any() else vector


def _line_histogram(line: list[int], mask: int, counts: np.ndarray) -> None:
    """Count the one-dimensional codes of a projection."""
    half = mask // 2
    steps = [*range(-half, 0), *range(1, half + 1)]
    for at in range(half, len(line) - half):
        code = sum(2**k for k, step in enumerate(steps) if line[at + step] >= line[at])
        counts[code] += 1


def _plane_histogram(plane: list[list[int]], options: StlbpIp) -> np.ndarray:
    """Counts of the codes of a projection over time (time, place)."""
    bins, count = code_bins(options.neighbours, options.uniform)
    counts = np.zeros(count, np.int64)
    for t in range(options.radius_time, len(plane) - options.radius_time):
        for x in range(options.radius_space, len(plane[0]) - options.radius_space):
            code = 0
            for k, (dx, dy) in enumerate(ellipse(options.neighbours, options.radius_space, options.radius_time)):
                low_x, low_y = int(np.floor(dx)), int(np.floor(dy))
                total = 0.0
                for step_x, step_y, weight in _corners(dx - low_x, dy - low_y):
                    if weight:
                        total += weight * plane[t + low_y + step_y][x + low_x + step_x]
                code += 2**k if total >= plane[t][x] - TIE else 0
            counts[bins[code]] += 1
    return counts


def plain_stlbp_ip(clip: np.ndarray, options: StlbpIp) -> np.ndarray:
    """STLBP-IP of a clip (T, H, W) uint8: what :func:`~astsvm_lib.descriptors.stlbp_ip` computes, slowly."""
    frames = clip.astype(int)
    earlier = [0] * (len(frames) - 1) if options.reference == "onset" else range(len(frames) - 1)
    differences = [frames[t + 1] - frames[start] for t, start in enumerate(earlier)]
    found = []
    for top, bottom in block_edges(clip.shape[1], options.blocks, 0.0):
        for left, right in block_edges(clip.shape[2], options.blocks, 0.0):
            horizontal = [[sum(int(v) for v in d[y, left:right]) for y in range(top, bottom)] for d in differences]
            vertical = [[sum(int(v) for v in d[top:bottom, x]) for x in range(left, right)] for d in differences]
            for lines in (horizontal, vertical):
                counts = np.zeros(2 ** (options.mask - 1), np.int64)
                for line in lines:
                    _line_histogram(line, options.mask, counts)
                found.append(counts / counts.sum())
            for plane in (horizontal, vertical):
                counts = _plane_histogram(plane, options)
                found.append(counts / counts.sum())
    return np.concatenate(found)
