"""Assignments with nbgrader: student's notebooks from lessons, and a trial run of the grading."""

from __future__ import annotations

import logging
import os
import shutil
import sysconfig
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from tqdm import tqdm

from astsvm_lib.course.lessons import Lesson, assignment, lesson_names, read_lesson
from astsvm_lib.errors import CompanionError
from astsvm_lib.parallel import map_unordered, quiet_stderr
from astsvm_lib.storage import write_atomically

if TYPE_CHECKING:
    from nbgrader.apps import NbGraderAPI

#: Seconds that a cell may take when a submission is graded.
CELL_SECONDS = 120
CONFIGURATION = f"""c = get_config()
c.CourseDirectory.course_id = "micro-expressions"
c.ExecutePreprocessor.timeout = {CELL_SECONDS}
"""
#: Names of the two made-up students of a trial run.
SOLVED, UNTOUCHED = "solved", "untouched"


@dataclass(frozen=True)
class Trial:
    """What nbgrader gave for a lesson: points for its own solutions, for the untouched notebook, and the most possible.

    Attributes
    ----------
    lesson
        Name of the lesson.
    solved, untouched, most
        Points of the tests; written answers are graded by hand.
    failed
        Names of the cells that end with an error in the notebook with the solutions.
    seconds
        Time that nbgrader took to grade the solutions.
    """

    lesson: str
    solved: float
    untouched: float
    most: float
    failed: tuple[str, ...]
    seconds: float

    @property
    def right(self) -> bool:
        """Whether the solutions run without an error and have all points, and the untouched notebook has none."""
        return self.solved == self.most > 0 and self.untouched == 0 and not self.failed


@contextmanager
def _gradebook(folder: Path) -> Iterator[NbGraderAPI]:
    """NbGrader on a course folder; it finds the programs of this environment, also where that is not activated."""
    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory
    from traitlets.config import Config

    settings = Config()
    settings.CourseDirectory.root = str(folder)
    settings.CourseDirectory.course_id = "micro-expressions"
    settings.ExecutePreprocessor.timeout = CELL_SECONDS
    logger = logging.getLogger("astsvm_lib.course")
    logger.setLevel(logging.ERROR)
    api = NbGraderAPI(CourseDirectory(config=settings, log=logger), config=settings)
    api.log_level = logging.ERROR
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([sysconfig.get_path("scripts"), before])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SQLAlchemy on nbgrader's own queries
            yield api
    finally:
        os.environ["PATH"] = before


def _succeeded(what: str, result: dict[str, object]) -> None:
    if not result["success"]:
        raise CompanionError(f"nbgrader could not {what}: {result.get('log')}{result.get('error')}")


def write_course(folder: Path, lessons: list[Lesson]) -> None:
    """Write a course folder of nbgrader: its configuration, the sources, and the students' notebooks in ``release``.

    Parameters
    ----------
    folder
        Folder to write to, which is created if it does not exist.
    lessons
        Lessons, each of which becomes an assignment.

    Raises
    ------
    CompanionError
        If nbgrader cannot generate an assignment.
    """
    write_atomically(folder / "nbgrader_config.py", CONFIGURATION.encode())
    for lesson in lessons:
        source = nbformat.writes(assignment(lesson)).encode()
        write_atomically(folder / "source" / lesson.name / f"{lesson.name}.ipynb", source)
    with _gradebook(folder) as api:
        for lesson in lessons:
            _succeeded(f"generate {lesson.name}", api.generate_assignment(lesson.name))


def try_grading(lesson: Lesson) -> Trial:
    """Let nbgrader grade the lesson's own solutions and the untouched notebook of a student.

    Parameters
    ----------
    lesson
        The lesson.

    Raises
    ------
    CompanionError
        If nbgrader cannot generate or grade the assignment.
    """
    name = lesson.name
    with tempfile.TemporaryDirectory(prefix="astsvm-") as place:
        folder = Path(place)
        write_course(folder, [lesson])
        for student, version in ((SOLVED, "source"), (UNTOUCHED, "release")):
            target = folder / "submitted" / student / name
            target.mkdir(parents=True)
            shutil.copy(folder / version / name / f"{name}.ipynb", target)
        points, seconds = {}, {}
        with _gradebook(folder) as api, quiet_stderr():
            for student in (SOLVED, UNTOUCHED):
                started = time.perf_counter()
                _succeeded(f"grade {name}", api.autograde(name, student))
                seconds[student] = time.perf_counter() - started
                points[student] = api.get_submission(name, student)
        graded = nbformat.read(folder / "autograded" / SOLVED / name / f"{name}.ipynb", as_version=4)
    failed = tuple(
        cell.metadata.get("nbgrader", {}).get("grade_id", cell.source[:40])
        for cell in graded.cells
        if any(output.output_type == "error" for output in cell.get("outputs", []))
    )
    most = points[SOLVED]["max_code_score"]
    return Trial(
        name, points[SOLVED]["code_score"], points[UNTOUCHED]["code_score"], most, failed, seconds[SOLVED]
    )  # fmt: skip


def try_all(names: Sequence[str], jobs: int) -> list[Trial]:
    """Try the grading of several lessons, in parallel.

    Parameters
    ----------
    names
        Names of lessons; all if empty.
    jobs
        Number of lessons graded at the same time.

    Returns
    -------
    list of Trial
        In the order of the lessons.

    Raises
    ------
    CompanionError
        If a lesson is unknown or wrong, or nbgrader fails.
    """
    lessons = [read_lesson(name) for name in names or lesson_names()]
    work = ((lesson,) for lesson in lessons)
    trials = {t.lesson: t for t in tqdm(map_unordered(try_grading, work, jobs), "lessons", len(lessons), disable=None)}
    return [trials[lesson.name] for lesson in lessons]


def trial_table(trials: list[Trial]) -> str:
    """The trial runs as text, one line each."""
    width = max(len(trial.lesson) for trial in trials)
    lines = [f"{'lesson':{width}}  solutions  untouched  of  seconds"]
    for t in trials:
        remark = "" if t.right else f"  WRONG {' '.join(t.failed)}"
        lines.append(f"{t.lesson:{width}}  {t.solved:9g}  {t.untouched:9g}  {t.most:2g}  {t.seconds:7.1f}{remark}")
    return "\n".join(lines)
