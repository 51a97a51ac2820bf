"""Execution of a chapter by papermill, with checks that its page shows no protected images or private paths."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat

from astsvm_lib.book.chapters import all_parameters, check_parameters, read_chapter, requirements_of
from astsvm_lib.book.folders import build_folder, project_folder, source_folder
from astsvm_lib.cache import Cache
from astsvm_lib.errors import CompanionError
from astsvm_lib.parallel import STARTUP_MESSAGES, quiet_stderr
from astsvm_lib.results import provenance
from astsvm_lib.results.store import TRACE
from astsvm_lib.storage import write_atomically

#: Images in the output of a cell: by media type, and in the text of HTML or Markdown.
PICTURE_KINDS = re.compile(r"image/|video/|audio/|application/(pdf|vnd\.)")
PICTURE_IN_TEXT = re.compile(r"<(img|svg|video|canvas|picture|iframe|object|embed)\b|data:image|!\[", re.IGNORECASE)


def _provenance_cell(name: str, values: Mapping[str, Any]) -> nbformat.NotebookNode:
    """Box at the foot of a page with the command, the commit, the libraries and the processor."""
    used = all_parameters(name, values)
    options = " ".join(f"-p {key} {value}" for key, value in used.items())
    found = ", ".join(f"{package} {version}" for package, version in provenance.library_versions().items())
    lines = [
        "```{admonition} How this page was made",
        ":class: note dropdown",
        f"Run with `astsvm chapter run {name} {options}`".rstrip(),
        "",
        f"Commit {provenance.commit() or 'unknown'}; {found}; {provenance.processor()}.",
        "```",
    ]
    return nbformat.v4.new_markdown_cell("\n".join(lines))


def describe_figure(name: str, cell: nbformat.NotebookNode) -> None:
    """Move the alt text of a figure to the metadata of its cell, where the renderer expects it."""
    figures = [output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    texts = [output.metadata.get("image/png", {}).get("alt", "") for output in figures]
    if len(texts) > 1 or not all(texts):
        raise CompanionError(
            f"chapter {name}: expected at most one figure per cell, displayed by report.show with alt text; found "
            f"{len(texts)} in: {cell.source[:60]}"
        )
    if texts:
        cell.metadata["mystnb"] = {"image": {"alt": texts[0]}}


def _check_outputs(name: str, cell: nbformat.NotebookNode) -> None:
    """Raise an error for images that were not displayed by ``report.show``, which checks whether they may be shown."""
    for output in cell.get("outputs", []):
        for kind, value in output.get("data", {}).items():
            picture = PICTURE_KINDS.match(kind) and kind != "image/png"
            if picture or (kind in {"text/html", "text/markdown"} and PICTURE_IN_TEXT.search(str(value))):
                raise CompanionError(
                    f"chapter {name}: expected images to be displayed by report.show, found {kind} in: "
                    f"{cell.source[:60]}"
                )


def _hidden_paths() -> re.Pattern[str]:
    """Pattern of the folders of this machine that must not appear on a page."""
    named = [value for key, value in os.environ.items() if re.fullmatch(r"ASTSVM_\w*(ROOT|CACHE)", key) and value]
    folders = [
        *map(Path, named),
        project_folder(),
        build_folder(),
        Path.home(),
        Path(tempfile.gettempdir()),
        Path(sys.prefix),
        Cache().root,
    ]
    forms = [form for folder in folders for form in (folder, folder.expanduser().resolve()) if len(form.parts) > 1]
    above = [parent for form in forms for parent in form.parents if len(parent.parts) > 2]  # tables truncate long paths
    known = {str(form) for form in (*forms, *above)}
    longest_first = sorted((re.escape(path) for path in known), key=len, reverse=True)
    return re.compile(rf"(?:{'|'.join(longest_first)})(?![\w-])")


def _hide_paths(value: Any, paths: re.Pattern[str]) -> Any:
    """Replace the folders of this machine in an output by ``...``; images are not changed."""
    if isinstance(value, str):
        return paths.sub("...", value)
    if isinstance(value, list):
        return [_hide_paths(item, paths) for item in value]
    if isinstance(value, dict):
        for key, item in value.items():
            if key != "image/png":
                value[key] = _hide_paths(item, paths)
    return value


def _drop_startup_messages(cell: nbformat.NotebookNode) -> None:
    """Remove a backend's start-up messages from the outputs of a cell."""
    for output in cell.get("outputs", []):
        if output.output_type == "stream" and output.name == "stderr":
            lines = output.text.splitlines(keepends=True)
            output.text = "".join(line for line in lines if not STARTUP_MESSAGES.match(line))
    if "outputs" in cell:
        cell.outputs = [output for output in cell.outputs if output.get("text") != ""]


@contextmanager
def _traced(file: Path) -> Iterator[None]:
    """Let the kernel write the names of the stored runs that it looks up to a file."""
    before = os.environ.get(TRACE)
    os.environ[TRACE] = str(file)
    try:
        yield
    finally:
        if before is None:
            del os.environ[TRACE]
        else:
            os.environ[TRACE] = before


def run_chapter(name: str, values: Mapping[str, Any] | None = None, out: Path | None = None) -> Path:
    """Execute one chapter with papermill; the executed notebook is written atomically.

    Parameters
    ----------
    name
        Name of the chapter.
    values
        Parameters that replace the chapter's defaults.
    out
        File to write; by default ``single/NAME.ipynb`` in the build folder.

    Returns
    -------
    pathlib.Path
        The file written.

    Raises
    ------
    CompanionError
        If the chapter or a parameter is unknown, an image was not displayed by ``report.show``, the chapter looked
        up a stored run that it does not declare, or a cell fails. The message names the chapter.
    """
    import papermill

    values = dict(values or {})
    notebook = read_chapter(name)
    check_parameters(name, values)
    target = out or build_folder() / "single" / f"{name}.ipynb"
    with tempfile.TemporaryDirectory(prefix="astsvm-") as folder:
        source, result = Path(folder) / f"{name}.ipynb", Path(folder) / "out.ipynb"
        nbformat.write(notebook, source)
        trace = Path(folder) / "runs.txt"
        try:
            with quiet_stderr(), _traced(trace):
                papermill.execute_notebook(
                    source, result, parameters=values, cwd=source_folder(), progress_bar=False, kernel_name="python3"
                )
        except papermill.PapermillExecutionError as error:
            raise CompanionError(f"chapter {name} failed: {error.ename}: {error.evalue}\n{error}") from None
        names = trace.read_text(encoding="utf-8").split() if trace.exists() else []
        requirements_of(name).check_looked_up(all_parameters(name, values), names)
        executed = nbformat.read(result, as_version=4)
        executed.cells.append(_provenance_cell(name, values))
        executed.metadata.pop("papermill", None)
        paths = _hidden_paths()
        for cell in executed.cells:
            _check_outputs(name, cell)
            describe_figure(name, cell)
            _drop_startup_messages(cell)
            _hide_paths(cell.get("outputs", []), paths)
            cell.metadata.pop("papermill", None)
            cell.metadata.pop("execution", None)
        write_atomically(target, nbformat.writes(executed).encode())
    return target
