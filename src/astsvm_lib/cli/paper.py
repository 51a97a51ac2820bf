"""Commands for the paper's published results."""

from __future__ import annotations

from pathlib import Path

import click

from astsvm_lib.cli.options import (
    json_option,
    numbers,
    print_json,
    read_recipe,
    recipe_option,
    results_option,
    root_option,
)
from astsvm_lib.experiments.profiles import PROFILES


@click.command("attainable")
@click.option("--sizes", required=True, metavar="70,51,43", help="Number of clips of each of the three classes.")
@click.option("--uar", type=float, required=True)
@click.option("--uf1", type=float, required=True)
@click.option(
    "--decimals", type=click.IntRange(1, 6), default=3, show_default=True, help="Number of decimals of both scores."
)
@json_option
def attainable_command(sizes: str, uar: float, uf1: float, decimals: int, as_json: bool) -> None:
    """Check whether any confusion matrix has both this UAR and this UF1.

    An exact search over the confusion matrices of three classes.
    """
    from astsvm_lib.paper.attainable import attainable

    answer = attainable(numbers("--sizes", sizes), uar, uf1, decimals)
    matrix = None if answer.matrix is None else answer.matrix.tolist()
    if as_json:
        print_json({"possible": answer.possible, "confusion_matrix": matrix, "uf1_range": answer.uf1_range})
        return
    about = f"UAR {uar:.{decimals}f} and UF1 {uf1:.{decimals}f} with classes of {sizes} clips"
    click.echo(f"{about}: {'possible' if answer.possible else 'not possible'}")
    if matrix:
        click.echo("one confusion matrix that has both (row = truth):")
        for row in matrix:
            click.echo("".join(f"{count:>6}" for count in row))
    if answer.uf1_range is None:
        click.echo("no confusion matrix of these class sizes has this UAR")
    else:
        least, most = answer.uf1_range
        click.echo(f"with this UAR, UF1 lies between {least:.{decimals}f} and {most:.{decimals}f}")


@click.command("table")
@click.argument("number", type=int)
@click.option("--dataset", "names", multiple=True, metavar="ID", help="Data set; by default the rehearsal of each.")
@click.option("--profile", type=click.Choice(list(PROFILES)), default="paper", show_default=True)
@recipe_option
@root_option
@results_option
@click.option(
    "--with", "own", multiple=True, metavar="module:Class", help="Add a row with a method of your own; repeatable."
)
@click.option("--format", "form", type=click.Choice(["md", "csv", "latex", "json"]), default="md", show_default=True)
def table_command(
    number: int,
    names: tuple[str, ...],
    profile: str,
    recipe_file: Path | None,
    root: Path | None,
    results: Path | None,
    own: tuple[str, ...],
    form: str,
) -> None:
    """Print a table of the paper with the published and the companion's results.

    NUMBER is 4 to 12. Published and own results are printed in separate blocks; Tables 4 to 7 also have one of
    results on published flow maps of the real clips.
    """
    from astsvm_lib.datasets import load
    from astsvm_lib.experiments.real_motion import real_results
    from astsvm_lib.experiments.table_results import results_of, row_of_own, table_records
    from astsvm_lib.paper.tables import table_numbered
    from astsvm_lib.report.tables import real_records, render_table
    from astsvm_lib.results import Store, results_folder

    table = table_numbered(number).with_rows([row_of_own(name) for name in own])
    store, chosen = Store(results_folder(results)), read_recipe(recipe_file)
    found = {name: results_of(table, load(name, root), store, chosen, profile) for name in names or table.datasets}
    real = real_results(number, store)
    if form == "json":
        print_json([*table_records(table, found), *real_records(real)])
    else:
        click.echo(render_table(table, found, form, real), nl=False)
