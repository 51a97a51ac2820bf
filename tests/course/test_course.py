"""Lessons are graded by nbgrader: their solutions have all points, and an untouched notebook has none."""

import re
from pathlib import Path

import nbformat
import pytest

from astsvm_lib.book.chapters import chapters
from astsvm_lib.cli import main
from astsvm_lib.course.build import build_course
from astsvm_lib.course.grading import try_grading
from astsvm_lib.course.lessons import assignment, lesson_names, read_lesson, slide_type
from astsvm_lib.course.slides import slides_of
from astsvm_lib.errors import CompanionError

UNITS = 6
TINY = """---
jupytext:
  text_representation: {extension: .md, format_name: myst}
kernelspec: {display_name: Python 3, language: python, name: python3}
lesson: {unit: 1, minutes: 20, chapters: [idsf]}
---

# A tiny lesson

+++ {"slideshow": {"slide_type": "slide"}}

## Half of $x$ < 1

- one point

+++ {"slideshow": {"slide_type": "notes"}}

Say it twice.

+++

Text.

```{code-cell} ipython3
def half(x):
    ### BEGIN SOLUTION
    return x / 2
    ### END SOLUTION
```

```{code-cell} ipython3
:points: 2

assert half(4) == 2
### BEGIN HIDDEN TESTS
assert half(3) == 1.5
### END HIDDEN TESTS
```

```{code-cell} ipython3
:slideshow: {slide_type: "-"}

print("one < two")
```

+++ {"points": 3}

### BEGIN SOLUTION
Because.
### END SOLUTION
"""


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch):
    """Makes a course of one lesson, with a replacement in its text."""

    def write(old: str = "", new: str = "") -> None:
        assert old in TINY
        folder = tmp_path / "course"
        folder.mkdir(exist_ok=True)
        (folder / "01-tiny.md").write_text(TINY.replace(old, new) if old else TINY)
        monkeypatch.setenv("ASTSVM_COURSE", str(folder))

    return write


@pytest.mark.parametrize("name", lesson_names())
def test_solutions_have_all_points_and_an_untouched_notebook_has_none(name: str):
    trial = try_grading(read_lesson(name))
    assert not trial.failed
    assert trial.solved == trial.most
    assert trial.untouched == 0


@pytest.mark.parametrize("name", lesson_names())
def test_a_lesson_has_tasks_a_written_answer_and_slides_with_notes(name: str):
    lesson = read_lesson(name)
    tests, written = lesson.points
    assert 8 <= tests <= 20
    assert written == 3
    assert set(lesson.about.chapters) <= set(chapters())
    kinds = [slide_type(cell) for cell in lesson.notebook.cells if cell.cell_type == "markdown"]
    kinds = [kind for kind in kinds if kind != "skip"]
    assert kinds[0] == "slide"
    assert kinds.count("slide") >= 5
    assert all(kinds[i + 1] == "notes" for i, kind in enumerate(kinds) if kind == "slide"), "a slide without notes"
    hidden = [cell for cell in lesson.notebook.cells if cell.metadata.get("points") and "HIDDEN" in cell.source]
    assert len(hidden) >= 3


def test_the_units_have_two_lessons_each():
    units = [read_lesson(name).about.unit for name in lesson_names()]
    assert units == sorted([*range(1, UNITS + 1)] * 2)


def test_nbgrader_grades_a_wrong_solution_by_its_hidden_tests(tiny):
    tiny()
    assert try_grading(read_lesson("01-tiny")).right
    tiny("return x / 2", "return x // 2")
    trial = try_grading(read_lesson("01-tiny"))
    assert (trial.solved, trial.most, trial.failed, trial.right) == (0, 2, ("tests-1",), False)
    tiny('print("one < two")', "print(one)")
    trial = try_grading(read_lesson("01-tiny"))
    assert (trial.solved, trial.failed, trial.right) == (2, ("cell-1",), False)


def test_a_course_is_built(tiny, tmp_path: Path, capsys):
    tiny()
    out = tmp_path / "out"
    main(["course", "build", "--out", str(out), "--jobs", "1"])
    assert "1 notebooks with solutions" in capsys.readouterr().out
    student = (out / "students" / "01-tiny.ipynb").read_text()
    for gone in ("x / 2", "half(3)", "Because", "Say it twice", "Half of"):
        assert gone not in student
    assert "half(4)" in student
    instructor = (out / "instructors" / "01-tiny.ipynb").read_text()
    for kept in ("x / 2", "half(3)", "Because", "one < two"):
        assert kept in instructor
    page = (out / "slides" / "unit-1.html").read_text()
    assert '<aside class="notes"><p>Say it twice.</p></aside>' in page
    assert "one &lt; two" in page
    assert "half(" not in page
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", page)
    for asset in re.findall(r'(?:src|href)="(assets/[^"]+)"', page):
        assert (out / "slides" / asset).is_file(), asset
    with pytest.raises(CompanionError, match="expected a folder that does not exist"):
        build_course(out)


def test_a_failing_solution_leaves_nothing(tiny, tmp_path: Path):
    tiny("return x / 2", "return x / 0")
    with pytest.raises(CompanionError, match="lesson 01-tiny failed: ZeroDivisionError"):
        build_course(tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["course"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("    ### END SOLUTION\n```", "```", "expected '### BEGIN SOLUTION' and '### END SOLUTION' in turn"),
        (":points: 2\n", ":points: two\n", "points: expected an integer above 0, found 'two'"),
        (":points: 2\n", ":tags: [a]\n", "expected hidden tests in a cell of tests"),
        ('+++ {"points": 3}', "+++", "expected a written answer to have both points and a solution"),
        ("unit: 1, ", "", "front matter, lesson.unit: Field required"),
    ],
)
def test_a_wrong_lesson_is_refused(tiny, old: str, new: str, message: str):
    tiny(old, new)
    with pytest.raises(CompanionError, match=re.escape(message)):
        read_lesson("01-tiny")


def test_a_figure_before_the_first_slide_is_refused(tiny):
    tiny('+++ {"slideshow": {"slide_type": "slide"}}', "+++")
    lesson = read_lesson("01-tiny")
    executed = nbformat.from_dict(assignment(lesson))
    with pytest.raises(CompanionError, match="expected a slide before the cell"):
        slides_of(lesson, executed)


def test_an_unknown_lesson_and_a_folder_without_lessons_are_named(tiny, monkeypatch, tmp_path: Path):
    tiny()
    with pytest.raises(CompanionError, match="unknown lesson '02-none'; expected one of 01-tiny"):
        read_lesson("02-none")
    monkeypatch.setenv("ASTSVM_COURSE", str(tmp_path))
    with pytest.raises(CompanionError, match="expected the lessons of the course"):
        lesson_names()
