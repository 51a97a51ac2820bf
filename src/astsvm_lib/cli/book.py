"""Commands on the book."""

from __future__ import annotations

import os
from pathlib import Path

import click

from astsvm_lib.cli.options import root_option


@click.group()
def chapter_group() -> None:
    """Run single chapters of the book."""


@chapter_group.command("list")
def chapter_list() -> None:
    """List the chapters and the parameters that each takes."""
    from astsvm_lib.book.chapters import chapters, parameters_of

    for name in chapters():
        values = ", ".join(f"{k}={v!r}" for k, v in parameters_of(name).items())
        click.echo(f"{name}: {values or 'takes no parameters'}")


@chapter_group.command("run")
@click.argument("name")
@click.option("-p", "parameters", nargs=2, multiple=True, metavar="KEY VALUE", help="Set a parameter; repeatable.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="Notebook to write; by default single/NAME.ipynb in the build folder.",
)
@click.option("--store", is_flag=True, help="Store the chapter's measurements that are not current.")
@root_option
def chapter_run(
    name: str, parameters: tuple[tuple[str, str], ...], out: Path | None, store: bool, root: Path | None
) -> None:
    """Run chapter NAME with papermill, with its own or with other parameters."""
    import yaml

    from astsvm_lib.book.chapters import parameters_of
    from astsvm_lib.book.execution import run_chapter
    from astsvm_lib.datasets.manifest import set_root
    from astsvm_lib.results.measurements import STORE

    values = {key: yaml.safe_load(value) for key, value in parameters}
    if root is not None:
        set_root([str((parameters_of(name) | values).get("dataset", ""))], root)
    if store:
        os.environ[STORE] = "1"
    click.echo(f"executed: {run_chapter(name, values, out)}")


@chapter_group.command("export")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--solutions/--no-solutions", default=True, help="Whether to keep the solutions of the exercises.")
def chapter_export(folder: Path, solutions: bool) -> None:
    """Write all chapters as notebooks without outputs into FOLDER, for JupyterLab and for papermill itself."""
    from astsvm_lib.book.chapters import export_chapters

    click.echo(f"{len(export_chapters(folder, solutions))} notebooks in {folder}")


@click.command("book")
@click.option("--params", type=click.Path(path_type=Path), help="YAML file of parameters; book/params/ has examples.")
@click.option(
    "--jobs", type=click.IntRange(min=1), default=2, show_default=True, help="Number of chapters run in parallel."
)
@click.option("--force", is_flag=True, help="Run all chapters, not only those that have changed.")
@click.option("--solutions/--no-solutions", default=True, help="Whether to show the solutions of the exercises.")
@root_option
def book_command(params: Path | None, jobs: int, force: bool, solutions: bool, root: Path | None) -> None:
    """Run the chapters that have changed, render the book, and print where it is."""
    from astsvm_lib.book.builder import build
    from astsvm_lib.book.chapters import datasets_used
    from astsvm_lib.datasets.manifest import set_root

    if root is not None:
        set_root(datasets_used(params), root)
    click.echo(f"The book is at {build(params, jobs, force, solutions)}")
