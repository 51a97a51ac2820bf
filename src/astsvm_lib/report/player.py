"""A player for short clips and a slider over a parameter: HTML that works without a network and in any notebook."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import cv2
import matplotlib
import numpy as np
from matplotlib.figure import Figure

from astsvm_lib.errors import CompanionError
from astsvm_lib.report.style import Content, check_content, check_description, picture

QUALITY = 88  # of WebP, in per cent
SPEEDS = (("1", "normal speed"), ("0.5", "half speed"), ("0.25", "quarter speed"))


@dataclass(frozen=True)
class Panel:
    """Images of one panel of a player, one per step.

    Attributes
    ----------
    title
        Title above the panel.
    images
        (H, W), or colours (H, W, 3) or (H, W, 4) in 0..1 or, as integers, in 0..255.
    content
        One of :data:`~astsvm_lib.report.style.Content`; licences are checked against it.
    limits
        Lowest and highest value of grey or colour-mapped images; those of all steps by default.
    colours
        Name of the Matplotlib colour map of (H, W) images.
    clips
        Number of clips over which an ``average`` was taken.
    """

    title: str
    images: Sequence[np.ndarray]
    content: Content = "frame"
    limits: tuple[float, float] | None = None
    colours: str = "gray"
    clips: int = 1

    def encoded(self) -> list[str]:
        """The images as data URLs.

        Raises
        ------
        CompanionError
            If a licence forbids to show the content.
        """
        check_content(self.content, self.clips)
        low, high = self.limits or (min(map(np.min, self.images)), max(map(np.max, self.images)))
        return [_webp(_colour(np.asarray(image), float(low), float(high), self.colours)) for image in self.images]


def _colour(image: np.ndarray, low: float, high: float, colours: str) -> np.ndarray:
    """An image as RGB or RGBA, uint8."""
    if image.ndim == 2:
        scaled = (image.astype(np.float64) - low) / max(high - low, 1e-12)
        image = matplotlib.colormaps[colours](np.clip(scaled, 0, 1))[..., :3]
    if np.issubdtype(image.dtype, np.floating):
        image = np.round(np.clip(image, 0, 1) * 255)
    return image.astype(np.uint8)


def _webp(image: np.ndarray) -> str:
    """An RGB or RGBA image as the data URL of a WebP file."""
    order = cv2.COLOR_RGB2BGR if image.shape[-1] == 3 else cv2.COLOR_RGBA2BGRA
    _, data = cv2.imencode(".webp", cv2.cvtColor(image, order), [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    return f"data:image/webp;base64,{base64.b64encode(data.tobytes()).decode()}"


def _decoded(image: bytes) -> np.ndarray:
    """An encoded image as RGBA."""
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(image, np.uint8), cv2.IMREAD_UNCHANGED), cv2.COLOR_BGRA2RGBA)


@cache
def _asset(name: str) -> str:
    return files("astsvm_lib.report").joinpath("assets", name).read_text(encoding="utf-8")


def _display(
    panels: Sequence[tuple[str, list[str], str]],
    labels: Sequence[str],
    still: int,
    alt: str,
    data: str,
    caption: str,
    least: int,
    fps: float = 0,
    autoplay: bool = False,
) -> None:
    """Display panels (title, data URLs, class of the image) with a slider and, where ``fps`` is given, a player."""
    from IPython.display import display

    check_description(alt)
    for title, images, _ in panels:
        if len(images) != len(labels):
            raise CompanionError(f"panel '{title}': expected {len(labels)} images, one per label, found {len(images)}")
    if not 0 <= still < len(labels):
        raise CompanionError(f"still: expected a step from 0 to {len(labels) - 1}, found {still}")
    alt = f"{alt} {data}".strip()
    text = html.escape(alt, quote=True)
    cells = "".join(
        f'<div><span>{html.escape(title)}</span><img class="{kind}" src="{images[still]}" '
        f'alt="{html.escape(title or alt, quote=True)}"></div>'
        for title, images, kind in panels
    )
    play = (
        '<button type="button" data-part="play" aria-label="Play">▶</button>'
        '<button type="button" data-part="back" aria-label="Previous frame">‹</button>'
        '<button type="button" data-part="next" aria-label="Next frame">›</button>'
    )
    options = "".join(f'<option value="{value}">{name}</option>' for value, name in SPEEDS)
    speed = f'<select data-part="speed" aria-label="Speed">{options}</select>'
    slider = (
        f'<input type="range" data-part="slider" min="0" max="{len(labels) - 1}" value="{still}" step="1" '
        f'aria-label="{"Frame" if fps else "Value"}">'
    )
    output = f'<output data-part="output">{html.escape(labels[still])}</output>'
    about = {
        "labels": list(labels),
        "images": [images for _, images, _ in panels],
        "interval": 1000 / fps if fps else 0,
        "still": still,
        "autoplay": autoplay,
    }
    steps = json.dumps(about, ensure_ascii=False).replace("</", "<\\/")
    page = (
        f"<style>{_asset('player.css')}</style>"
        f'<div class="clip-player" role="group" tabindex="0" aria-label="{text}" style="--least: {least}px">'
        f'<div class="panels">{cells}</div>'
        f'<div class="controls">{play if fps else ""}{slider}{output}{speed if fps else ""}</div>'
        f'<script type="application/json">{steps}</script></div><script>{_asset("player.js")}</script>'
    )
    display(
        {"text/html": page, "text/plain": alt},
        metadata={"text/html": {"alt": alt, "caption": f"{caption} *{data}.*" if caption and data else caption}},
        raw=True,
    )


def play(
    panels: Sequence[Panel],
    alt: str,
    labels: Sequence[str] = (),
    still: int = 0,
    fps: float = 5,
    data: str = "",
    caption: str = "",
    autoplay: bool = False,
) -> None:
    """Display a clip, or several in step, with buttons to play, to pause and to step, three speeds and a slider.

    Parameters
    ----------
    panels
        What is shown side by side, with one image per frame each.
    alt
        Description for readers who cannot see it.
    labels
        Label of each frame; ``frame K of N`` by default.
    still
        Frame that is shown before the reader plays the clip, and in print: the most telling one.
    fps
        Frames per second at normal speed.
    data
        Source of the data, added to the caption and to the alt text.
    caption
        Caption below, in Markdown; the book numbers figures that have one.
    autoplay
        Whether to play at once, unless the reader has asked for reduced motion.

    Raises
    ------
    CompanionError
        If the alt text is empty, panels differ in length, or the licence of a data set in use forbids an image.
    """
    count = len(panels[0].images)
    names = list(labels) or [f"frame {i + 1} of {count}" for i in range(count)]
    shown = [(p.title, p.encoded(), "picture blocks" if p.content == "average" else "picture") for p in panels]
    _display(shown, names, still, alt, data, caption, 150, fps, autoplay)


def slide(
    figures: Sequence[Figure],
    labels: Sequence[str],
    alt: str,
    still: int = 0,
    data: str = "",
    caption: str = "",
) -> None:
    """Display what depends on a parameter, computed for each of its values, with a slider over them.

    Parameters
    ----------
    figures
        One figure for each value; they must have the same size. Figures are closed.
    labels
        The value, with its name and unit: ``"alpha = 4"``.
    alt
        Description for readers who cannot see it.
    still
        Value that is shown at first, and in print.
    data
        Source of the data, added to the caption and to the alt text.
    caption
        Caption below, in Markdown; the book numbers figures that have one.

    Raises
    ------
    CompanionError
        If the alt text is empty, there is not one label per figure, the licence of a data set in use forbids an
        image, or text is too small.
    """
    rendered = [picture(figure) for figure in figures]
    images = [_webp(_decoded(image)) for image, _ in rendered]
    _display([("", images, rendered[0][1] if rendered else "plot")], labels, still, alt, data, caption, 300)
