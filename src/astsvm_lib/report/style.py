"""The style of the figures, and :func:`show`, by which every figure is displayed."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, get_args

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure
from matplotlib.image import AxesImage, _ImageBase

from astsvm_lib.datasets.privacy import flow_forbidden, frames_forbidden
from astsvm_lib.errors import CompanionError

#: Okabe and Ito's palette (2008), ordered so that neighbouring colours also differ in lightness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
PIXELS_PER_INCH = 96
SHARPNESS = 2  # image pixels per page pixel

#: Content of an image: ``frame``, a frame of the data (also cropped, magnified or subtracted from another);
#: ``landmarks``, a drawing of them; ``flow``, optical flow; ``average``, a mean over many clips or large blocks;
#: ``diagram``, a matrix or a map of weights; ``free``, rendered or in the public domain.
Content = Literal["frame", "landmarks", "flow", "average", "diagram", "free"]
_MARK = "content:"
#: Fewest clips over which maps are averaged where the flow of a single clip may not be shown.
FEWEST_CLIPS = 10
#: A mesh with fewer cells than this cannot show a face.
_SMALL_MESH = 400


@contextmanager
def book_style() -> Iterator[None]:
    """Apply the book's Matplotlib settings to figures created inside the context."""
    settings: dict[str, Any] = {
        "axes.prop_cycle": plt.cycler(color=COLOURS),
        "axes.titlesize": 11,
        "axes.titlelocation": "left",
        "font.size": 10,
        "figure.facecolor": "white",
        "image.cmap": "gray",
    }
    with sns.axes_style("ticks"), plt.rc_context(settings):  # type: ignore[arg-type]
        yield


def new_figure(rows: int = 1, columns: int = 1, width: float = 7.2, height: float = 3.0, **options: Any) -> Any:
    """Create a figure with axes in the book's style.

    Parameters
    ----------
    rows, columns
        Number of axes in each direction.
    width, height
        Size of the figure in inches.
    **options
        Passed to ``matplotlib.pyplot.subplots``.

    Returns
    -------
    tuple
        The figure and its axes, as from ``matplotlib.pyplot.subplots``.
    """
    with book_style():
        figure, axes = plt.subplots(rows, columns, figsize=(width, height), layout="constrained", **options)
    return figure, axes


def draw_image(axis: Axes, image: np.ndarray, content: Content = "frame", clips: int = 1, **options: Any) -> AxesImage:
    """Draw an image and declare its content, which :func:`show` checks.

    Parameters
    ----------
    axis
        Axes to draw on.
    image
        (H, W) or (H, W, 3).
    content
        One of :data:`Content`.
    clips
        Number of clips over which an ``average`` was taken.
    **options
        Passed to ``matplotlib.axes.Axes.imshow``.

    Returns
    -------
    matplotlib.image.AxesImage
        The image drawn.

    Raises
    ------
    CompanionError
        If the content is unknown.
    """
    if content not in get_args(Content):
        raise CompanionError(f"content of an image: expected one of {', '.join(get_args(Content))}, found '{content}'")
    drawn = axis.imshow(image, **options)
    drawn.set_gid(f"{_MARK}{content} {clips}" if content == "average" else f"{_MARK}{content}")
    axis.set(xticks=[], yticks=[])
    return drawn


def _check_privacy(figure: Figure) -> None:
    """Raise an error if the figure shows a frame and the licence of a data set in use forbids it."""
    forbidden = frames_forbidden()
    if not forbidden:
        return
    meshes = [mesh for mesh in figure.findobj(QuadMesh) if np.size(np.asarray(mesh.get_array())) >= _SMALL_MESH]
    for drawn in (*figure.findobj(_ImageBase), *meshes):
        if (drawn.get_gid() or f"{_MARK}frame") == f"{_MARK}frame":
            raise CompanionError(
                f"this figure would show a frame, but frames of the data in use ({', '.join(forbidden)}) may not be "
                "shown: draw report.face_images or report.change_images instead; if the image is not a frame, declare "
                f"its content with report.draw_image(..., content=...), one of {', '.join(get_args(Content)[1:])}"
            )
    protected = flow_forbidden()
    for drawn in figure.findobj(_ImageBase) if protected else ():
        content, _, clips = (drawn.get_gid() or "").removeprefix(_MARK).partition(" ")
        if content == "flow" or (content == "average" and int(clips or 1) < FEWEST_CLIPS):
            raise CompanionError(
                f"this figure would show the flow of fewer than {FEWEST_CLIPS} clips, but of the data in use "
                f"({', '.join(protected)}) only averages over at least {FEWEST_CLIPS} clips may be shown: draw them "
                "with report.draw_image(..., content='average', clips=N)"
            )


def show(figure: Figure, alt: str, data: str = "") -> None:
    """Display a figure with alt text, and close it.

    Parameters
    ----------
    figure
        Figure to display.
    alt
        Description for readers who cannot see the figure.
    data
        Source of the data, printed at the foot; :func:`~astsvm_lib.report.tables.headings` gives it for data sets.

    Raises
    ------
    CompanionError
        If the alt text is empty, or the figure shows a frame of data whose licence forbids it.
    """
    from IPython.display import display

    if not alt.strip():
        raise CompanionError("a figure needs alt text: describe in one sentence what it shows")
    _check_privacy(figure)
    if data:
        figure.supxlabel(data, fontsize=7, color="#555555", x=0.995, ha="right")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=PIXELS_PER_INCH * SHARPNESS, facecolor="white")
    plt.close(figure)
    width = round(figure.get_size_inches()[0] * PIXELS_PER_INCH)
    display(
        {"image/png": base64.b64encode(buffer.getvalue()).decode(), "text/plain": alt},
        metadata={"image/png": {"alt": " ".join(f"{alt} {data}".split()), "width": f"{width}px"}},
        raw=True,
    )
