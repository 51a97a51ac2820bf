"""Figures of clips: frames, flow, differences and landmarks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from astsvm_lib.datasets.clip import Dataset
from astsvm_lib.preprocessing.detection import REGIONS, find_landmarks
from astsvm_lib.report.player import Panel
from astsvm_lib.report.style import BETWEEN, COLOURS, Content, draw_image, new_figure

#: Side, in pixels, of the blocks whose means are shown instead of a difference image that the licence protects.
BLOCK = 16


#: Colours of motion to the right, down, to the left and up, from Okabe and Ito's palette; between them, mixtures.
DIRECTIONS = np.array([[0, 158, 115], [230, 120, 0], [204, 121, 167], [0, 114, 178]]) / 255


def flow_colours(flow: np.ndarray, full: float, wheel: int = 0) -> np.ndarray:
    """Flow as colours: the direction as hue, the magnitude as opacity, so that the page shows where nothing moves.

    Parameters
    ----------
    flow
        (..., H, W, 2), in pixels: to the right, and down.
    full
        Magnitude, in pixels, that is shown at full intensity.
    wheel
        Diameter, in pixels, of the colour wheel drawn into the lower right corner; 0 for none.

    Returns
    -------
    numpy.ndarray
        RGBA image (..., H, W, 4) in 0..1.
    """
    shown = np.asarray(flow, np.float64)
    if wheel:
        shown = shown.copy()
        shown[..., -wheel:, -wheel:, :] = _wheel(wheel, full)
    place = np.arctan2(shown[..., 1], shown[..., 0]) / (np.pi / 2) % 4
    low = place.astype(int) % 4
    share = (place - np.floor(place))[..., None]
    colours = (1 - share) * DIRECTIONS[low] + share * DIRECTIONS[(low + 1) % 4]
    strength = np.clip(np.linalg.norm(shown, axis=-1, keepdims=True) / full, 0, 1)
    return np.concatenate([colours, strength], -1).astype(np.float32)


def _wheel(side: int, full: float) -> np.ndarray:
    """Flow (side, side, 2) that points outwards and grows from the middle to ``full`` at the rim."""
    middle = (side - 1) / 2
    outwards = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1) - middle
    radius = np.linalg.norm(outwards, axis=-1, keepdims=True)
    return np.where(radius <= middle, outwards / middle * full, 0)


def draw_wheel(axis: Axes, full: float) -> None:
    """Draw the colour wheel of :func:`flow_colours` with its scale.

    Parameters
    ----------
    axis
        Axes to draw on.
    full
        Magnitude, in pixels, at the rim.
    """
    draw_image(axis, flow_colours(_wheel(121, full), full), "diagram", extent=(-1, 1, 1, -1))
    for x, y, text, side in (
        (1.1, 0, "right", "left"),
        (-1.1, 0, "left", "right"),
        (0, -1.25, "up", "center"),
        (0, 1.25, f"down, {full:.2g} px", "center"),
    ):
        axis.text(x, y, text, ha=side, va="center", fontsize=9, color=BETWEEN)
    axis.set(xlim=(-2.2, 2.2), ylim=(1.6, -1.5), frame_on=False)


def portrait(shape: tuple[int, ...], landmarks: np.ndarray) -> np.ndarray:
    """Line drawing of the landmarks on white, which does not identify the subject.

    Parameters
    ----------
    shape
        Shape of the image; only the first two values, height and width, are used.
    landmarks
        (68, 2), column and row in pixels.

    Returns
    -------
    numpy.ndarray
        (H, W) float32 in 0..255.
    """
    canvas = np.full(shape[:2], 255, np.uint8)
    width = max(1, round(min(shape[:2]) / 150))
    for name, region in REGIONS.items():
        points = np.round(landmarks[region] * 8).astype(np.int32)[:, None]
        cv2.polylines(canvas, [points], name.endswith("eye"), 60, width, cv2.LINE_AA, shift=3)
    return canvas.astype(np.float32)


def face_images(
    data: Dataset, images: Sequence[np.ndarray], landmarks: np.ndarray | None = None
) -> tuple[list[np.ndarray], Content]:
    """Frames in a form that the licence allows to show: the frames, or drawings of their landmarks.

    Parameters
    ----------
    data
        Data set of the frames; its manifest states whether frames may be shown.
    images
        Frames or crops, (H, W) or (H, W, 3).
    landmarks
        (68, 2) in pixels of the images, the same for all images; detected in each image by default.

    Returns
    -------
    tuple
        Images, and their content for :func:`~astsvm_lib.report.style.draw_image`: ``"frame"`` or ``"landmarks"``.

    Raises
    ------
    CompanionError
        If no face is found in an image.
    """
    if data.manifest.show.frames:
        return list(images), "frame"
    drawn = []
    for image in images:
        points = find_landmarks(np.asarray(image), data.id) if landmarks is None else landmarks
        drawn.append(portrait(image.shape, points))
    return drawn, "landmarks"


def change_images(data: Dataset, images: Sequence[np.ndarray]) -> tuple[list[np.ndarray], Content]:
    """Difference images in a form that the licence allows to show: the images, or their means over blocks.

    Parameters
    ----------
    data
        Data set of the frames; its manifest states whether frames may be shown.
    images
        Difference images, (H, W) each.

    Returns
    -------
    tuple
        Images, and their content for :func:`~astsvm_lib.report.style.draw_image`: ``"frame"`` or ``"average"``.
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
    """Grid of images; the images of a row share a range of values and a colour map.

    Parameters
    ----------
    rows
        Images, (H, W) or (H, W, 3); rows may differ in length.
    row_titles, column_titles
        Labels at the left and at the top.
    limits
        Lowest and highest value of each row; its minimum and maximum by default.
    maps
        Colour map of each row; grey by default.
    cell
        Side of an image in inches.
    content
        Content of each row's images, as for :func:`~astsvm_lib.report.style.draw_image`; frames by default.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.

    Raises
    ------
    CompanionError
        If a content is unknown.
    """
    columns = max(len(row) for row in rows)
    figure, axes = new_figure(
        len(rows), columns, width=cell * columns + 0.3, height=cell * len(rows) + 0.45, squeeze=False
    )
    figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, wspace=0.01, hspace=0.01)
    for i, row in enumerate(rows):
        low, high = limits[i] if limits else (min(map(np.min, row)), max(map(np.max, row)))
        for j, axis in enumerate(axes[i]):
            axis.set(xticks=[], yticks=[])  # also for the empty cells of a shorter row
            for spine in axis.spines.values():
                spine.set_visible(False)
            if j < len(row):
                options: dict[str, Any] = {
                    "vmin": low,
                    "vmax": high,
                    "cmap": maps[i] if maps else "gray",
                    "interpolation": "nearest",
                }
                draw_image(axis, row[j], content[i] if content else "frame", **options)
            if i == 0 and j < len(column_titles):
                axis.set_title(column_titles[j], fontsize=9, loc="center", pad=2)
        axes[i][0].set_ylabel(row_titles[i], fontsize=9)
    return figure


def three_groups(
    data: Dataset, frames: np.ndarray, landmarks: np.ndarray, flow: np.ndarray, idsf: np.ndarray, name: str = "IDSF"
) -> list[Panel]:
    """The three groups of the paper's Figure 2, as panels of a player: prepared frames, flow and differences.

    Parameters
    ----------
    data
        Data set of the clip; its manifest states whether frames may be shown.
    frames, idsf
        (10, H, W).
    landmarks
        (68, 2) in pixels of the frames.
    flow
        (2, 10, H, W), in pixels: u and v, as from :func:`~astsvm_lib.features.optical_flow.flow_sequence`.
    name
        Title of the differences.

    Returns
    -------
    list of Panel
        Landmarks and block means replace frames and differences that may not be shown.
    """
    fields = np.moveaxis(flow, 0, -1)
    fastest = max(float(np.percentile(np.linalg.norm(fields, axis=-1), 99.8)), 1e-3)
    faces, face = face_images(data, list(np.clip(frames, 0, 255)), landmarks)
    changes, change = change_images(data, list(idsf))
    largest = max(float(np.percentile(np.abs(changes), 99.5)), 1e-6)
    return [
        Panel("prepared frame" if face == "frame" else "landmarks of the onset", faces, face, (0, 255)),
        Panel("flow from the frame before", list(flow_colours(fields, fastest, wheel=28)), "flow"),
        Panel(
            name if change == "frame" else f"{name}, means over blocks", changes, change, (-largest, largest), "RdBu_r"
        ),
    ]


def draw_landmarks(
    axis: Axes, landmarks: np.ndarray, colour: str = COLOURS[1], size: float = 5, label: str = ""
) -> None:
    """Draw the landmarks as dots, joined by thin lines within each region of the face.

    Parameters
    ----------
    axis
        Axes to draw on.
    landmarks
        (68, 2), column and row in pixels.
    colour
        Colour of dots and lines.
    size
        Area of a dot, as for ``matplotlib.axes.Axes.scatter``.
    label
        Label in the legend.
    """
    for i, region in enumerate(REGIONS.values()):
        points = landmarks[region]
        axis.plot(points[:, 0], points[:, 1], "-", color=colour, linewidth=0.6)
        axis.scatter(points[:, 0], points[:, 1], s=size, color=colour, label=label if i == 0 else None, zorder=3)
