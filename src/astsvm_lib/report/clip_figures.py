"""Pictures of clips: frames, flow, differences, landmarks."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from astsvm_lib.datasets.clip import Dataset
from astsvm_lib.preprocessing.detection import REGIONS, find_landmarks
from astsvm_lib.report.style import COLOURS, Content, draw_image, new_figure

#: Side of the blocks, in pixels, whose means stand for a difference that may not be shown.
BLOCK = 16


def flow_rgb(flow: np.ndarray, full: float) -> np.ndarray:
    """Flow (..., 2) in the paper's colours (..., 3): red horizontal, green vertical, by magnitude.

    ``full`` pixels of motion give full colour.
    """
    strength = np.clip(np.abs(flow) / full, 0, 1)
    return np.concatenate([strength, np.zeros_like(strength[..., :1])], -1)


def portrait(shape: tuple[int, ...], landmarks: np.ndarray) -> np.ndarray:
    """The 68 landmarks (column, row) as lines on white, (H, W) float32 in 0..255: a face without the person."""
    canvas = np.full(shape[:2], 255, np.uint8)
    width = max(1, round(min(shape[:2]) / 150))
    for name, region in REGIONS.items():
        points = np.round(landmarks[region] * 8).astype(np.int32)[:, None]
        cv2.polylines(canvas, [points], name.endswith("eye"), 60, width, cv2.LINE_AA, shift=3)
    return canvas.astype(np.float32)


def face_images(
    data: Dataset, images: Sequence[np.ndarray], landmarks: np.ndarray | None = None
) -> tuple[list[np.ndarray], Content]:
    """Frames as they may be shown, and what they then are: themselves, or their landmarks.

    Parameters
    ----------
    images
        Frames or crops, (H, W) or (H, W, 3).
    landmarks
        (68, 2) in the images' pixels, the same for all of them; found in each image by default.
    """
    if data.manifest.show.frames:
        return list(images), "frame"
    drawn = []
    for image in images:
        points = find_landmarks(np.asarray(image), data.id) if landmarks is None else landmarks
        drawn.append(portrait(image.shape, points))
    return drawn, "landmarks"


def change_images(data: Dataset, images: Sequence[np.ndarray]) -> tuple[list[np.ndarray], Content]:
    """Differences of frames as they may be shown, and what they then are: themselves, or means over blocks.

    Parameters
    ----------
    images
        (H, W) each.
    """
    if data.manifest.show.frames:
        return list(images), "frame"
    coarse = []
    for image in images:
        rows, columns = image.shape[0] // BLOCK, image.shape[1] // BLOCK
        blocks = image[: rows * BLOCK, : columns * BLOCK].reshape(rows, BLOCK, columns, BLOCK)
        coarse.append(blocks.mean((1, 3)))
    return coarse, "average"


def image_grid(
    rows: Sequence[Sequence[np.ndarray]],
    row_titles: Sequence[str],
    column_titles: Sequence[str] = (),
    limits: Sequence[tuple[float, float]] = (),
    maps: Sequence[str] = (),
    cell: float = 0.95,
    content: Sequence[Content] = (),
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
    content
        What each row's images are; frames by default.
    """
    columns = max(len(row) for row in rows)
    figure, axes = new_figure(
        len(rows), columns, width=cell * columns + 0.3, height=cell * len(rows) + 0.45, squeeze=False
    )
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0.01, hspace=0.01)
    for i, row in enumerate(rows):
        low, high = limits[i] if limits else (min(map(np.min, row)), max(map(np.max, row)))
        for j, axis in enumerate(axes[i]):
            axis.set(xticks=[], yticks=[])  # also where a row is shorter than the others
            for spine in axis.spines.values():
                spine.set_visible(False)
            if j < len(row):
                options = {"vmin": low, "vmax": high, "cmap": maps[i] if maps else "gray", "interpolation": "nearest"}
                draw_image(axis, row[j], content[i] if content else "frame", **options)
            if i == 0 and j < len(column_titles):
                axis.set_title(column_titles[j], fontsize=8, loc="center", pad=2)
        axes[i][0].set_ylabel(row_titles[i], fontsize=8)
    return figure


def three_groups(
    data: Dataset, frames: np.ndarray, landmarks: np.ndarray, flow: np.ndarray, idsf: np.ndarray, name: str = "IDSF"
) -> Figure:
    """Figure 2 of the paper: (a) prepared frames, (b) flow in red and green, (c) differences.

    Parameters
    ----------
    data
        Says what may be shown.
    frames, idsf
        (10, H, W).
    landmarks
        (68, 2) in the pixels of the frames.
    flow
        (10, H, W, 2).
    """
    fastest = max(float(np.percentile(np.abs(flow), 99.8)), 1e-3)
    faces, face = face_images(data, list(np.clip(frames, 0, 255)), landmarks)
    changes, change = change_images(data, list(idsf))
    largest = max(float(np.percentile(np.abs(changes), 99.5)), 1e-6)
    return image_grid(
        [faces, list(flow_rgb(flow, fastest)), changes],
        ["(a) frames" if face == "frame" else "(a) landmarks", "(b) flow", f"(c) {name}"],
        [str(i + 1) for i in range(len(frames))],
        [(0, 255), (0, 1), (-largest, largest)],
        ["gray", "gray", "RdBu_r"],
        cell=0.72,
        content=[face, "flow", change],
    )


def draw_landmarks(
    axis: Axes, landmarks: np.ndarray, colour: str = COLOURS[1], size: float = 5, label: str = ""
) -> None:
    """The 68 landmarks as dots, region by region joined by thin lines."""
    for i, region in enumerate(REGIONS.values()):
        points = landmarks[region]
        axis.plot(points[:, 0], points[:, 1], "-", color=colour, linewidth=0.6)
        axis.scatter(points[:, 0], points[:, 1], s=size, color=colour, label=label if i == 0 else None, zorder=3)
