"""Sphinx extension for teaching: the goals of a chapter with its times, and quizzes whose answers open one by one."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, ClassVar

import yaml
from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from astsvm_lib.book.execution import SECONDS
from astsvm_lib.errors import CompanionError

#: Words of technical text that are read in a minute; figures and code take about as long again.
WORDS_PER_MINUTE = 100


class Answer(BaseModel):
    """An answer of a quiz: its text, whether it is right, and why, all Markdown."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(min_length=1)
    right: bool = False
    why: str = Field(min_length=1)


class Question(BaseModel):
    """A question of a quiz with its answers, of which one is right."""

    model_config = ConfigDict(extra="forbid")

    question: str = Field(min_length=1)
    answers: list[Answer] = Field(min_length=2, max_length=6)


_QUIZ = TypeAdapter(list[Question])


def read_quiz(path: Path) -> list[Question]:
    """The questions of a quiz.

    Parameters
    ----------
    path
        YAML file: a list of questions with ``question`` and ``answers``; an answer has ``text``, ``why``, and
        ``right: true`` if it is the right one.

    Raises
    ------
    CompanionError
        If the file cannot be read, a field is missing or unknown, or a question has not exactly one right answer.
    """
    try:
        questions = _QUIZ.validate_python(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise CompanionError(f"quiz {path.name}: cannot be read ({error.strerror})") from None
    except yaml.YAMLError as error:
        raise CompanionError(f"quiz {path.name}: expected YAML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise CompanionError(f"quiz {path.name}: {where}: {first['msg']}") from None
    for number, question in enumerate(questions, 1):
        right = sum(answer.right for answer in question.answers)
        if right != 1:
            raise CompanionError(f"quiz {path.name}, question {number}: expected one right answer, found {right}")
    return questions


def quiz_markdown(questions: list[Question]) -> list[str]:
    """Lines of Markdown of a quiz: each answer is a button that shows whether it is right, and why."""
    lines = []
    for number, question in enumerate(questions, 1):
        lines += [f"**Question {number}.** {question.question.strip()}", ""]
        for letter, answer in zip("ABCDEF", question.answers, strict=False):
            verdict = "Right." if answer.right else "No."
            lines += [
                f"::::{{dropdown}} {letter}. {' '.join(answer.text.split())}",
                f":class-container: quiz-answer quiz-{'right' if answer.right else 'wrong'}",
                "",
                f"**{verdict}** {answer.why.strip()}",
                "::::",
                "",
            ]
    return lines


def times_of(source: Path) -> tuple[int, float | None]:
    """Minutes to read a page, to the next 5, and the seconds that its cells took; None if they were not executed."""
    text, seconds = source.read_text(encoding="utf-8"), None
    if source.suffix == ".ipynb":
        notebook = json.loads(text)
        seconds = notebook["metadata"].get(SECONDS)
        text = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    return 5 * math.ceil(len(text.split()) / WORDS_PER_MINUTE / 5), seconds


def _parsed(directive: SphinxDirective, lines: list[str], node: nodes.Element) -> nodes.Element:
    directive.state.nested_parse(StringList(lines, source=directive.env.docname), directive.content_offset, node)
    return node


class Goals(SphinxDirective):
    """``{goals}``: what the reader can do after the chapter, what is needed before it, and how long it takes."""

    has_content = True
    option_spec: ClassVar[dict[str, Any]] = {"before": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        minutes, seconds = times_of(Path(self.env.doc2path(self.env.docname)))
        ran = "" if seconds is None else f"; its code runs in {seconds:.0f} s on two cores"
        lines = [
            ":::{admonition} After this chapter you can",
            ":class: goals",
            *self.content,
            "",
            f"**Before it:** {self.options['before']}",
            "",
            f"**Time:** about {minutes} minutes to read{ran}.",
            ":::",
        ]
        return list(_parsed(self, lines, nodes.container()).children)


class Quiz(SphinxDirective):
    """``{quiz} NAME``: the questions of ``quizzes/NAME.yml``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        path = Path(self.env.srcdir) / "quizzes" / f"{self.arguments[0]}.yml"
        self.env.note_dependency(str(path))
        try:
            lines = quiz_markdown(read_quiz(path))
        except CompanionError as error:
            raise self.error(str(error)) from None
        return [_parsed(self, lines, nodes.container(classes=["quiz"]))]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension.

    Parameters
    ----------
    app
        The Sphinx application.
    """
    app.add_directive("goals", Goals)
    app.add_directive("quiz", Quiz)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
