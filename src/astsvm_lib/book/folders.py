"""Folders of the book's sources and of its build, from the project's configuration."""

from __future__ import annotations

from pathlib import Path

from astsvm_lib.configuration import configured_folder, project_file
from astsvm_lib.errors import CompanionError


def source_folder() -> Path:
    """The folder of the chapters.

    Raises
    ------
    CompanionError
        If no folder with the book's sources is configured.
    """
    folder = configured_folder("book")
    if folder is None or not (folder / "_toc.yml").is_file():
        raise CompanionError(
            "expected the book's sources: work inside a checkout of the project, or name their folder with ASTSVM_BOOK"
        )
    return folder


def build_folder() -> Path:
    """The folder of executed chapters and of the rendered book."""
    return configured_folder("build") or source_folder().parent / "_build"


def project_folder() -> Path:
    """The folder of the project's ``pyproject.toml``, or else the parent folder of the chapters."""
    file = project_file(source_folder())
    return file.parent if file else source_folder().parent
