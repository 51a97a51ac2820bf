"""Pictures of clips: frames, flow, differences, landmarks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from astsvm_lib.plotting.style import COLOURS, new_figure
from astsvm_lib.preprocessing.detection import REGIONS


def flow_rgb(flow: np.ndarray, full: float) -> np.ndarray:
    """Flow (..., 2) in the paper's colours (..., 3): red horizontal, green vertical, by magnitude.

    ``full`` pixels of motion give full colour.
    """
    strength = np.clip(np.abs(flow) / full, 0, 1)
    return np.concatenate([strength, np.zeros_like(strength[..., :1])], -1)


def image_grid(
    rows: Sequence[Sequence[np.ndarray]],
    row_titles: Sequence[str],
    column_titles: Sequence[str] = (),
    limits: Sequence[tuple[float, float]] = (),
    maps: Sequence[str] = (),
    cell: float = 0.95,
) -> Figure:
    """Images in rows; each row has one range of values and one colour map.

    Parameters
    ----------
    rows
        Images, (H, W) or (H, W, 3); rows may differ in length.
    row_titles, column_titles
        Texts at the left and on top.
    limits
        Lowest and highest value of each row; the row's own by default.
    maps
        Colour map of each row; grey by default.
    cell
        Side of an image in inches.
    """
    columns = max(len(row) for row in rows)
    figure, axes = new_figure(
        len(rows), columns, width=cell * columns + 0.3, height=cell * len(rows) + 0.45, squeeze=False
    )
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0.01, hspace=0.01)
    for i, row in enumerate(rows):
        low, high = limits[i] if limits else (min(map(np.min, row)), max(map(np.max, row)))
        for j, axis in enumerate(axes[i]):
            axis.set(xticks=[], yticks=[])
            for spine in axis.spines.values():
                spine.set_visible(False)
            if j < len(row):
                axis.imshow(row[j], vmin=low, vmax=high, cmap=maps[i] if maps else "gray", interpolation="nearest")
            if i == 0 and j < len(column_titles):
                axis.set_title(column_titles[j], fontsize=8, loc="center", pad=2)
        axes[i][0].set_ylabel(row_titles[i], fontsize=8)
    return figure


def filmstrip(frames: np.ndarray, titles: Sequence[str], row_title: str = "") -> Figure:
    """Frames in one row."""
    return image_grid([list(frames)], [row_title], titles)


def three_groups(frames: np.ndarray, flow: np.ndarray, idsf: np.ndarray, name: str = "IDSF") -> Figure:
    """Figure 2 of the paper: (a) prepared frames, (b) flow in red and green, (c) differences.

    Parameters
    ----------
    frames, idsf
        (10, H, W).
    flow
        (10, H, W, 2).
    """
    fastest = max(float(np.percentile(np.abs(flow), 99.8)), 1e-3)
    largest = max(float(np.percentile(np.abs(idsf), 99.5)), 1e-6)
    rows = [list(np.clip(frames, 0, 255)), list(flow_rgb(flow, fastest)), list(idsf)]
    return image_grid(
        rows,
        ["(a) frames", "(b) flow", f"(c) {name}"],
        [str(i + 1) for i in range(len(frames))],
        [(0, 255), (0, 1), (-largest, largest)],
        ["gray", "gray", "RdBu_r"],
        cell=0.72,
    )


def draw_landmarks(
    axis: Axes, landmarks: np.ndarray, colour: str = COLOURS[1], size: float = 5, label: str = ""
) -> None:
    """The 68 landmarks as dots, region by region joined by thin lines."""
    for i, region in enumerate(REGIONS.values()):
        points = landmarks[region]
        axis.plot(points[:, 0], points[:, 1], "-", color=colour, linewidth=0.6)
        axis.scatter(points[:, 0], points[:, 1], s=size, color=colour, label=label if i == 0 else None, zorder=3)
