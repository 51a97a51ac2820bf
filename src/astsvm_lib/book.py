"""From chapters to a book: jupytext reads, papermill runs, Jupyter Book renders.

Chapters are MyST Markdown notebooks under ``book/`` with one cell tagged ``parameters``. Executed
notebooks are kept by what they were made from, so that a build that was cut goes on and one that
changed nothing runs nothing.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import yaml
from tqdm import tqdm

from astsvm_lib.datasets import available, load, load_manifest
from astsvm_lib.datasets.croissant import croissant
from astsvm_lib.errors import CompanionError
from astsvm_lib.experiments import provenance
from astsvm_lib.processes import CHATTER, run_each, without_chatter
from astsvm_lib.storage import Cache, canonical_json, code_digest, digest, write_atomically

PROJECT = Path(__file__).parents[2]
SOURCE = PROJECT / "book"
BUILD = PROJECT / "_build"
#: What a chapter's output depends on, beside its own text and parameters.
ROOMS = (
    "choices", "recipe", "readings", "published", "datasets", "rehearsal", "preprocessing", "features", "descriptors",
    "network", "peers", "transfer", "evaluation", "methods", "experiments", "plotting",
)  # fmt: skip
#: Output of a cell that holds a picture, by its kind and by what stands in its text.
PICTURE_KINDS = re.compile(r"image/|video/|audio/|application/(pdf|vnd\.)")
PICTURE_IN_TEXT = re.compile(r"<(img|svg|video|canvas|picture|iframe|object|embed)\b|data:image|!\[", re.IGNORECASE)
#: What the code of a chapter calls that needs a stored run of its data set; the group is the profile.
STORED_RUN = re.compile(r'Store\(\)\.require\(plan\(data, chosen, "(\w+)", seed\)\)')
#: What the code of a chapter calls that needs the features of every clip.
WHOLE_DATA_SET = re.compile(r"\bextract_all\(")
#: Of the processes that run chapters: no debugger's warnings, no progress bars.
KERNEL_ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYDEVD_DISABLE_FILE_VALIDATION": "1", "TQDM_DISABLE": "1"}


def _check_checkout() -> None:
    if not (SOURCE / "_toc.yml").exists():
        raise CompanionError(
            "the book's sources are not beside the library: install the package from a checkout with pip install -e ."
        )


def pages() -> list[str]:
    """Names of all pages, in reading order."""
    _check_checkout()
    toc = yaml.safe_load((SOURCE / "_toc.yml").read_text(encoding="utf-8"))
    parts = [entry for part in toc.get("parts", []) for entry in part["chapters"]]
    return [toc["root"], *(entry["file"] for entry in [*toc.get("chapters", []), *parts])]


def _read(name: str) -> nbformat.NotebookNode:
    if name not in pages():
        raise CompanionError(f"unknown chapter '{name}'; expected one of {', '.join(chapters())}")
    return jupytext.read(SOURCE / f"{name}.md")


def is_notebook(name: str) -> bool:
    """Whether a page has cells to run; a page without is copied as it is."""
    return (SOURCE / f"{name}.md").read_text(encoding="utf-8").startswith("---\njupytext:")


def chapters() -> list[str]:
    """Names of the pages that are run."""
    return [name for name in pages() if is_notebook(name)]


def parameters_of(name: str) -> dict[str, Any]:
    """Parameters of a chapter and their defaults: the assignments in its ``parameters`` cell."""
    values = {}
    for cell in _read(name).cells:
        if "parameters" in cell.metadata.get("tags", []):
            for node in ast.parse(cell.source).body:
                if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    values[node.targets[0].id] = ast.literal_eval(node.value)
    return values


def _all_parameters(name: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """A chapter's parameters: those chosen, and its own for the rest."""
    return parameters_of(name) | dict(values)


def _check_parameters(name: str, values: Mapping[str, Any]) -> None:
    known = parameters_of(name)
    unknown = sorted(set(values) - set(known))
    if unknown:
        takes = ", ".join(known) or "none"
        raise CompanionError(f"chapter {name}: unknown parameter {', '.join(unknown)}; it takes {takes}")


def _key(name: str, values: Mapping[str, Any], data: str) -> str:
    """Digest of all that a chapter's output is made from; ``data`` is that of data on a disk."""
    used = [*(SOURCE / "results").glob("*.json"), *(PROJECT / "data_manifest").glob("*.yaml")]
    results = {path.name: path.read_text(encoding="utf-8") for path in sorted(used)}
    text = (SOURCE / f"{name}.md").read_text(encoding="utf-8")
    return digest([text, dict(values), code_digest(*ROOMS), results, provenance.versions(), data])


def _provenance_cell(name: str, values: Mapping[str, Any]) -> nbformat.NotebookNode:
    """The box at the foot of a page that says how it was made."""
    used = _all_parameters(name, values)
    options = " ".join(f"-p {key} {value}" for key, value in used.items())
    found = ", ".join(f"{package} {version}" for package, version in provenance.versions().items())
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
            f"chapter {name}: expected one figure a cell, put there by plotting.show with its alt text; found "
            f"{len(texts)} in: {cell.source[:60]}"
        )
    if texts:
        cell.metadata["mystnb"] = {"image": {"alt": texts[0]}}


def _check_outputs(name: str, cell: nbformat.NotebookNode) -> None:
    """Refuse pictures that did not go through ``plotting.show``, which knows what may be shown."""
    for output in cell.get("outputs", []):
        for kind, value in output.get("data", {}).items():
            picture = PICTURE_KINDS.match(kind) and kind != "image/png"
            if picture or (kind in {"text/html", "text/markdown"} and PICTURE_IN_TEXT.search(str(value))):
                raise CompanionError(
                    f"chapter {name}: expected pictures to be put on the page by plotting.show, found {kind} in: "
                    f"{cell.source[:60]}"
                )


def _hidden_paths() -> re.Pattern[str]:
    """Folders of this machine that no page may name."""
    named = [value for key, value in os.environ.items() if re.fullmatch(r"ASTSVM_\w*(ROOT|CACHE)", key) and value]
    folders = [
        *map(Path, named),
        PROJECT,
        BUILD,
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


def _drop_chatter(cell: nbformat.NotebookNode) -> None:
    """Take a backend's start-up messages out of a cell's outputs."""
    for output in cell.get("outputs", []):
        if output.output_type == "stream" and output.name == "stderr":
            lines = output.text.splitlines(keepends=True)
            output.text = "".join(line for line in lines if not CHATTER.match(line))
    if "outputs" in cell:
        cell.outputs = [output for output in cell.outputs if output.get("text") != ""]


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
        For an unknown chapter or parameter, for a picture that did not come from ``plotting.show``, or
        when a cell fails: the message names the chapter and the error.
    """
    import papermill

    values = dict(values or {})
    notebook = _read(name)
    _check_parameters(name, values)
    target = out or BUILD / "executed" / f"{name}.ipynb"
    with tempfile.TemporaryDirectory(prefix="astsvm-") as folder:
        source, result = Path(folder) / f"{name}.ipynb", Path(folder) / "out.ipynb"
        nbformat.write(notebook, source)
        try:
            with without_chatter():
                papermill.execute_notebook(
                    source, result, parameters=values, cwd=SOURCE, progress_bar=False, kernel_name="python3"
                )
        except papermill.PapermillExecutionError as error:
            raise CompanionError(f"chapter {name} failed: {error.ename}: {error.evalue}\n{error}") from None
        executed = nbformat.read(result, as_version=4)
        executed.cells.append(_provenance_cell(name, values))
        executed.metadata.pop("papermill", None)
        paths = _hidden_paths()
        for cell in executed.cells:
            _check_outputs(name, cell)
            _describe_figure(name, cell)
            _drop_chatter(cell)
            _hide_paths(cell.get("outputs", []), paths)
            cell.metadata.pop("papermill", None)
            cell.metadata.pop("execution", None)
        write_atomically(target, nbformat.writes(executed).encode())
    return target


def datasets_used(params: Path | None) -> list[str]:
    """Identifiers of the data sets that the chapters are run on with a parameter file."""
    chosen = read_parameters(params)
    used = {_all_parameters(name, values).get("dataset") for name, values in chosen.items()}
    return sorted(str(name) for name in used if name is not None)


def _clips_declared(values: Mapping[str, Any]) -> int:
    """How many clips the data set of a chapter declares; 0 for a chapter without one."""
    dataset = values.get("dataset")
    return 0 if dataset is None else sum(load_manifest(str(dataset)).classes.values())


def _digest_on_disk(dataset: str) -> str:
    """Digest of a data set that is read from a disk; nothing for one that the library makes, whose code is known."""
    if load_manifest(dataset).access == "generated":
        return ""
    return load(dataset).fingerprint


def _run_once(name: str, values: Mapping[str, Any], data: str = "") -> tuple[str, Path]:
    """The executed chapter: as it was, if nothing that it is made from has changed."""
    path = BUILD / "executed" / f"{name}-{_key(name, values, data)}.ipynb"
    if not path.exists():
        run_chapter(name, values, path)
    return name, path


def read_parameters(file: Path | None) -> dict[str, dict[str, Any]]:
    """Parameters of each chapter from a file such as those in ``book/params/``.

    A value at the top of the file goes to every chapter that has such a parameter; ``chapters:``
    holds values for single ones.

    Raises
    ------
    CompanionError
        If the file cannot be read, or holds a parameter or chapter that does not exist.
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
        _check_parameters(name, chosen[name])
    return chosen


def _assemble(executed: Mapping[str, Path], folder: Path) -> None:
    """The folder that Jupyter Book renders: the book's files, with executed chapters in place."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(SOURCE, folder, ignore=shutil.ignore_patterns("results", "params", ".*"))
    for name, path in executed.items():
        (folder / f"{name}.md").unlink()
        shutil.copyfile(path, folder / f"{name}.ipynb")
    (folder / "_extra" / "croissant").mkdir(parents=True)
    for dataset in available():
        text = json.dumps(croissant(load_manifest(dataset)), indent=2)
        (folder / "_extra" / "croissant" / f"{dataset}.json").write_text(text + "\n", encoding="utf-8")


def _render(source: Path) -> Path:
    """Run Jupyter Book, warnings being errors; the finished pages replace the old ones at once."""
    command = [
        sys.executable, "-c", "from jupyter_book.cli.main import main; main()",
        "build", str(source), "--path-output", str(BUILD / "render"),
        "--config", str(PROJECT / "_config.yml"), "-W", "-n", "--keep-going",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    log = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    write_atomically(BUILD / "render.log", log.encode())
    if done.returncode:
        told = [line for line in log.splitlines() if "WARNING" in line or "ERROR" in line]
        raise CompanionError("Jupyter Book failed:\n" + "\n".join(told or log.splitlines()[-20:]))
    fresh, final, old = BUILD / "html.new", BUILD / "html", BUILD / "html.old"
    for folder in (fresh, old):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(BUILD / "render" / "_build" / "html", fresh)
    if final.exists():
        final.rename(old)
    fresh.rename(final)
    shutil.rmtree(old, ignore_errors=True)
    return final


def _check_records(values: Mapping[str, Mapping[str, Any]]) -> None:
    """Find out before anything is run whether the stored runs that the chapters show are there.

    Raises
    ------
    CompanionError
        If one is missing: the message gives the chapter, and the command that makes it.
    """
    from astsvm_lib.experiments import Store, plan
    from astsvm_lib.recipe import Recipe

    for name, chosen in values.items():
        used = _all_parameters(name, chosen)
        for profile in set(STORED_RUN.findall((SOURCE / f"{name}.md").read_text(encoding="utf-8"))):
            data, recipe = load(str(used["dataset"])), Recipe.from_dict(used["recipe"])
            try:
                Store().require(plan(data, recipe, profile, int(used["seed"])))
            except CompanionError as error:
                raise CompanionError(f"chapter {name}: {error}") from None


def _prepare_data(values: Mapping[str, Mapping[str, Any]], jobs: int) -> None:
    """Prepare each data set whose features a chapter uses as a whole, once, before chapters run side by side."""
    from astsvm_lib.features import extract_all
    from astsvm_lib.recipe import Recipe

    used = [
        _all_parameters(name, chosen)
        for name, chosen in values.items()
        if WHOLE_DATA_SET.search((SOURCE / f"{name}.md").read_text(encoding="utf-8"))
    ]
    wanted = {canonical_json([v["dataset"], v.get("recipe", {})]): v for v in used if "dataset" in v}
    for parameters in wanted.values():
        dataset = load(str(parameters["dataset"]))
        extract_all(dataset, Recipe.from_dict(parameters.get("recipe", {})), jobs=jobs)


def build(params: Path | None = None, jobs: int = 2) -> Path:
    """Run every chapter, render the book, and return its first page.

    Parameters
    ----------
    params
        Parameter file; see :func:`read_parameters`.
    jobs
        Chapters run at once.

    Raises
    ------
    CompanionError
        If a chapter or the rendering fails, by name.
    """
    values = read_parameters(params)
    _check_records(values)
    on_disk = {dataset: _digest_on_disk(dataset) for dataset in datasets_used(params)}
    _prepare_data(values, jobs)
    work = [
        (name, chosen, on_disk.get(str(_all_parameters(name, chosen).get("dataset")), ""))
        for name, chosen in values.items()
    ]
    # The longest first, so that none is left to one core at the end.
    work.sort(key=lambda item: -_clips_declared(_all_parameters(item[0], item[1])))
    runs = run_each(_run_once, work, jobs, KERNEL_ENVIRONMENT)
    executed = dict(tqdm(runs, total=len(values), desc="chapters"))
    kept = {path.name for path in executed.values()}
    for path in (BUILD / "executed").glob("*-*.ipynb"):
        if path.name not in kept:
            path.unlink()
    _assemble(executed, BUILD / "source")
    return _render(BUILD / "source") / "index.html"
