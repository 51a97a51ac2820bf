"""Where the book's sources are and where it is built, by the project's configuration."""

from __future__ import annotations

from pathlib import Path

from astsvm_lib.configuration import configured_folder, project_file
from astsvm_lib.errors import CompanionError


def source_folder() -> Path:
    """The folder of the chapters.

    Raises
    ------
    CompanionError
        Outside a project that has a book.
    """
    folder = configured_folder("book")
    if folder is None or not (folder / "_toc.yml").is_file():
        raise CompanionError(
            "expected the book's sources: work inside a checkout of the project, or name their folder with ASTSVM_BOOK"
        )
    return folder


def build_folder() -> Path:
    """The folder that executed chapters and the rendered book are written to."""
    return configured_folder("build") or source_folder().parent / "_build"


def project_folder() -> Path:
    """The folder of the project's ``pyproject.toml``, or the one above the chapters."""
    file = project_file(source_folder())
    return file.parent if file else source_folder().parent
