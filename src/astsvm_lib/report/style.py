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
from matplotlib.text import Text

from astsvm_lib.datasets.privacy import flow_forbidden, frames_forbidden
from astsvm_lib.errors import CompanionError

#: Okabe and Ito's palette (2008), ordered so that neighbouring colours also differ in lightness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
PIXELS_PER_INCH = 96
SHARPNESS = 2  # image pixels per page pixel
TEXT_WIDTH = 7.2  # of a page's column, in inches; figures are shown as wide as the text
SMALLEST_TEXT = 9.0  # pt, at this width
#: A grey with a contrast of at least 4 to a white and to a dark page.
BETWEEN = "#787878"

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
        "xtick.labelsize": 9,
        "ytick.labelsize": 9,
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


def _check_known(content: str) -> None:
    """Raise an error if this is not one of :data:`Content`."""
    if content not in get_args(Content):
        raise CompanionError(f"content of an image: expected one of {', '.join(get_args(Content))}, found '{content}'")


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
    _check_known(content)
    drawn = axis.imshow(image, **options)
    drawn.set_gid(f"{_MARK}{content} {clips}" if content == "average" else f"{_MARK}{content}")
    axis.set(xticks=[], yticks=[])
    return drawn


def check_content(content: str, clips: int = 1) -> None:
    """Check that an image with this content may be shown, given the licences of all data sets in use.

    Parameters
    ----------
    content
        One of :data:`Content`.
    clips
        Number of clips over which an ``average`` was taken.

    Raises
    ------
    CompanionError
        If the content is unknown, or a licence forbids to show it.
    """
    _check_known(content)
    forbidden = frames_forbidden()
    if forbidden and content == "frame":
        raise CompanionError(
            f"this figure would show a frame, but frames of the data in use ({', '.join(forbidden)}) may not be "
            "shown: draw report.face_images or report.change_images instead; if the image is not a frame, declare "
            f"its content with report.draw_image(..., content=...), one of {', '.join(get_args(Content)[1:])}"
        )
    protected = flow_forbidden()
    if protected and (content == "flow" or (content == "average" and clips < FEWEST_CLIPS)):
        raise CompanionError(
            f"this figure would show the flow of fewer than {FEWEST_CLIPS} clips, but of the data in use "
            f"({', '.join(protected)}) only averages over at least {FEWEST_CLIPS} clips may be shown: draw them "
            "with report.draw_image(..., content='average', clips=N)"
        )


def _images(figure: Figure) -> list[Any]:
    """Images of a figure, and meshes that are fine enough to show a face."""
    meshes = [mesh for mesh in figure.findobj(QuadMesh) if np.size(np.asarray(mesh.get_array())) >= _SMALL_MESH]
    return [*figure.findobj(_ImageBase), *meshes]


def _check_privacy(figure: Figure) -> None:
    """Raise an error if the figure shows an image that the licence of a data set in use forbids."""
    for drawn in _images(figure):
        content, _, clips = (drawn.get_gid() or f"{_MARK}frame").removeprefix(_MARK).partition(" ")
        check_content(content, int(clips or 1))


def _check_legible(figure: Figure) -> None:
    """Raise an error if text is smaller than :data:`SMALLEST_TEXT` once the figure is as wide as the page's text."""
    scale = TEXT_WIDTH / figure.get_size_inches()[0]
    for text in figure.findobj(Text):
        if text.get_visible() and text.get_text().strip() and text.get_fontsize() * scale < SMALLEST_TEXT - 0.05:
            raise CompanionError(
                f"text of a figure: expected at least {SMALLEST_TEXT:g} pt where the figure is {TEXT_WIDTH:g} inches "
                f"wide, found {text.get_fontsize() * scale:.1f} pt: '{text.get_text()[:40]}'"
            )


def _soften(figure: Figure) -> None:
    """Give titles, labels and axes a grey that can be read on a light and on a dark page."""
    for axis in figure.axes:
        axis.tick_params(colors=BETWEEN, which="both")
        for spine in axis.spines.values():
            spine.set_edgecolor(BETWEEN)
        legend = axis.get_legend()
        texts = [axis.title, axis._left_title, axis._right_title, axis.xaxis.label, axis.yaxis.label]  # type: ignore[attr-defined]
        for text in [*texts, *(legend.get_texts() if legend else ())]:
            text.set_color(BETWEEN)
    for text in [*figure.texts, *(t for t in (figure._supxlabel, figure._suptitle, figure._supylabel) if t)]:  # type: ignore[attr-defined]
        text.set_color(BETWEEN)


def picture(figure: Figure) -> tuple[bytes, str]:
    """Check a figure, and render it on a transparent ground.

    Parameters
    ----------
    figure
        Figure, which is closed.

    Returns
    -------
    tuple
        PNG, and the class of the image on the page: ``"plot"`` for lines and bars, which a dark page inverts, or
        ``"picture"`` if it shows an image, whose colours are kept.

    Raises
    ------
    CompanionError
        If the figure shows an image that a licence forbids, or text that is too small to read.
    """
    _check_privacy(figure)
    _check_legible(figure)
    kind = "picture" if _images(figure) else "plot"
    if kind == "picture":
        _soften(figure)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=PIXELS_PER_INCH * SHARPNESS, transparent=True)
    plt.close(figure)
    return buffer.getvalue(), kind


def check_description(alt: str) -> None:
    """Raise an error if the alt text is empty.

    Parameters
    ----------
    alt
        Description of a figure for readers who cannot see it.
    """
    if not alt.strip():
        raise CompanionError("a figure needs alt text: describe in one sentence what it shows")


def show(figure: Figure, alt: str, data: str = "", caption: str = "") -> None:
    """Display a figure with alt text and, if given, a numbered caption, and close it.

    Parameters
    ----------
    figure
        Figure to display.
    alt
        Description for readers who cannot see the figure.
    data
        Source of the data, printed at the foot; :func:`~astsvm_lib.report.tables.headings` gives it for data sets.
    caption
        Caption below the figure, in Markdown; the book numbers figures that have one.

    Raises
    ------
    CompanionError
        If the alt text is empty, the figure shows an image whose licence forbids it, or text is too small.
    """
    from IPython.display import display

    check_description(alt)
    if data:
        figure.supxlabel(data, fontsize=9, color="#555555", x=0.995, ha="right")
    image, kind = picture(figure)
    about = {"alt": " ".join(f"{alt} {data}".split()), "class": kind, "caption": caption}
    display(
        {"image/png": base64.b64encode(image).decode(), "text/plain": alt},
        metadata={"image/png": about},
        raw=True,
    )
