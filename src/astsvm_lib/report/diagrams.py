"""Diagrams: of a step of the method, and of the architecture, from the network's layers as Keras reports them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from astsvm_lib.report.style import COLOURS, new_figure

GREY = "#555555"


@dataclass(frozen=True)
class Block:
    """A block of a diagram: data in a grey box, or an operation in a coloured one.

    Attributes
    ----------
    title
        Name of the data or of the operation.
    detail
        Below the title: a shape such as ``"10 × 192 × 192"``, or a symbol or equation as Matplotlib's mathtext.
    column, row
        Place; columns from left to right, rows from top to bottom. Fractions are allowed.
    after
        Titles of the blocks whose output goes in; each gives an arrow.
    operation
        Whether the block is an operation.
    """

    title: str
    detail: str
    column: float
    row: float = 0
    after: tuple[str, ...] = ()
    operation: bool = False


def _box(axis: Axes, x: float, y: float, wide: float, high: float, colour: str) -> None:
    """Draw a box with rounded corners around (x, y)."""
    axis.add_patch(
        FancyBboxPatch(
            (x - wide / 2, y - high / 2), wide, high, boxstyle="round,pad=0,rounding_size=0.05",
            facecolor=colour + "22", edgecolor=colour, linewidth=1.2,
        )
    )  # fmt: skip


def _arrow(axis: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Draw an arrow from ``start`` to ``end``."""
    axis.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "->", "linewidth": 1.1, "color": GREY})


def block_diagram(blocks: Sequence[Block]) -> Figure:
    """Draw blocks and the arrows between them.

    Parameters
    ----------
    blocks
        Blocks with different titles.

    Returns
    -------
    matplotlib.figure.Figure
        The diagram, without axes.
    """
    columns = [block.column for block in blocks]
    rows = [block.row for block in blocks]
    figure, axis = new_figure(width=7.2, height=0.45 + 0.8 * (max(rows) - min(rows) + 1))
    axis.axis("off")
    wide, high = 0.76, 0.72
    place = {block.title: block for block in blocks}
    for block in blocks:
        colour = COLOURS[0] if block.operation else GREY
        _box(axis, block.column, block.row, wide, high, colour)
        middle = block.row - (0.06 if block.detail else 0)
        axis.text(block.column, middle, block.title, ha="center", va="bottom" if block.detail else "center", fontsize=9,
                  color=colour, weight="bold")  # fmt: skip
        axis.text(block.column, block.row, block.detail, ha="center", va="top", fontsize=9)
        for title in block.after:
            start = place[title]
            across = start.column != block.column
            side = np.sign(block.column - start.column) * wide / 2 if across else 0
            drop = 0 if across else np.sign(block.row - start.row) * high / 2
            _arrow(axis, (start.column + side, start.row + drop), (block.column - side, block.row - drop))
    axis.set(
        xlim=(min(columns) - wide / 2 - 0.05, max(columns) + wide / 2 + 0.05),
        ylim=(max(rows) + high / 2 + 0.05, min(rows) - high / 2 - 0.05),
    )
    return figure


def architecture(layers: Sequence[Mapping[str, Any]], streams: Sequence[str]) -> Figure:
    """Draw the network from its layer table, from top to bottom, with one column of boxes per stream.

    Parameters
    ----------
    layers
        Rows of :func:`astsvm_lib.models.ast_network.layer_table`.
    streams
        Names of the streams, which are the prefixes of the layer names: ``"flow"``, ``"idsf"`` or both.

    Returns
    -------
    matplotlib.figure.Figure
        Boxes with output shapes and numbers of parameters; the text is legible in a figure of 7.2 inches.
    """
    shape = {row["name"]: " × ".join(f"{side:,}" for side in row["output_shape"]) for row in layers}
    count = {row["name"]: row["parameters"] for row in layers}
    width, gap, high = 3.4, 0.3, 0.3  # inches
    figure, axis = new_figure(width=7.2, height=4.9)
    axis.axis("off")

    def box(x: float, y: float, text: str, colour: str, wide: float = width, tall: float = high) -> None:
        _box(axis, x, y, wide, tall, colour)
        axis.text(x, y, text, ha="center", va="center", fontsize=9)

    arrow = partial(_arrow, axis)
    places = (np.arange(len(streams)) - (len(streams) - 1) / 2) * (width + 0.2)
    ends = []
    for stream, x in zip(streams, places, strict=True):
        title = {"flow": "optical flow", "idsf": "IDSF"}[stream]
        y = 0.0
        box(x, y, f"{title}: {shape[stream]}", GREY)
        for part, label, colour in (
            ("cam", "CAM", COLOURS[1]), ("sam", "SAM", COLOURS[1]), ("downsample", "6 × 6 mean", COLOURS[3]),
        ):  # fmt: skip
            name = f"{stream}_{part}"
            if name in shape:
                below = y - high - gap * 0.7
                arrow((x, y - high / 2), (x, below + high / 2))
                weights = f", {count[name]:,} parameters" if count[name] else ""
                box(x, below, f"{label}: {shape[name]}{weights}", colour)
                y = below
        branches = [name for name in shape if name.startswith(f"{stream}_conv")]
        kinds = [[name for name in branches if kind in name] for kind in ("2d", "3d")]
        rows = [row for row in kinds if row]
        tall = 0.3 + 0.36 * len(rows)
        middle = y - high / 2 - gap * 0.7 - tall / 2
        arrow((x, y - high / 2), (x, middle + tall / 2))
        box(x, middle, "", COLOURS[0], tall=tall)
        axis.text(
            x,
            middle + tall / 2 - 0.15,
            "parallel convolutions with their parameters",
            ha="center",
            va="center",
            fontsize=9,
        )
        for line, row in enumerate(rows):
            height = middle + tall / 2 - 0.46 - 0.36 * line
            for column, name in enumerate(row):
                kind = COLOURS[0] if "2d" in name else COLOURS[2]
                text = f"{name.split('_', 1)[1]}: {count[name]:,}"
                box(x + (column - (len(row) - 1) / 2) * 1.12, height, text, kind, 1.06, 0.28)
        y = middle - tall / 2 - gap * 0.7 - high / 2
        arrow((x, middle - tall / 2), (x, y + high / 2))
        box(x, y, f"3 × 3 × 3 max, joined: {shape[f'{stream}_concatenate']}", COLOURS[4])
        ends.append((x, y))
    low = min(y for _, y in ends) - high - gap
    for x, y in ends:
        arrow((x, y - high / 2), (x / 2, low + high / 2))
    box(0, low, f"features: {shape['features']}", GREY)
    last = low - high - gap
    for side, text, colour in (
        (-1, f"softmax head: {shape['head']}, {count['head']:,} parameters", COLOURS[5]),
        (1, "SVM, in prediction", COLOURS[0]),
    ):
        x = side * (width + 0.2) / 2
        arrow((x / 2, low - high / 2), (x * 0.8, last + high / 2))
        box(x, last, text, colour, wide=width * 0.8)
    wide = max(width + 0.1, 2 * width + 0.3)
    axis.set(xlim=(-wide / 2, wide / 2), ylim=(last - high / 2 - 0.05, high / 2 + 0.05))
    return figure
