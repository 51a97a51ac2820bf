"""Goals, exercises and quizzes of the chapters."""

import re
from pathlib import Path

import nbformat
import pytest
import yaml

from astsvm_lib.book.chapters import read_chapter
from astsvm_lib.book.exercises import without_solutions
from astsvm_lib.book.folders import source_folder
from astsvm_lib.book.teaching import quiz_markdown, read_quiz, times_of
from astsvm_lib.errors import CompanionError

TAUGHT = (
    "preprocessing", "magnification", "optical-flow", "idsf", "fusion-attention", "inception", "evaluation", "training",
    "svm-transfer",
)  # fmt: skip


@pytest.mark.parametrize("chapter", TAUGHT)
def test_a_chapter_has_goals_exercises_with_solutions_and_a_quiz(chapter: str):
    text = (source_folder() / f"{chapter}.md").read_text(encoding="utf-8")
    (goals,) = re.findall(r"```\{goals\}\n:before: .+\n\n((?:- .+\n(?:  .+\n)*)+)```", text)
    assert 3 <= goals.count("- ") <= 5
    titles = dict(re.findall(r"```\{exercise\} (.+)\n:label: (.+)\n", text))
    assert 4 <= len(titles) <= 6
    labels = list(titles.values())
    assert labels == re.findall(r"````\{solution-start\} (.+)\n:class: dropdown\n````", text)
    assert text.count("````{solution-end}\n````") == len(labels)
    assert all(label.startswith(f"{chapter}-") or chapter.startswith(label.split("-")[0]) for label in labels)
    for word in ("Warm-up", "Core", "Challenge", "predict", "write the code"):
        assert any(word in title for title in titles), f"no exercise: {word}"
    assert any(word in title for title in titles for word in ("explain", "criticise"))
    assert f"```{{quiz}} {chapter}\n```" in text
    assert re.search(r"^\*\*Next:\*\* ", text, re.MULTILINE)
    assert 5 <= len(read_quiz(source_folder() / "quizzes" / f"{chapter}.yml")) <= 8


def test_every_quiz_belongs_to_a_chapter_and_its_right_answers_do_not_have_one_place():
    for path in (source_folder() / "quizzes").glob("*.yml"):
        assert path.stem in TAUGHT
        places = {[answer.right for answer in question.answers].index(True) for question in read_quiz(path)}
        assert len(places) > 1, path.name


GOOD = [{"question": "Which?", "answers": [{"text": "a", "why": "b", "right": True}, {"text": "c", "why": "d"}]}]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda quiz: quiz[0]["answers"][1].update(right=True), "question 1: expected one right answer, found 2"),
        (lambda quiz: quiz[0]["answers"][1].pop("why"), "0.answers.1.why: Field required"),
        (lambda quiz: quiz[0].update(points=3), "0.points: Extra inputs are not permitted"),
    ],
)
def test_a_wrong_quiz_is_refused(tmp_path: Path, change, message: str):
    quiz = yaml.safe_load(yaml.safe_dump(GOOD))
    change(quiz)
    path = tmp_path / "wrong.yml"
    path.write_text(yaml.safe_dump(quiz))
    with pytest.raises(CompanionError, match=re.escape(message)):
        read_quiz(path)


def test_a_quiz_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(CompanionError, match="quiz none.yml: cannot be read"):
        read_quiz(tmp_path / "none.yml")


def test_each_answer_opens_with_its_reason(tmp_path: Path):
    path = tmp_path / "good.yml"
    path.write_text(yaml.safe_dump(GOOD))
    lines = quiz_markdown(read_quiz(path))
    assert "::::{dropdown} A. a" in lines and "**Right.** b" in lines
    assert "::::{dropdown} B. c" in lines and "**No.** d" in lines


def test_the_time_to_read_counts_the_words(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("word " * 1201)
    assert times_of(page) == (15, None)


def test_without_solutions_the_exercises_stay_and_all_between_start_and_end_goes():
    whole = read_chapter("idsf")
    cut = without_solutions(whole)
    text = "\n".join(cell.source for cell in cut.cells)
    assert text.count("```{exercise}") == 5
    assert "solution-" not in text
    assert "A good answer contains" not in text
    assert "def my_idsf(frames, absolute=False, standardised=False):\n        ..." in text  # the task
    assert "differences / differences.std()" not in text  # its solution
    assert "```{quiz} idsf" in text
    before = [cell.source for cell in whole.cells if cell.cell_type == "code"]
    after = [cell.source for cell in cut.cells if cell.cell_type == "code"]
    assert after == before[: len(after)]
    assert len(before) - len(after) == 4


def test_a_solution_without_an_end_is_refused():
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [nbformat.v4.new_markdown_cell("````{solution-start} x\n:class: dropdown\n````\ntext")]
    with pytest.raises(CompanionError, match="does not end"):
        without_solutions(notebook)
