"""The style of every figure, and the one way to put a figure on a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.figure import Figure

from astsvm_lib.errors import CompanionError

#: Okabe and Ito's palette (2008), in an order that also differs in lightness.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
PIXELS_PER_INCH = 96
SHARPNESS = 2  # image pixels for each page pixel


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
        If the alt text is empty.
    """
    from IPython.display import display

    if not alt.strip():
        raise CompanionError("a figure needs alt text: say in a sentence what there is to see")
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
