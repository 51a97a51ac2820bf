"""The lessons: one MyST Markdown notebook each, with solutions, tests and slides.

A code cell with a region from ``### BEGIN SOLUTION`` to ``### END SOLUTION`` is one that the student completes. A code
cell with ``points`` holds tests; its region from ``### BEGIN HIDDEN TESTS`` to ``### END HIDDEN TESTS`` is not in the
student's notebook. A Markdown cell with ``points`` is a written answer, with a model answer between the marks of a
solution. Cells with ``slideshow`` metadata are for the slides: Markdown cells for them alone, code cells with their
output.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from astsvm_lib.configuration import configured_folder
from astsvm_lib.errors import CompanionError

SOLUTION = "### BEGIN SOLUTION"
SOLUTION_END = "### END SOLUTION"
HIDDEN = "### BEGIN HIDDEN TESTS"
HIDDEN_END = "### END HIDDEN TESTS"


class About(BaseModel):
    """What the front matter of a lesson says under ``lesson``.

    Attributes
    ----------
    unit
        Number of the unit, from 1.
    minutes
        Time that a student needs.
    chapters
        Chapters of the book that the lesson builds on.
    """

    model_config = ConfigDict(extra="forbid")

    unit: int = Field(ge=1)
    minutes: int = Field(ge=10, le=240)
    chapters: list[str] = Field(min_length=1)


@dataclass(frozen=True)
class Lesson:
    """A lesson: its name, which is the stem of its file, what it is about, and its notebook with everything in it."""

    name: str
    about: About
    notebook: nbformat.NotebookNode

    @property
    def title(self) -> str:
        """The first heading."""
        for cell in self.notebook.cells:
            if cell.cell_type == "markdown" and cell.source.startswith("# "):
                return str(cell.source.splitlines()[0][2:].strip())
        raise CompanionError(f"lesson {self.name}: expected a heading '# ...', found none")

    @property
    def points(self) -> tuple[int, int]:
        """Points of the tests, and points of the written answers."""
        tests, written = 0, 0
        for cell in self.notebook.cells:
            if cell.cell_type == "code":
                tests += cell.metadata.get("points", 0)
            else:
                written += cell.metadata.get("points", 0)
        return tests, written


def course_folder() -> Path:
    """The folder of the lessons.

    Raises
    ------
    CompanionError
        If no folder with lessons is configured.
    """
    folder = configured_folder("course")
    if folder is None or not any(folder.glob("[0-9][0-9]-*.md")):
        raise CompanionError(
            "expected the lessons of the course: work inside a checkout of the project, or name their folder with "
            "ASTSVM_COURSE"
        )
    return folder


def lesson_names() -> list[str]:
    """Names of all lessons, in order."""
    return sorted(path.stem for path in course_folder().glob("[0-9][0-9]-*.md"))


def slide_type(cell: nbformat.NotebookNode) -> str:
    """Role of a cell in the slides: ``slide``, ``notes``, ``-`` (on the slide before it), or ``skip``."""
    return str(cell.metadata.get("slideshow", {}).get("slide_type", "skip"))


def read_lesson(name: str) -> Lesson:
    """A lesson.

    Parameters
    ----------
    name
        Name of the lesson, for instance ``"01-magnification"``.

    Raises
    ------
    CompanionError
        If there is no such lesson, its front matter is wrong, or marks of solutions or hidden tests do not match.
    """
    if name not in lesson_names():
        raise CompanionError(f"unknown lesson '{name}'; expected one of {', '.join(lesson_names())}")
    notebook = jupytext.read(course_folder() / f"{name}.md")
    try:
        about = About.model_validate(notebook.metadata.get("lesson"))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise CompanionError(f"lesson {name}: front matter, lesson.{where}: {first['msg']}") from None
    for cell in notebook.cells:
        _check_cell(name, cell)
    return Lesson(name, about, notebook)


def _check_cell(name: str, cell: nbformat.NotebookNode) -> None:
    lines = [line.strip() for line in cell.source.splitlines()]
    where = f"lesson {name}, cell '{cell.source[:40]}'"
    for begin, end in ((SOLUTION, SOLUTION_END), (HIDDEN, HIDDEN_END)):
        marks = [line for line in lines if line in (begin, end)]
        if marks != [begin, end] * (len(marks) // 2):
            raise CompanionError(f"{where}: expected '{begin}' and '{end}' in turn, found {marks}")
    points = cell.metadata.get("points")
    if points is not None and not (isinstance(points, int) and points > 0):
        raise CompanionError(f"{where}: points: expected an integer above 0, found {points!r}")
    if HIDDEN in lines and (points is None or SOLUTION in lines):
        raise CompanionError(f"{where}: expected hidden tests in a cell of tests: one with points and no solution")
    if cell.cell_type == "code" and points is not None and SOLUTION in lines:
        raise CompanionError(f"{where}: expected either tests (points) or a solution, found both")
    if cell.cell_type == "markdown" and (points is not None) != (SOLUTION in lines):
        raise CompanionError(f"{where}: expected a written answer to have both points and a solution")


def _grading(cell: nbformat.NotebookNode) -> dict[str, Any] | None:
    """Role of a cell for nbgrader: what it grades, and what the student may change. None for text."""
    points = cell.metadata.get("points")
    solution = SOLUTION in cell.source
    if cell.cell_type == "markdown" and points is None:
        return None
    role: dict[str, Any] = {
        "schema_version": 3, "cell_type": cell.cell_type, "grade": points is not None, "solution": solution,
        "locked": not solution, "task": False,
    }  # fmt: skip
    return role | ({} if points is None else {"points": points})


def assignment(lesson: Lesson) -> nbformat.NotebookNode:
    """The notebook from which nbgrader generates the student's: with roles of cells and without slides.

    Parameters
    ----------
    lesson
        The lesson.
    """
    cells: list[nbformat.NotebookNode] = []
    counts = dict.fromkeys(("solution", "tests", "answer", "cell"), 0)
    for cell in lesson.notebook.cells:
        if cell.cell_type == "markdown" and slide_type(cell) != "skip":
            continue
        copy = nbformat.NotebookNode(cell | {"metadata": nbformat.NotebookNode()})
        role = _grading(cell)
        if role is not None:
            kind = {(True, True): "answer", (True, False): "tests", (False, True): "solution", (False, False): "cell"}[
                role["grade"], role["solution"]
            ]
            counts[kind] += 1
            copy.metadata["nbgrader"] = role | {"grade_id": f"{kind}-{counts[kind]}"}
        copy["id"] = f"{'text' if role is None else 'code'}-{len(cells)}"
        cells.append(copy)
    metadata = {"kernelspec": lesson.notebook.metadata.kernelspec, "language_info": {"name": "python"}}
    return nbformat.v4.new_notebook(cells=cells, metadata=metadata)
