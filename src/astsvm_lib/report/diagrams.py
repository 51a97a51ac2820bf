"""Diagram of the architecture, drawn from the network's layers with the shapes that Keras reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from astsvm_lib.report.style import COLOURS, new_figure


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
        axis.text(x, y, text, ha="center", va="center", fontsize=6.6)

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
