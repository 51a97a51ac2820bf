"""Commands on the course."""

from __future__ import annotations

from pathlib import Path

import click


@click.group()
def course_group() -> None:
    """Make the notebooks and slides of the course, and try its grading."""


@course_group.command("list")
def course_list() -> None:
    """List the lessons with their units, times and points."""
    from astsvm_lib.course.lessons import lesson_names, read_lesson

    for name in lesson_names():
        lesson = read_lesson(name)
        tests, written = lesson.points
        click.echo(
            f"{name}: {lesson.title} (unit {lesson.about.unit}, {lesson.about.minutes} minutes, {tests} points for "
            f"code, {written} for written answers)"
        )


@course_group.command("build")
@click.argument("lessons", nargs=-1)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to create.")
@click.option(
    "--run/--no-run", default=True, help="Run the instructor's notebooks and make the slides, which takes minutes."
)
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Notebooks run in parallel.")
def course_build(lessons: tuple[str, ...], out: Path, run: bool, jobs: int) -> None:
    """Write the notebooks of LESSONS (all by default) for students, instructors and nbgrader, and the slides."""
    from astsvm_lib.course.build import build_course

    for path, about in build_course(out, lessons, run, jobs):
        click.echo(f"{path}: {about}")


@course_group.command("check")
@click.argument("lessons", nargs=-1)
@click.option("--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Lessons graded in parallel.")
def course_check(lessons: tuple[str, ...], jobs: int) -> None:
    """Let nbgrader grade the solutions of LESSONS (all by default), and the untouched notebooks of students."""
    from astsvm_lib.course.grading import trial_table, try_all
    from astsvm_lib.errors import CompanionError

    trials = try_all(lessons, jobs)
    click.echo(trial_table(trials))
    wrong = [trial.lesson for trial in trials if not trial.right]
    if wrong:
        raise CompanionError(
            f"expected all points for the solutions and none for the untouched notebook; not so in {', '.join(wrong)}"
        )
