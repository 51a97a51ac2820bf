"""Commands on stored results."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from astsvm_lib.cli.options import folds_option, json_option, print_json, results_option, root_option


@click.group()
def results_group() -> None:
    """List stored results, and verify them by computing folds again."""


@results_group.command("list")
@click.option("--dataset", metavar="ID", help="Only of this data set.")
@results_option
@json_option
def results_list(dataset: str | None, results: Path | None, as_json: bool) -> None:
    """List the stored runs with their scores; outdated ones are marked."""
    from astsvm_lib.results import Store, results_folder

    records = [r for r in Store(results_folder(results)).records() if dataset in (None, r.dataset)]
    if as_json:
        print_json(
            [
                {
                    "run": r.name,
                    "heading": r.heading,
                    "differs": r.differs,
                    "outdated": r.outdated,
                    "scores": {h: {"uar": r.scores(h).uar, "uf1": r.scores(h).uf1} for h in r.heads},
                }
                for r in records
            ]
        )
        return
    for record in records:
        found = {head: record.scores(head) for head in record.heads}
        scores = "; ".join(f"{head} UAR {s.uar:.3f} UF1 {s.uf1:.3f}" for head, s in found.items())
        old = f" OUTDATED ({'; '.join(record.outdated)})" if record.outdated else ""
        click.echo(f"{record.name} ({record.differs}): {scores}{old}")


@results_group.command("verify")
@click.argument("run")
@click.option("--folds", type=click.IntRange(min=1), help="Number of folds, evenly spaced; all by default.")
@click.option(
    "--tolerance", type=float, default=0.01, show_default=True, help="Largest accepted difference of a score."
)
@click.option("--keep", is_flag=True, help="Store the differences in reruns.csv, in the folder of records.")
@folds_option
@root_option
@results_option
@json_option
def results_verify(
    run: str,
    folds: int | None,
    tolerance: float,
    keep: bool,
    jobs: int,
    root: Path | None,
    results: Path | None,
    as_json: bool,
) -> None:
    """Compute folds of the stored run RUN again, and compare predictions and scores.

    The exit status is 0 only if every prediction agrees, and every score within the tolerance.
    """
    from astsvm_lib.experiments.verify import verify
    from astsvm_lib.results import Store, results_folder
    from astsvm_lib.results.reruns import Rerun, add_reruns

    store = Store(results_folder(results))
    if keep:
        store.check_writable()
    record = store.read(run)
    found = verify(record, folds, tolerance, jobs, root)
    reruns = [
        Rerun(run, check.head, len(found.folds), check.clips, check.changed, check.largest, check.uf1_stored,
              check.uf1_now, f"{found.environment.device}, {found.environment.processor}", found.environment.threads)
        for check in found.heads
    ]  # fmt: skip
    if keep:
        add_reruns(store.folder, reruns)
    if as_json:
        print_json({"run": run, "agrees": found.agrees, "heads": [rerun.to_dict() for rerun in reruns]})
    else:
        for rerun in reruns:
            click.echo(
                f"{rerun.head}: {rerun.changed} of {rerun.clips} predictions changed; largest difference of a score "
                f"{rerun.largest:.4f}; UF1 of these clips {rerun.uf1_stored:.3f} stored, {rerun.uf1_now:.3f} now"
            )
        for line in found.changes:
            click.echo(line)
        verdict = "agrees with the record" if found.agrees else f"differs from the record (tolerance {tolerance:g})"
        click.echo(f"{run}: {len(found.folds)} folds computed again: {verdict}")
    sys.exit(0 if found.agrees else 1)
