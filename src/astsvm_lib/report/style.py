"""The style of every figure, and the one way to put a figure on a page."""

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

from astsvm_lib.datasets.privacy import frames_forbidden
from astsvm_lib.errors import CompanionError

#: Okabe and Ito's palette (2008), in an order that also differs in lightness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
PIXELS_PER_INCH = 96
SHARPNESS = 2  # image pixels for each page pixel

#: What the pixels of an image are: a frame of the data (whole, cropped, magnified or subtracted from
#: another); landmarks drawn; optical flow; an average over many clips or large blocks; a matrix or a map of
#: weights; or what is free to all: rendered, or in the public domain.
Content = Literal["frame", "landmarks", "flow", "average", "diagram", "free"]
_MARK = "content:"
#: A mesh of fewer cells than this is no picture of a face.
_SMALL_MESH = 400


@contextmanager
def book_style() -> Iterator[None]:
    """Matplotlib settings of the book, for the figures made inside."""
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
    """Figure and axes in the book's style; ``options`` go to ``matplotlib.pyplot.subplots``."""
    with book_style():
        figure, axes = plt.subplots(rows, columns, figsize=(width, height), layout="constrained", **options)
    return figure, axes


def draw_image(axis: Axes, image: np.ndarray, content: Content = "frame", **options: Any) -> AxesImage:
    """Draw an image (H, W) or (H, W, 3) and say what its pixels are; ``options`` go to ``imshow``.

    Raises
    ------
    CompanionError
        If there is no such content.
    """
    if content not in get_args(Content):
        raise CompanionError(f"content of an image: expected one of {', '.join(get_args(Content))}, found '{content}'")
    drawn = axis.imshow(image, **options)
    drawn.set_gid(f"{_MARK}{content}")
    axis.set(xticks=[], yticks=[])
    return drawn


def _check_privacy(figure: Figure) -> None:
    """Refuse to put a frame on a page while data is in use whose licence forbids it."""
    forbidden = frames_forbidden()
    if not forbidden:
        return
    meshes = [mesh for mesh in figure.findobj(QuadMesh) if np.size(np.asarray(mesh.get_array())) >= _SMALL_MESH]
    for drawn in (*figure.findobj(_ImageBase), *meshes):
        if (drawn.get_gid() or f"{_MARK}frame") == f"{_MARK}frame":
            raise CompanionError(
                f"this figure would show a frame, and what is in use ({', '.join(forbidden)}) may not be shown: draw "
                "report.face_images or report.change_images in its place; if it is something else, say what with "
                f"report.draw_image(..., content=...), one of {', '.join(get_args(Content)[1:])}"
            )


def show(figure: Figure, alt: str, data: str = "") -> None:
    """Put a figure on the page, with alt text that says what there is to see.

    Parameters
    ----------
    alt
        What a reader who cannot see the figure should know.
    data
        What the figure was made from, written at its foot; rehearsal data says so.

    Raises
    ------
    CompanionError
        If the alt text is empty, or the figure would show a frame of data whose licence forbids it.
    """
    from IPython.display import display

    if not alt.strip():
        raise CompanionError("a figure needs alt text: say in a sentence what there is to see")
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
