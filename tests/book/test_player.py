"""The player and the slider: what they hold, what they refuse, and how they behave in a browser."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from astsvm_lib import report
from astsvm_lib.datasets import Dataset, privacy
from astsvm_lib.errors import CompanionError

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
FRAMES = [np.full((24, 24), value, np.float32) for value in (0, 100, 200)]


@pytest.fixture
def displayed(monkeypatch) -> list[tuple[dict[str, str], dict[str, Any]]]:
    """What is displayed: data and metadata by media type."""
    found: list[tuple[dict[str, str], dict[str, Any]]] = []
    monkeypatch.setattr("IPython.display.display", lambda data, metadata, raw: found.append((data, metadata)))
    return found


def test_a_player_has_alt_text_a_caption_and_one_image_per_panel_and_frame(displayed):
    panels = [report.Panel("grey", FRAMES), report.Panel("change", FRAMES, "free", (-200, 200), "RdBu_r")]
    report.play(panels, "two <panels>", still=2, data="rehearsal data", caption="A clip.")
    (data, metadata), = displayed  # fmt: skip
    page = data["text/html"]
    assert metadata["text/html"] == {"alt": "two <panels> rehearsal data", "caption": "A clip. *rehearsal data.*"}
    assert 'aria-label="two &lt;panels&gt; rehearsal data"' in page
    assert len(set(re.findall(r"data:image/webp;base64,[A-Za-z0-9+/=]+", page))) == 6
    assert 'value="2"' in page
    assert "http" not in page


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"alt": " "}, "needs alt text"),
        ({"alt": "a clip", "labels": ["one"]}, r"panel 'grey': expected 1 images, one per label, found 3"),
        ({"alt": "a clip", "still": 3}, "expected a step from 0 to 2, found 3"),
    ],
)
def test_a_player_refuses_what_it_cannot_show(displayed, options: dict[str, Any], words: str):
    with pytest.raises(CompanionError, match=words):
        report.play([report.Panel("grey", FRAMES)], **options)
    assert not displayed


def test_frames_of_a_licensed_database_are_refused(displayed, small_dataset: Dataset, monkeypatch):
    show = small_dataset.manifest.show.model_copy(update={"frames": False})
    monkeypatch.setattr(privacy, "_IN_USE", {})
    privacy.remember(small_dataset.manifest.model_copy(update={"show": show}))
    with pytest.raises(CompanionError, match="this figure would show a frame"):
        report.play([report.Panel("landmarks", FRAMES, "landmarks"), report.Panel("frames", FRAMES)], "a clip")
    figure, axis = report.new_figure()
    report.draw_image(axis, FRAMES[0])
    with pytest.raises(CompanionError, match="this figure would show a frame"):
        report.slide([figure], ["alpha = 1"], "a frame")
    assert not displayed
    report.play([report.Panel("flow", FRAMES, "flow")], "a flow")


def test_small_text_is_refused(displayed):
    figure, axis = report.new_figure(width=7.2)
    axis.set_xlabel("too small", fontsize=7)
    with pytest.raises(CompanionError, match=r"at least 9 pt .* found 7.0 pt: 'too small'"):
        report.show(figure, "a plot")


@pytest.fixture
def opened(displayed, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Open what was displayed in Chromium."""
    if not CHROMIUM:
        pytest.skip("no Chromium found")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])

        def open_page(**options: Any) -> Any:
            file = tmp_path / "page.html"
            file.write_text("<!doctype html><meta charset=utf-8>" + "".join(data["text/html"] for data, _ in displayed))
            page = browser.new_context(**options).new_page()
            page.goto(file.as_uri())
            return page

        yield open_page
        browser.close()


def test_a_player_is_used_by_keyboard(opened):
    report.play([report.Panel("grey", FRAMES)], "a clip", still=1, fps=20)
    report.play([report.Panel("grey", FRAMES)], "another clip")
    page = opened()
    value = lambda: page.locator("[data-part=slider]").first.input_value()  # noqa: E731
    picture = lambda: page.locator("img").first.get_attribute("src")  # noqa: E731
    still = picture()
    assert value() == "1"
    page.locator(".clip-player").first.focus()
    page.keyboard.press("ArrowRight")
    assert (value(), picture() != still) == ("2", True)
    page.keyboard.press("ArrowRight")
    assert value() == "0"
    page.keyboard.press("End")
    assert (value(), page.locator("output").first.inner_text()) == ("2", "frame 3 of 3")
    page.keyboard.press("Home")
    page.keyboard.press(" ")
    button = page.locator("[data-part=play]").first
    assert button.get_attribute("aria-label") == "Pause"
    page.wait_for_function("() => document.querySelector('[data-part=slider]').value !== '0'")
    page.keyboard.press(" ")
    assert button.get_attribute("aria-label") == "Play"
    page.locator("[data-part=slider]").first.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert value() == "1"
    assert page.locator("[data-part=slider]").nth(1).input_value() == "0"


@pytest.mark.parametrize(("motion", "name"), [("no-preference", "Pause"), ("reduce", "Play")])
def test_nothing_plays_by_itself_if_the_reader_prefers_reduced_motion(opened, motion: str, name: str):
    report.play([report.Panel("grey", FRAMES)], "a clip", autoplay=True)
    page = opened(reduced_motion=motion)
    assert page.locator("[data-part=play]").get_attribute("aria-label") == name


def test_a_slider_shows_the_figure_of_a_value(opened):
    figures = []
    for value in (1, 2):
        figure, axis = report.new_figure(height=1)
        axis.plot([0, value])
        figures.append(figure)
    report.slide(figures, ["alpha = 1", "alpha = 2"], "a line", still=1)
    page = opened()
    assert page.locator("output").inner_text() == "alpha = 2"
    shown = page.locator("img").get_attribute("src")
    page.locator("[data-part=slider]").press("ArrowLeft")
    assert page.locator("output").inner_text() == "alpha = 1"
    assert page.locator("img").get_attribute("src") != shown
    assert page.locator("button").count() == 0
