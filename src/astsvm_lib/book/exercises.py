"""Chapters without the solutions of their exercises, for homework."""

from __future__ import annotations

import re

import nbformat

from astsvm_lib.errors import CompanionError

#: The directives that enclose a solution.
_SOLUTION = re.compile(r"(^````\{solution-(?:start|end)\}.*?^````$)", re.MULTILINE | re.DOTALL)


def without_solutions(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """A copy of a notebook in which nothing is left between the start and the end of each solution.

    Parameters
    ----------
    notebook
        Chapter, executed or not.

    Raises
    ------
    CompanionError
        If a solution does not end.
    """
    kept, inside = [], False
    for cell in notebook.cells:
        if cell.cell_type != "markdown":
            if not inside:
                kept.append(cell)
            continue
        parts = []
        for piece in _SOLUTION.split(cell.source):
            if _SOLUTION.fullmatch(piece):
                inside = "start" in piece
            elif not inside:
                parts.append(piece.strip("\n"))
        text = "\n\n".join(part for part in parts if part)
        if text:
            kept.append(nbformat.NotebookNode(cell | {"source": text}))
    if inside:
        raise CompanionError("a solution starts and does not end; expected ````{solution-end}")
    return nbformat.NotebookNode(notebook | {"cells": kept})
