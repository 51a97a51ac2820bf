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

#: Metadata of an executed chapter: the time of its execution, in seconds.
SECONDS = "astsvm_seconds"
#: Source of a cell that holds one output of the cell before it; a cell without source is not rendered.
_MOVED = "# an output of the cell above"
#: Label of the button that unfolds a cell, by its tag.
_PROMPTS = {
    "parameters": "Show the parameters of this page",
    "injected-parameters": "Show the parameters that replace them",
    "hide-cell": "Show the solution",
}


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


def _figure_of(output: nbformat.NotebookNode) -> dict[str, Any] | None:
    """Description of a figure or player as displayed by ``report``; None for any other output."""
    for kind in ("image/png", "text/html"):
        if kind in output.get("data", {}):
            about = output.get("metadata", {}).get(kind, {})
            if kind == "image/png" or about.get("alt"):
                return dict(about)
    return None


def separate_figures(name: str, cell: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """A cell, followed by a cell for each of its outputs if one of several is a figure.

    The renderer takes the alt text and the caption of a figure from the metadata of its cell, hence one figure per cell.

    Parameters
    ----------
    name
        Name of the chapter, for errors.
    cell
        Executed cell, which is changed.

    Returns
    -------
    list of nbformat.NotebookNode
        Cells in order; the input of those that were added is not shown.

    Raises
    ------
    CompanionError
        If a figure has no alt text, or a hidden cell has several outputs of which one is a figure.
    """
    outputs = cell.get("outputs", [])
    figures = [_figure_of(output) for output in outputs]
    if not any(about is not None for about in figures):
        return [cell]
    if not all(about.get("alt") for about in figures if about is not None):
        raise CompanionError(
            f"chapter {name}: expected figures displayed by report.show with alt text: {cell.source[:60]}"
        )
    if len(outputs) == 1:
        _describe(cell, figures[0])
        return [cell]
    tags = cell.metadata.get("tags", [])
    if "hide-cell" in tags:
        raise CompanionError(f"chapter {name}: expected one output in a hidden cell with a figure: {cell.source[:60]}")
    parts = [cell]
    for output, about in zip(outputs, figures, strict=True):
        part = nbformat.v4.new_code_cell(_MOVED, outputs=[output], metadata={"tags": ["remove-input"]})
        _describe(part, about)
        parts.append(part)
    cell.outputs = []
    return parts


def _describe(cell: nbformat.NotebookNode, about: Mapping[str, Any] | None) -> None:
    """Write the alt text, the class and the caption of a figure to the metadata of its cell."""
    if about is None:
        return
    described: dict[str, Any] = {"image": {"alt": about["alt"], "classes": about.get("class", "plot")}}
    if about.get("caption"):
        described["figure"] = {"caption": about["caption"]}
    cell.metadata["mystnb"] = described


def _fold(cell: nbformat.NotebookNode) -> None:
    """Fold the cells of parameters, and say what a folded cell holds."""
    tags = cell.metadata.get("tags", [])
    for tag, prompt in _PROMPTS.items():
        if tag in tags:
            cell.metadata["mystnb"] = {**cell.metadata.get("mystnb", {}), "code_prompt_show": prompt}
            if tag != "hide-cell" and "hide-input" not in tags:
                cell.metadata["tags"] = [*tags, "hide-input"]


def _check_outputs(name: str, cell: nbformat.NotebookNode) -> None:
    """Raise an error for images that were not displayed by ``report``, which checks whether they may be shown."""
    for output in cell.get("outputs", []):
        for kind, value in output.get("data", {}).items():
            picture = PICTURE_KINDS.match(kind) and kind != "image/png"
            text = kind == "text/markdown" or (kind == "text/html" and _figure_of(output) is None)
            if picture or (text and PICTURE_IN_TEXT.search(str(value))):
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
    """Replace the folders of this machine in an output by ``...``."""
    if isinstance(value, str):
        return paths.sub("...", value)
    if isinstance(value, list):
        return [_hide_paths(item, paths) for item in value]
    if isinstance(value, dict):
        for key, item in value.items():
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
        executed.metadata[SECONDS] = round(executed.metadata.pop("papermill").duration, 1)
        paths = _hidden_paths()
        cells = []
        for cell in executed.cells:
            _check_outputs(name, cell)
            _drop_startup_messages(cell)
            for output in cell.get("outputs", []):
                if _figure_of(output) is None:
                    _hide_paths(output, paths)
            cell.metadata.pop("papermill", None)
            cell.metadata.pop("execution", None)
            cells += separate_figures(name, cell)
            _fold(cell)
        executed.cells = cells
        write_atomically(target, nbformat.writes(executed).encode())
    return target
