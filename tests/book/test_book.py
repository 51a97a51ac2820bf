import re
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest

from astsvm_lib import book
from astsvm_lib.errors import CompanionError
from astsvm_lib.report import show

HEADER = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

"""


@pytest.fixture
def tiny_book(tmp_path: Path, monkeypatch) -> Path:
    source = tmp_path / "book"
    source.mkdir()
    (source / "_toc.yml").write_text("format: jb-book\nroot: index\nchapters:\n  - file: sums\n")
    (source / "index.md").write_text("# Tiny\n")
    cell = "```{code-cell} ipython3\n:tags: [parameters]\n\nx = 2\nname = 'a'\n```\n\n"
    (source / "sums.md").write_text(HEADER + "# Sums\n\n" + cell + "```{code-cell} ipython3\nprint(10 / x)\n```\n")
    monkeypatch.setattr(book, "SOURCE", source)
    monkeypatch.setattr(book, "BUILD", tmp_path / "build")
    return source


def outputs(path: Path) -> str:
    notebook = nbformat.read(path, as_version=4)
    return "".join(o.get("text", "") for cell in notebook.cells for o in cell.get("outputs", []))


def test_a_chapter_runs_with_its_own_and_with_other_parameters(tiny_book: Path, tmp_path: Path):
    assert book.chapters() == ["sums"]
    assert book.parameters_of("sums") == {"x": 2, "name": "a"}
    assert outputs(book.run_chapter("sums")) == "5.0\n"
    path = book.run_chapter("sums", {"x": 4}, tmp_path / "out.ipynb")
    assert outputs(path) == "2.5\n"
    foot = nbformat.read(path, as_version=4).cells[-1].source
    assert "astsvm chapter run sums -p x 4 -p name a" in foot
    assert str(tmp_path) not in path.read_text()


def test_unknown_parameters_are_refused(tiny_book: Path, tmp_path: Path):
    with pytest.raises(CompanionError, match="chapter sums: unknown parameter y; it takes x, name"):
        book.run_chapter("sums", {"y": 1})
    params = tmp_path / "params.yaml"
    params.write_text("x: 3\ncolour: red\n")
    with pytest.raises(CompanionError, match="no chapter has colour; the parameters are name, x, the chapters sums"):
        book.read_parameters(params)
    params.write_text("x: 3\nchapters:\n  sums: {name: b}\n")
    assert book.read_parameters(params) == {"sums": {"x": 3, "name": "b"}}
    params.write_text("chapters:\n  sums: {z: 1}\n")
    with pytest.raises(CompanionError, match="unknown parameter z"):
        book.read_parameters(params)


def test_a_failing_chapter_fails_by_name_and_leaves_nothing(tiny_book: Path, tmp_path: Path):
    with pytest.raises(CompanionError, match="chapter sums failed: ZeroDivisionError"):
        book.run_chapter("sums", {"x": 0}, tmp_path / "out" / "sums.ipynb")
    assert not list((tmp_path / "out").rglob("*")) if (tmp_path / "out").exists() else True


def test_a_chapter_is_run_again_only_when_something_changed(tiny_book: Path, monkeypatch):
    _, first = book._run_once("sums", {})
    monkeypatch.setattr(book, "run_chapter", lambda *a: pytest.fail("run again"))
    assert book._run_once("sums", {}) == ("sums", first)
    with pytest.raises(pytest.fail.Exception):
        book._run_once("sums", {"x": 5})
    (tiny_book / "sums.md").write_text((tiny_book / "sums.md").read_text() + "\nMore.\n")
    with pytest.raises(pytest.fail.Exception):
        book._run_once("sums", {})


def test_every_page_is_in_the_contents_and_every_chapter_has_its_parameters():
    assert sorted(book.pages()) == sorted(path.stem for path in book.SOURCE.glob("*.md"))
    special = {"readings": {"recipe"}, "attainable": {"decimals"}, "at-a-glance": {"dataset", "recipe"}}
    for name in book.chapters():
        assert set(book.parameters_of(name)) == special.get(name, {"dataset", "recipe", "profile", "seed"})


def test_the_code_of_chapters_is_clean_and_every_directive_is_closed(tmp_path: Path):
    for name in book.pages():
        text = (book.SOURCE / f"{name}.md").read_text(encoding="utf-8")
        opened, closed = re.findall(r"^:{3,}\{", text, re.MULTILINE), re.findall(r"^:{3,}$", text, re.MULTILINE)
        assert len(opened) == len(closed), name
        if book.is_notebook(name):
            nbformat.write(book._read(name), tmp_path / f"{name}.ipynb")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F", "--no-cache", str(tmp_path)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_a_missing_record_is_told_before_anything_is_run():
    book._check_records(book.read_parameters(None))
    for name in ("training", "first-results"):
        with pytest.raises(
            CompanionError, match=rf"chapter {name}: no record of rehearsal-mini, .*seed 99.*astsvm evaluate"
        ):
            book._check_records({name: {"seed": 99}})
    book._check_records({"optical-flow": {"seed": 99}})


def test_the_published_parameters_fit_the_chapters():
    for path in (book.SOURCE / "params").glob("*.yaml"):
        assert book.read_parameters(path)


def test_a_figure_without_alt_text_is_refused():
    with pytest.raises(CompanionError, match="a figure needs alt text"):
        show(plt.figure(), "  ")
    cell = nbformat.v4.new_code_cell("plot()")
    cell.outputs = [nbformat.v4.new_output("display_data", data={"image/png": "x"})]
    with pytest.raises(CompanionError, match="chapter sums: expected one figure a cell"):
        book._describe_figure("sums", cell)
