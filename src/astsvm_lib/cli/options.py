"""Options and output functions common to several commands."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from astsvm_lib.errors import CompanionError

if TYPE_CHECKING:
    from astsvm_lib.evaluation.scores import Scores
    from astsvm_lib.recipe import Recipe

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for a program to read.")

root_option = click.option(
    "--root",
    type=click.Path(path_type=Path),
    help="Folder of the data, where the library does not generate it; by default that of its environment variable.",
)

records_option = click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("results"),
    show_default=True,
    help="Folder of records; an interrupted run is resumed from its finished folds there.",
)

results_option = click.option(
    "--results",
    type=click.Path(path_type=Path),
    help="Folder of records to read; by default ASTSVM_RESULTS, the project's, or those that come with the package.",
)

folds_option = click.option(
    "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Number of folds computed in parallel."
)

clips_option = click.option(
    "--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Number of clips processed in parallel."
)

recipe_option = click.option(
    "--recipe", "recipe_file", type=click.Path(path_type=Path), help="Recipe file; the default otherwise."
)


def read_recipe(file: Path | None) -> Recipe:
    """The recipe in a file; the default recipe for None."""
    from astsvm_lib.recipe import Recipe

    return Recipe.from_yaml(file) if file else Recipe()


part_option = click.option(
    "--part", default="1/1", show_default=True, metavar="K/N", help="Only the K-th of N equal parts of the runs."
)


def part_of(items: list[T], part: str) -> list[T]:
    """The part of a list that an option ``--part K/N`` selects; all parts together give the list.

    Raises
    ------
    CompanionError
        If the text is not of the form K/N with 1 <= K <= N.
    """
    found = re.fullmatch(r"(\d+)/(\d+)", part)
    if not found or not 1 <= int(found[1]) <= int(found[2]):
        raise CompanionError(f"--part: expected K/N with 1 <= K <= N, such as 1/2, found '{part}'")
    number, count = int(found[1]), int(found[2])
    return items[len(items) * (number - 1) // count : len(items) * number // count]


def numbers(option: str, text: str) -> list[int]:
    """Parse a comma-separated list of whole numbers, such as ``0,1,2``.

    Parameters
    ----------
    option
        Name of the option in error messages.
    text
        Value of the option.

    Raises
    ------
    CompanionError
        If the text is not such a list.
    """
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise CompanionError(f"{option}: expected whole numbers separated by commas, found '{text}'")
    return [int(part) for part in parts]


def print_json(value: Any) -> None:
    """Print a value as JSON with an indent of two."""
    click.echo(json.dumps(value, indent=2, allow_nan=False))


def print_scores(scores: Scores, title: str) -> None:
    """Print UAR, UF1 and the confusion matrix.

    Parameters
    ----------
    scores
        Scores of one classifier.
    title
        Text before the scores.
    """
    width = max(*(len(c) for c in scores.classes), len(str(scores.matrix.max()))) + 2
    click.echo(f"\n{title}: UAR {scores.uar:.3f}, UF1 {scores.uf1:.3f}")
    click.echo(" " * width + "".join(f"{c:>{width}}" for c in scores.classes) + "   <- predicted")
    for name, row in zip(scores.classes, scores.matrix, strict=True):
        click.echo(f"{name:<{width}}" + "".join(f"{n:>{width}}" for n in row))
