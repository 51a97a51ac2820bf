"""Chapters as plain notebooks: exported, or downloaded from a rendered page, papermill runs them without the builder."""

import subprocess
import sys
from pathlib import Path

import pytest

from astsvm_lib.book.chapters import chapters, export_chapters
from astsvm_lib.book.execution import run_chapter


def papermill(notebook: Path, out: Path, *parameters: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "papermill", str(notebook), str(out), "--cwd", str(notebook.parent), *parameters]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    written = export_chapters(folder)
    assert [path.stem for path in written] == chapters()
    return folder


@pytest.mark.parametrize(
    ("name", "parameters", "shown"),
    [
        ("idsf", ["-p", "dataset", "rehearsal-samm"], "rehearsal-samm"),
        ("evaluation", [], "UF1"),
        ("table-8", [], "CASME II"),
    ],
)
def test_an_exported_chapter_runs_in_plain_papermill(
    exported: Path, tmp_path: Path, name: str, parameters: list[str], shown: str
):
    done = papermill(exported / f"{name}.ipynb", tmp_path / "out.ipynb", *parameters)
    assert done.returncode == 0, done.stderr[-2000:]
    assert shown in (tmp_path / "out.ipynb").read_text(encoding="utf-8")


def test_the_notebook_behind_a_page_runs_again(tmp_path: Path):
    page = run_chapter("evaluation", {}, tmp_path / "evaluation.ipynb")
    done = papermill(page, tmp_path / "again.ipynb")
    assert done.returncode == 0, done.stderr[-2000:]


def test_a_wrong_parameter_value_stops_an_exported_chapter(exported: Path, tmp_path: Path):
    done = papermill(exported / "table-8.ipynb", tmp_path / "out.ipynb", "-p", "dataset", "rehearsal-casme")
    assert done.returncode != 0
    assert "rehearsal-casme" in done.stderr
