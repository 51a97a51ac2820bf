"""What a class needs, in one folder: notebooks for students, for instructors and for nbgrader, and slides."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import nbformat
from tqdm import tqdm

from astsvm_lib.course.grading import CELL_SECONDS, write_course
from astsvm_lib.course.lessons import Lesson, assignment, lesson_names, read_lesson
from astsvm_lib.course.slides import write_slides
from astsvm_lib.errors import CompanionError
from astsvm_lib.parallel import ONE_THREAD, map_unordered, quiet_stderr
from astsvm_lib.storage import write_atomically

STUDENTS, INSTRUCTORS, NBGRADER, SLIDES = "students", "instructors", "nbgrader", "slides"


def execute(lesson: Lesson) -> tuple[nbformat.NotebookNode, float]:
    """Run the assignment of a lesson, with its solutions and all tests.

    Parameters
    ----------
    lesson
        The lesson.

    Returns
    -------
    tuple
        The executed notebook, and the seconds that it took.

    Raises
    ------
    CompanionError
        If a cell fails.
    """
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    notebook = assignment(lesson)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="astsvm-") as place, quiet_stderr():
        client = NotebookClient(
            notebook, timeout=CELL_SECONDS, kernel_name="python3", resources={"metadata": {"path": place}}
        )
        try:
            client.execute()
        except CellExecutionError as error:
            raise CompanionError(f"lesson {lesson.name} failed: {error.ename}: {error.evalue}\n{error}") from None
    return notebook, time.perf_counter() - started


def _execute(lesson: Lesson) -> tuple[str, nbformat.NotebookNode, float]:
    return lesson.name, *execute(lesson)


def build_course(folder: Path, names: Sequence[str] = (), run: bool = True, jobs: int = 1) -> list[tuple[Path, str]]:
    """Write the notebooks and slides of lessons; after an error or an interruption, nothing is left.

    Parameters
    ----------
    folder
        Folder to create.
    names
        Names of the lessons; all if empty.
    run
        Whether to run the instructor's notebooks, and to make the slides from them.
    jobs
        Number of notebooks run in parallel.

    Returns
    -------
    list of tuple
        What was written: a path and what it is.

    Raises
    ------
    CompanionError
        If the folder exists, a lesson is unknown or wrong, or a solution fails.
    """
    if folder.exists():
        raise CompanionError(f"course: expected a folder that does not exist, found {folder}; choose another --out")
    lessons = [read_lesson(name) for name in names or lesson_names()]
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        write_course(part / NBGRADER, lessons)
        (part / STUDENTS).mkdir()
        for lesson in lessons:
            released = part / NBGRADER / "release" / lesson.name / f"{lesson.name}.ipynb"
            shutil.copy(released, part / STUDENTS)
        executed, seconds = (
            _run(lessons, jobs) if run else ({lesson.name: assignment(lesson) for lesson in lessons}, {})
        )
        for name, notebook in executed.items():
            write_atomically(part / INSTRUCTORS / f"{name}.ipynb", nbformat.writes(notebook).encode())
        units = sorted({lesson.about.unit for lesson in lessons}) if run else []
        for unit in units:
            own = [(lesson, executed[lesson.name]) for lesson in lessons if lesson.about.unit == unit]
            write_slides(part / SLIDES, unit, own)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    ran = f", run in {sum(seconds.values()):.0f} s" if run else ", not run"
    written = [
        (folder / STUDENTS, f"{len(lessons)} notebooks without solutions"),
        (folder / INSTRUCTORS, f"{len(lessons)} notebooks with solutions and all tests{ran}"),
        (folder / NBGRADER, "course folder of nbgrader: sources, and students' notebooks in release"),
    ]
    return written + ([(folder / SLIDES, f"slides of {len(units)} units")] if units else [])


def _run(lessons: Sequence[Lesson], jobs: int) -> tuple[dict[str, nbformat.NotebookNode], dict[str, float]]:
    """Executed notebooks and seconds, by the names of the lessons."""
    work = ((lesson,) for lesson in lessons)
    results = tqdm(map_unordered(_execute, work, jobs, ONE_THREAD), "lessons", len(lessons), disable=None, leave=False)
    found = {name: (notebook, seconds) for name, notebook, seconds in results}
    notebooks = {lesson.name: found[lesson.name][0] for lesson in lessons}
    return notebooks, {name: seconds for name, (_, seconds) in found.items()}
