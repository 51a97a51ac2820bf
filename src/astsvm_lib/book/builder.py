"""Build of the book: papermill executes the chapters that have changed, and Jupyter Book renders them.

Executed notebooks are stored under a digest of their inputs, so that an interrupted build is resumed and unchanged
chapters are not executed again.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat
from tqdm import tqdm

from astsvm_lib.book.chapters import all_parameters, datasets_used, read_parameters, requirements_of
from astsvm_lib.book.execution import SECONDS, run_chapter
from astsvm_lib.book.exercises import without_solutions
from astsvm_lib.book.folders import build_folder, project_folder, source_folder
from astsvm_lib.datasets import available, load, load_manifest
from astsvm_lib.datasets.croissant import croissant
from astsvm_lib.errors import CompanionError
from astsvm_lib.experiments import profile_named
from astsvm_lib.features import extract_all
from astsvm_lib.parallel import map_unordered
from astsvm_lib.recipe import Recipe
from astsvm_lib.results import provenance, results_folder
from astsvm_lib.results.store import Store
from astsvm_lib.storage import canonical_json, digest, write_atomically

#: Environment of the processes that execute chapters: no debugger warnings, no progress bars.
KERNEL_ENVIRONMENT = {"TF_CPP_MIN_LOG_LEVEL": "3", "PYDEVD_DISABLE_FILE_VALIDATION": "1", "TQDM_DISABLE": "1"}

#: File of the table of times, which the page on rerunning the book includes.
TIMES = "chapter-times.txt"


def chapter_key(name: str, values: Mapping[str, Any], data: str = "") -> str:
    """Digest of all inputs of a chapter.

    Parameters
    ----------
    name
        Name of the chapter.
    values
        Parameters that replace its defaults.
    data
        Fingerprint of its data set if that is read from disk; see :func:`data_on_disk`.

    Returns
    -------
    str
        Depends on the chapter's text and parameters, the versions of its stages, the stored runs and files that it
        shows, its data, and the versions of libraries. It does not depend on the code of figures and tables.
    """
    needs, parameters = requirements_of(name), all_parameters(name, values)
    manifests = [load_manifest(str(parameters["dataset"])).model_dump_json()] if "dataset" in parameters else []
    text = (source_folder() / f"{name}.md").read_text(encoding="utf-8")
    shown = needs.shown(parameters, Store()) if needs.shows_results else []
    inputs = [needs.versions(), needs.files(), shown, manifests, provenance.library_versions(), data]
    return digest([text, dict(values), *inputs])


def _clips_declared(values: Mapping[str, Any]) -> int:
    """Number of clips declared for the data set of a chapter; 0 for a chapter without a data set."""
    dataset = values.get("dataset")
    return 0 if dataset is None else sum(load_manifest(str(dataset)).classes.values())


def data_on_disk(dataset: str) -> str:
    """Fingerprint of a data set that is read from disk; empty for generated data, which the stages determine."""
    if load_manifest(dataset).access == "generated":
        return ""
    return load(dataset).fingerprint


def run_if_changed(name: str, values: Mapping[str, Any], data: str = "") -> tuple[str, Path]:
    """Execute a chapter, unless it was already executed with the same inputs.

    Parameters
    ----------
    name, values, data
        As for :func:`chapter_key`.

    Returns
    -------
    tuple
        Name of the chapter, and path of the executed notebook.

    Raises
    ------
    CompanionError
        If the chapter fails.
    """
    path = build_folder() / "executed" / f"{name}-{chapter_key(name, values, data)}.ipynb"
    if not path.exists():
        run_chapter(name, values, path)
    return name, path


def times_table(executed: Mapping[str, Path]) -> str:
    """Markdown table of the time that each chapter took when it was executed, and their sum.

    Parameters
    ----------
    executed
        Executed notebook of each chapter, in the order of the rows.
    """
    seconds = {name: nbformat.read(path, as_version=4).metadata[SECONDS] for name, path in executed.items()}
    rows = [f"| {{doc}}`{name}` | {value:.0f} s |" for name, value in seconds.items()]
    total = f"| all, one after the other | {sum(seconds.values()) / 60:.1f} min |"
    return "\n".join(["| Chapter | Time |", "|---|--:|", *rows, total, ""])


def assemble(executed: Mapping[str, Path], folder: Path, solutions: bool = True) -> None:
    """Write the folder that Jupyter Book renders: the book's files, with chapters replaced by executed notebooks.

    Parameters
    ----------
    executed
        Executed notebook of each chapter.
    folder
        Folder to write; what it held is removed.
    solutions
        Whether the notebooks keep the solutions of the exercises.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source_folder(), folder, ignore=shutil.ignore_patterns("results", "params", ".*"))
    for name, path in executed.items():
        (folder / f"{name}.md").unlink()
        if solutions:
            shutil.copyfile(path, folder / f"{name}.ipynb")
        else:
            nbformat.write(without_solutions(nbformat.read(path, as_version=4)), folder / f"{name}.ipynb")
    (folder / TIMES).write_text(times_table(executed), encoding="utf-8")
    (folder / "_extra" / "croissant").mkdir(parents=True)
    for dataset in available():
        text = json.dumps(croissant(load_manifest(dataset)), indent=2)
        (folder / "_extra" / "croissant" / f"{dataset}.json").write_text(text + "\n", encoding="utf-8")
    if results_folder().is_dir():  # for downloads
        shutil.copytree(results_folder(), folder / "_extra" / "results", ignore=shutil.ignore_patterns(".*"))


def render(source: Path, name: str = "html") -> Path:
    """Run Jupyter Book with warnings as errors; the new pages replace the old ones when they are complete.

    Parameters
    ----------
    source
        Folder written by :func:`assemble`.
    name
        Name of the folder of the pages in the build folder.

    Returns
    -------
    pathlib.Path
        Folder of the pages.
    """
    command = [
        sys.executable, "-c", "from jupyter_book.cli.main import main; main()",
        "build", str(source), "--path-output", str(build_folder() / "render"),
        "--config", str(project_folder() / "_config.yml"), "-W", "-n", "--keep-going",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    log = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    write_atomically(build_folder() / "render.log", log.encode())
    if done.returncode:
        messages = [line for line in log.splitlines() if "WARNING" in line or "ERROR" in line]
        raise CompanionError("Jupyter Book failed:\n" + "\n".join(messages or log.splitlines()[-20:]))
    fresh, final, old = (build_folder() / f"{name}{suffix}" for suffix in (".new", "", ".old"))
    for folder in (fresh, old):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(build_folder() / "render" / "_build" / "html", fresh)
    if final.exists():
        final.rename(old)
    fresh.rename(final)
    shutil.rmtree(old, ignore_errors=True)
    return final


def _prepare_data(values: Mapping[str, Mapping[str, Any]], jobs: int) -> None:
    """Extract the features of chapters that declare ``features`` once, before chapters are executed in parallel.

    These are the features of the clips that the chapter's profile uses; chapters share them through the cache.
    """
    used = [all_parameters(name, chosen) for name, chosen in values.items() if requirements_of(name).front.features]
    wanted = {canonical_json([v["dataset"], v["profile"], v.get("recipe", {})]): v for v in used}
    for parameters in wanted.values():
        clips = profile_named(parameters["profile"]).choose(load(parameters["dataset"]))
        extract_all(clips, Recipe.from_dict(parameters.get("recipe", {})), jobs=jobs)


def build(params: Path | None = None, jobs: int = 2, force: bool = False, solutions: bool = True) -> Path:
    """Execute the chapters that have changed, and render the book.

    Parameters
    ----------
    params
        Parameter file; see :func:`~astsvm_lib.book.chapters.read_parameters`.
    jobs
        Number of chapters executed in parallel.
    force
        Whether to execute all chapters again, for instance after a change of the figures' code.
    solutions
        Whether to show the solutions of the exercises.

    Returns
    -------
    pathlib.Path
        The first page of the book.

    Raises
    ------
    CompanionError
        If a required run is missing, a chapter fails, or the rendering fails.
    """
    values = read_parameters(params)
    for name, chosen in values.items():
        needs = requirements_of(name)
        if needs.front.runs:
            needs.check_required(all_parameters(name, chosen), Store())
    if force:
        shutil.rmtree(build_folder() / "executed", ignore_errors=True)
    on_disk = {dataset: data_on_disk(dataset) for dataset in datasets_used(params)}
    _prepare_data(values, jobs)
    work = [
        (name, chosen, on_disk.get(str(all_parameters(name, chosen).get("dataset")), ""))
        for name, chosen in values.items()
    ]
    # Longest chapters first, so that all processes finish at about the same time.
    work.sort(key=lambda item: -_clips_declared(all_parameters(item[0], item[1])))
    runs = map_unordered(run_if_changed, work, jobs, KERNEL_ENVIRONMENT)
    finished = dict(tqdm(runs, total=len(values), desc="chapters"))
    executed = {name: finished[name] for name in values}
    kept = {path.name for path in executed.values()}
    for path in (build_folder() / "executed").iterdir():
        if path.name not in kept:
            path.unlink()
    assemble(executed, build_folder() / "source", solutions)
    return render(build_folder() / "source", "html" if solutions else "html-without-solutions") / "index.html"
