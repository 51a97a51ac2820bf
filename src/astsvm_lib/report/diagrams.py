"""Diagrams: of a step of the method, and of the architecture, from the network's layers as Keras reports them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from astsvm_lib.report.style import COLOURS, new_figure


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
        colour = COLOURS[0] if block.operation else "#555555"
        axis.add_patch(
            FancyBboxPatch(
                (block.column - wide / 2, block.row - high / 2), wide, high, boxstyle="round,pad=0,rounding_size=0.06",
                facecolor=colour + "1c", edgecolor=colour, linewidth=1.2,
            )
        )  # fmt: skip
        middle = block.row - (0.06 if block.detail else 0)
        axis.text(block.column, middle, block.title, ha="center", va="bottom" if block.detail else "center", fontsize=9,
                  color=colour, weight="bold")  # fmt: skip
        axis.text(block.column, block.row, block.detail, ha="center", va="top", fontsize=9)
        for title in block.after:
            start = place[title]
            across = start.column != block.column
            side = np.sign(block.column - start.column) * wide / 2 if across else 0
            drop = 0 if across else np.sign(block.row - start.row) * high / 2
            axis.annotate(
                "", xy=(block.column - side, block.row - drop), xytext=(start.column + side, start.row + drop),
                arrowprops={"arrowstyle": "->", "linewidth": 1.1, "color": "#555555"},
            )  # fmt: skip
    axis.set(
        xlim=(min(columns) - wide / 2 - 0.05, max(columns) + wide / 2 + 0.05),
        ylim=(max(rows) + high / 2 + 0.05, min(rows) - high / 2 - 0.05),
    )
    return figure


def architecture(layers: Sequence[Mapping[str, Any]], streams: Sequence[str]) -> Figure:
    """Draw the two-stream network from its layer table.

    Parameters
    ----------
    layers
        Rows of :func:`astsvm_lib.models.ast_network.layer_table`.
    streams
        Names of the streams, which are the prefixes of the layer names: ``"flow"``, ``"idsf"`` or both.

    Returns
    -------
    matplotlib.figure.Figure
        One row of boxes per stream.
    """
    shape = {row["name"]: "×".join(map(str, row["output_shape"])) for row in layers}
    count = {row["name"]: row["parameters"] for row in layers}
    figure, axis = new_figure(width=7.2, height=3.1 + 1.2 * len(streams))
    axis.axis("off")

    def box(x: float, y: float, text: str, colour: str, width: float = 1.55, height: float = 0.8) -> None:
        patch = FancyBboxPatch(
            (x - width / 2, y - height / 2), width, height, boxstyle="round,pad=0.03", facecolor=colour + "22",
            edgecolor=colour, linewidth=1.2,
        )  # fmt: skip
        axis.add_patch(patch)
        axis.text(x, y, text, ha="center", va="center", fontsize=9)

    def arrow(start: tuple[float, float], end: tuple[float, float]) -> None:
        axis.annotate("", xy=end, xytext=start, arrowprops={"arrowstyle": "->", "linewidth": 0.9, "color": "#444444"})

    rows = 3.0 * (len(streams) - 1) - 3.0 * np.arange(len(streams))
    for stream, y in zip(streams, rows, strict=True):
        title = {"flow": "optical flow", "idsf": "IDSF"}[stream]
        box(0, y, f"{title}\n{shape[stream]}", COLOURS[6])
        x = 0.0
        for part, label, colour in (
            ("cam", "CAM", COLOURS[1]), ("sam", "SAM", COLOURS[1]), ("downsample", "6×6 mean", COLOURS[3]),
        ):  # fmt: skip
            name = f"{stream}_{part}"
            if name in shape:
                arrow((x + 0.8, y), (x + 1.1, y))
                x += 1.9
                weights = f"\n{count[name]} param." if count[name] else ""
                box(x, y, f"{label}\n{shape[name]}{weights}", colour)
        branches = [n for n in shape if n.startswith(f"{stream}_conv")]
        for i, name in enumerate(branches):
            height = y + (len(branches) - 1) * 0.23 - i * 0.46
            arrow((x + 0.8, y), (x + 1.25, height))
            kind = COLOURS[0] if "2d" in name else COLOURS[2]
            box(x + 2.05, height, f"{name.split('_', 1)[1]}: {count[name]}", kind, 1.6, 0.34)
            arrow((x + 2.85, height), (x + 3.15, y))
        box(x + 3.9, y, f"pool and\nconcatenate\n{shape[f'{stream}_concatenate']}", COLOURS[4], 1.4)
        arrow((x + 4.65, y), (x + 5.15, rows.mean()))
    end = x + 5.9
    box(end, rows.mean(), f"features\n{shape['features']}", COLOURS[6], 1.4)
    arrow((end + 0.3, rows.mean() + 0.45), (end + 0.3, rows.mean() + 0.95))
    box(end, rows.mean() + 1.35, f"softmax head\n(trains)\n{shape['head']}", COLOURS[5], 1.4)
    arrow((end + 0.3, rows.mean() - 0.45), (end + 0.3, rows.mean() - 0.95))
    box(end, rows.mean() - 1.35, "one-versus-\nrest SVM\n(tests)", COLOURS[0], 1.4)
    axis.set(xlim=(-0.9, end + 0.8), ylim=(rows.min() - 1.6, rows.max() + 1.6))
    return figure
