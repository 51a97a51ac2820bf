"""The chapters: MyST Markdown notebooks with a cell of parameters, and declared requirements."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import yaml

from astsvm_lib.book.exercises import without_solutions
from astsvm_lib.book.folders import source_folder
from astsvm_lib.book.requirements import Requirements
from astsvm_lib.errors import CompanionError
from astsvm_lib.storage import write_atomically


def pages() -> list[str]:
    """Names of all pages, in reading order."""
    toc = yaml.safe_load((source_folder() / "_toc.yml").read_text(encoding="utf-8"))
    parts = [entry for part in toc.get("parts", []) for entry in part["chapters"]]
    return [toc["root"], *(entry["file"] for entry in [*toc.get("chapters", []), *parts])]


def read_chapter(name: str) -> nbformat.NotebookNode:
    """The notebook of a chapter.

    Raises
    ------
    CompanionError
        If there is no such chapter.
    """
    if name not in pages():
        raise CompanionError(f"unknown chapter '{name}'; expected one of {', '.join(chapters())}")
    return jupytext.read(source_folder() / f"{name}.md")


def is_notebook(name: str) -> bool:
    """Whether a page is a notebook: its front matter has the key ``jupytext``. Other pages are not executed."""
    text = (source_folder() / f"{name}.md").read_text(encoding="utf-8")
    if not text.startswith("---\n"):
        return False
    front = yaml.safe_load(text.split("\n---", 1)[0])
    return isinstance(front, dict) and "jupytext" in front


def chapters() -> list[str]:
    """Names of the pages that are executed."""
    return [name for name in pages() if is_notebook(name)]


def export_chapters(folder: Path, solutions: bool = True) -> list[Path]:
    """Write all chapters as notebooks without outputs.

    Parameters
    ----------
    folder
        Folder to write to, which is created if it does not exist.
    solutions
        Whether the notebooks have the solutions of the exercises.

    Returns
    -------
    list of pathlib.Path
        The files written, in reading order.
    """
    written = []
    for name in chapters():
        path = folder / f"{name}.ipynb"
        notebook = read_chapter(name)
        write_atomically(path, nbformat.writes(notebook if solutions else without_solutions(notebook)).encode())
        written.append(path)
    return written


def parameters_of(name: str) -> dict[str, Any]:
    """Parameters of a chapter with their defaults: the assignments in its cell tagged ``parameters``."""
    values = {}
    for cell in read_chapter(name).cells:
        if "parameters" in cell.metadata.get("tags", []):
            for node in ast.parse(cell.source).body:
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    values[node.targets[0].id] = ast.literal_eval(node.value)
    return values


def all_parameters(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """All parameters of a chapter.

    Parameters
    ----------
    name
        Name of the chapter.
    values
        Parameters that replace its defaults.
    """
    return parameters_of(name) | dict(values)


def requirements_of(name: str) -> Requirements:
    """Requirements that a chapter declares in its front matter under ``companion``.

    Raises
    ------
    CompanionError
        If a declaration is invalid; the message names the chapter.
    """
    declared = read_chapter(name).metadata.get("companion", {})
    return Requirements.from_metadata(name, declared)


def check_parameters(name: str, values: Mapping[str, Any]) -> None:
    """Check that a chapter has all of these parameters.

    Parameters
    ----------
    name
        Name of the chapter.
    values
        Values by parameter.

    Raises
    ------
    CompanionError
        If a parameter is unknown.
    """
    known = parameters_of(name)
    unknown = sorted(set(values) - set(known))
    if unknown:
        takes = ", ".join(known) or "none"
        raise CompanionError(f"chapter {name}: unknown parameter {', '.join(unknown)}; it takes {takes}")


def read_parameters(file: Path | None) -> dict[str, dict[str, Any]]:
    """Parameters of each chapter from a file such as those in ``book/params/``.

    A value at the top level of the file applies to every chapter with this parameter; ``chapters:`` holds values for
    single chapters.

    Parameters
    ----------
    file
        YAML file; None for no parameters.

    Returns
    -------
    dict of str to dict
        Values by chapter and parameter.

    Raises
    ------
    CompanionError
        If the file cannot be read, or a parameter or chapter is unknown.
    """
    names = chapters()
    if file is None:
        return {name: {} for name in names}
    try:
        values = yaml.safe_load(Path(file).read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise CompanionError(f"parameters {file}: cannot be read ({error})") from None
    if not isinstance(values, dict):
        raise CompanionError(f"parameters {file}: expected a mapping, found {type(values).__name__}")
    single = values.pop("chapters", {}) or {}
    known = {name: set(parameters_of(name)) for name in names}
    unknown = sorted(set(values) - set().union(*known.values())) + sorted(set(single) - set(names))
    if unknown:
        everything = ", ".join(sorted(set().union(*known.values())))
        raise CompanionError(
            f"parameters {file}: no chapter has {', '.join(unknown)}; the parameters are {everything}, "
            f"the chapters {', '.join(names)}"
        )
    chosen = {}
    for name in names:
        chosen[name] = {k: v for k, v in values.items() if k in known[name]} | dict(single.get(name) or {})
        check_parameters(name, chosen[name])
    return chosen


def datasets_used(params: Path | None) -> list[str]:
    """Identifiers of the data sets that the chapters use with a parameter file."""
    chosen = read_parameters(params)
    used = {all_parameters(name, values).get("dataset") for name, values in chosen.items()}
    return sorted(str(name) for name in used if name is not None)
