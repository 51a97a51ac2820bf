"""One chapter through papermill: nothing gets onto a page that must not be there."""

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

#: Output of a cell that holds a picture, by its kind and by what stands in its text.
PICTURE_KINDS = re.compile(r"image/|video/|audio/|application/(pdf|vnd\.)")
PICTURE_IN_TEXT = re.compile(r"<(img|svg|video|canvas|picture|iframe|object|embed)\b|data:image|!\[", re.IGNORECASE)


def _provenance_cell(name: str, values: Mapping[str, Any]) -> nbformat.NotebookNode:
    """The box at the foot of a page that says how it was made."""
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


def _describe_figure(name: str, cell: nbformat.NotebookNode) -> None:
    """Move a figure's alt text to its cell, the one place where the renderer looks for it."""
    figures = [output for output in cell.get("outputs", []) if "image/png" in output.get("data", {})]
    texts = [output.metadata.get("image/png", {}).get("alt", "") for output in figures]
    if len(texts) > 1 or not all(texts):
        raise CompanionError(
            f"chapter {name}: expected one figure a cell, put there by report.show with its alt text; found "
            f"{len(texts)} in: {cell.source[:60]}"
        )
    if texts:
        cell.metadata["mystnb"] = {"image": {"alt": texts[0]}}


def _check_outputs(name: str, cell: nbformat.NotebookNode) -> None:
    """Refuse pictures that did not go through ``report.show``, which knows what may be shown."""
    for output in cell.get("outputs", []):
        for kind, value in output.get("data", {}).items():
            picture = PICTURE_KINDS.match(kind) and kind != "image/png"
            if picture or (kind in {"text/html", "text/markdown"} and PICTURE_IN_TEXT.search(str(value))):
                raise CompanionError(
                    f"chapter {name}: expected pictures to be put on the page by report.show, found {kind} in: "
                    f"{cell.source[:60]}"
                )


def _hidden_paths() -> re.Pattern[str]:
    """Folders of this machine that no page may name."""
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
    above = [parent for form in forms for parent in form.parents if len(parent.parts) > 2]  # tables cut long paths
    known = {str(form) for form in (*forms, *above)}
    longest_first = sorted((re.escape(path) for path in known), key=len, reverse=True)
    return re.compile(rf"(?:{'|'.join(longest_first)})(?![\w-])")


def _hide_paths(value: Any, paths: re.Pattern[str]) -> Any:
    """An output without the folders of this machine; pictures are left as they are."""
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
    """Take a backend's start-up messages out of a cell's outputs."""
    for output in cell.get("outputs", []):
        if output.output_type == "stream" and output.name == "stderr":
            lines = output.text.splitlines(keepends=True)
            output.text = "".join(line for line in lines if not STARTUP_MESSAGES.match(line))
    if "outputs" in cell:
        cell.outputs = [output for output in cell.outputs if output.get("text") != ""]


@contextmanager
def _traced(file: Path) -> Iterator[None]:
    """Let the kernel note in a file which stored runs it looks up."""
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
    """Run one chapter through papermill; the executed notebook appears whole or not at all.

    Parameters
    ----------
    name
        Name of the page.
    values
        Parameters that differ from the chapter's own.
    out
        Where to write it; by default ``NAME.ipynb`` in the build folder.

    Raises
    ------
    CompanionError
        For an unknown chapter or parameter, for a picture that did not come from ``report.show``, for a
        stored run that it shows without declaring it, or
        when a cell fails: the message names the chapter and the error.
    """
    import papermill

    values = dict(values or {})
    notebook = read_chapter(name)
    check_parameters(name, values)
    target = out or build_folder() / "executed" / f"{name}.ipynb"
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
            _describe_figure(name, cell)
            _drop_startup_messages(cell)
            _hide_paths(cell.get("outputs", []), paths)
            cell.metadata.pop("papermill", None)
            cell.metadata.pop("execution", None)
        write_atomically(target, nbformat.writes(executed).encode())
    return target
