"""What tests share: a cache of their own, a small rendered clip, and a tiny data set of fake frames."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from astsvm_lib.cache import Cache
from astsvm_lib.cli import main
from astsvm_lib.datasets import Clip, Dataset, Manifest
from astsvm_lib.rehearsal import Capture, ClipRenderer, ClipSpec, Timing

PROJECT = Path(__file__).parents[1]
PERFECT = Capture(read_noise=0, shot_noise=0)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--renew-golden", action="store_true", help="make the fingerprints of stages whose version was raised anew"
    )


@pytest.fixture
def cache(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture(scope="session")
def smile() -> ClipRenderer:
    """A smile of 1.5 px on a rendered face, without noise, light change or head motion."""
    return ClipRenderer(ClipSpec(34, {"6": 0.6, "12": 1.0}, 1.5, Timing(110, 30, 120), PERFECT))


@pytest.fixture(scope="session")
def smile_frames(smile: ClipRenderer) -> np.ndarray:
    return smile.frames()


def _frames(smile_frames: np.ndarray, row: int, chosen: Sequence[int] | None = None) -> np.ndarray:
    cut = smile_frames[row % 3 : row % 3 + 14]
    return cut if chosen is None else cut[list(chosen)]


@pytest.fixture
def small_dataset(smile_frames: np.ndarray) -> Dataset:
    """Three subjects, two classes, eight clips, whose frames are cuts of one rendered clip."""
    manifest = Manifest(
        id="small", title="small", version="1", licence="CC0", description="for tests", access="generated",
        loader="none:none", rehearsal=True, lengths=(2, 99), labels={},
        show={"frames": True, "landmarks": True, "aggregates": True}, fps=100, width=300, height=300, subjects=3,
        classes={"negative": 5, "positive": 3},
    )  # fmt: skip
    rows = [("01", "negative"), ("01", "positive"), ("01", "negative"), ("02", "negative"), ("02", "positive"),
            ("03", "negative"), ("03", "negative"), ("03", "positive")]  # fmt: skip
    clips = [
        Clip(
            "small",
            subject,
            f"c{i}",
            label,
            100.0,
            0,
            7,
            13,
            partial(str, f"print-{i}"),
            partial(_frames, smile_frames, i),
        )
        for i, (subject, label) in enumerate(rows)
    ]
    return Dataset(manifest, tuple(clips))


@pytest.fixture
def astsvm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command in this process, in a folder of its own."""
    monkeypatch.setenv("ASTSVM_RESULTS", str(PROJECT / "book" / "results"))
    monkeypatch.setenv("ASTSVM_BOOK", str(PROJECT / "book"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        out, err, code = io.StringIO(), io.StringIO(), 0
        before = dict(os.environ)
        os.environ.update(environment)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                main(list(arguments))
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            os.environ.clear()
            os.environ.update(before)
        return subprocess.CompletedProcess(arguments, code, out.getvalue(), err.getvalue())

    return run
