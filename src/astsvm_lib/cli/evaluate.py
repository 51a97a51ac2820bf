"""Commands that evaluate methods."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from astsvm_lib.cli.options import (
    folds_option,
    json_option,
    numbers,
    part_of,
    part_option,
    print_json,
    print_scores,
    read_recipe,
    recipe_option,
    records_option,
    root_option,
)
from astsvm_lib.errors import CompanionError
from astsvm_lib.experiments.profiles import PROFILES

if TYPE_CHECKING:
    from astsvm_lib.experiments import Run
    from astsvm_lib.results.record import Record
    from astsvm_lib.results.store import Store


@click.command("evaluate")
@click.option("--dataset", "--test", required=True, metavar="ID", help="Data set to test on, as in: astsvm data list.")
@click.option(
    "--train", default="", metavar="ID[,ID...]", help="Other data sets to train on, instead of all other subjects."
)
@click.option("--joint", is_flag=True, help="With --train: LOSO, in which the clips of these data sets train as well.")
@click.option(
    "--leave-out",
    type=click.Choice(["subject", "database"]),
    default="subject",
    show_default=True,
    help="What each fold leaves out; database: one part of a composite data set (holdout-database protocol).",
)
@click.option(
    "--standardise",
    type=click.Choice(["method", "corpus"]),
    default="method",
    show_default=True,
    help="Standardise as the method does; or first each input feature within each data set, without labels.",
)
@click.option(
    "--profile",
    type=click.Choice(list(PROFILES)),
    default="paper",
    show_default=True,
    help="; ".join(f"{p.name}: {p.purpose}" for p in PROFILES.values()) + ".",
)
@click.option("--method", default="ast-svmnet", show_default=True, metavar="NAME", help="As in: astsvm methods.")
@recipe_option
@click.option(
    "--settings",
    "settings_file",
    type=click.Path(path_type=Path),
    help="Settings of the method; its defaults by default.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@folds_option
@root_option
@records_option
@click.option("--overwrite", is_flag=True, help="Run again even if a record is stored.")
@json_option
def evaluate_command(
    dataset: str,
    train: str,
    joint: bool,
    leave_out: Literal["subject", "database"],
    standardise: Literal["method", "corpus"],
    profile: str,
    method: str,
    recipe_file: Path | None,
    settings_file: Path | None,
    seed: int,
    jobs: int,
    root: Path | None,
    out: Path,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Evaluate a method by leave-one-subject-out or across data sets, and store a record.

    The default is the paper's method: train the network, then fit the SVM to its features. Other methods are
    listed by: astsvm methods. With --train, the method is trained once on other data sets and tested on all clips
    of --test.
    """
    from astsvm_lib.datasets import load_several
    from astsvm_lib.evaluation.protocol import Protocol
    from astsvm_lib.experiments import evaluate, is_current, plan
    from astsvm_lib.methods import method_named
    from astsvm_lib.results.store import Store

    settings = method_named(method).settings.from_yaml(settings_file) if settings_file else None
    others = tuple(name.strip() for name in train.split(",")) if train.strip() else ()
    if not others and joint:
        raise CompanionError("--joint: expected other data sets to train on, found none; name them with --train")
    if others and leave_out == "database" and not joint:
        raise CompanionError(
            "--leave-out database: nothing is left out with --train alone; add --joint or omit --train"
        )
    protocol = Protocol(leave_out, others, joint, standardise)
    tested, *training = load_several((dataset, *others), root)
    run = plan(tested, read_recipe(recipe_file), profile, seed, method, settings, protocol, training)
    store = Store(out)
    stored = not overwrite and is_current(run, store)
    record = evaluate(run, jobs, store, overwrite=overwrite)
    scores = {head: record.scores(head) for head in record.heads}
    if as_json:
        heads = {
            head: {"uar": s.uar, "uf1": s.uf1, "confusion_matrix": s.matrix.tolist()} for head, s in scores.items()
        }
        about = {"record": record.name, "heading": record.heading, "protocol": record.protocol, "method": method}
        print_json({**about, "classes": record.classes, **heads})
        return
    amount = f", {record.epochs} epochs" if record.epochs else ""
    click.echo(f"{record.heading}, {run.method.title}: {len(record.clips)} clips, {_folds(record)}{amount}")
    for head, found in scores.items():
        print_scores(found, run.method.heads[head])
    click.echo(f"\n{record.device}, {record.processor}; {record.seconds:.0f} s of folds")
    where = "already stored, use --overwrite to run it again" if stored else "record"
    click.echo(f"{where}: {record.name} in {out}")


def _folds(record: Record) -> str:
    """Number of subjects or folds, or a protocol other than LOSO, for the first line of the output."""
    from astsvm_lib.evaluation.protocol import LOSO

    if record.protocol != LOSO.text:
        return record.protocol
    lone = {fold.name for fold in record.folds} == {clip.subject for clip in record.clips}
    return f"{len(record.folds)} {'subjects' if lone else 'folds'}"


@click.command("run")
@click.option(
    "--table", "number", default="all", show_default=True, metavar="N|all", help="Number of a table, 4 to 12."
)
@click.option(
    "--dataset", "names", multiple=True, required=True, metavar="ID", help="Data set; may be given more than once."
)
@click.option("--profile", type=click.Choice(list(PROFILES)), default="paper", show_default=True)
@click.option("--seeds", default="0", show_default=True, metavar="0,1,2", help="Seeds; a separate run for each.")
@recipe_option
@folds_option
@click.option("--backend", type=click.Choice(["tensorflow", "jax", "torch"]), help="Keras backend.")
@click.option("--scheduler", metavar="ADDRESS", help="Address of a Dask scheduler; 'local' starts --jobs workers.")
@part_option
@root_option
@records_option
@click.option("--dry-run", is_flag=True, help="List the runs without computing them.")
def run_command(
    number: str,
    names: tuple[str, ...],
    profile: str,
    seeds: str,
    recipe_file: Path | None,
    jobs: int,
    backend: str | None,
    scheduler: str | None,
    part: str,
    root: Path | None,
    out: Path,
    dry_run: bool,
) -> None:
    """Run everything that the paper's tables need, each network once.

    Stored runs are skipped, and interrupted runs are resumed. Tables 9 to 12 together require eight networks.
    """
    if backend:
        os.environ["KERAS_BACKEND"] = backend
    from astsvm_lib.datasets import load
    from astsvm_lib.experiments.table_results import runs_of
    from astsvm_lib.paper.tables import TABLES, table_numbered
    from astsvm_lib.results.store import Store

    if number != "all" and not number.isdigit():
        raise CompanionError(f"--table: expected a number or 'all', found '{number}'")
    tables = list(TABLES.values()) if number == "all" else [table_numbered(int(number))]
    chosen, store = read_recipe(recipe_file), Store(out)
    runs = []
    for name in names:
        runs += runs_of(tables, load(name, root), chosen, profile, list(dict.fromkeys(numbers("--seeds", seeds))))
    _compute(_waiting(part_of(runs, part), store, dry_run), store, jobs, dry_run, scheduler)


def _waiting(runs: list[Run], store: Store, listed: bool) -> list[Run]:
    """The runs without a current record; they are counted, and listed if ``listed``."""
    from astsvm_lib.experiments import is_current

    waiting = [run for run in runs if not is_current(run, store)]
    click.echo(f"{len(runs)} runs, {len(runs) - len(waiting)} of them stored in {store.folder}")
    for run in waiting if listed else []:
        click.echo(f"  {run.name}")
    return waiting


def _compute(waiting: list[Run], store: Store, jobs: int, dry_run: bool, scheduler: str | None = None) -> None:
    """Evaluate the runs, and print a line for each."""
    from astsvm_lib.experiments import evaluate
    from astsvm_lib.experiments.executors import connected
    from astsvm_lib.experiments.time_left import TimeLeft

    if dry_run:
        return
    clock = TimeLeft(waiting)
    with ExitStack() as stack:
        if scheduler:  # submit all runs at once, so that every worker is busy
            client = stack.enter_context(connected(scheduler, jobs))
            pool = stack.enter_context(ThreadPoolExecutor(max(1, len(waiting))))
            futures = {pool.submit(evaluate, run, 1, store, progress=False, client=client): run for run in waiting}
            finished: Iterator[tuple[Run, Record]] = ((futures[f], f.result()) for f in as_completed(futures))
        else:
            finished = ((run, evaluate(run, jobs, store)) for run in waiting)
        for count, (run, record) in enumerate(finished, 1):
            found = {head: record.scores(head) for head in record.heads}
            scores = "; ".join(f"{head} UAR {s.uar:.3f} UF1 {s.uf1:.3f}" for head, s in found.items())
            click.echo(f"{count} of {len(waiting)}, {clock.finished(run)}: {record.name}: {scores}")


@click.command("study")
@click.argument("name")
@click.option("--seeds", default="0", show_default=True, metavar="0,1,2", help="Seeds; a separate run for each.")
@part_option
@folds_option
@root_option
@records_option
@click.option("--dry-run", is_flag=True, help="List the runs without computing them.")
def study_command(name: str, seeds: str, part: str, jobs: int, root: Path | None, out: Path, dry_run: bool) -> None:
    """Run all runs of a study.

    NAME is convergence, development or multiverse, on the development data, on which all defaults were chosen; or
    real-motion or real-motion-networks, on published flow maps of real clips, whose folder --root names. Stored
    runs are skipped, and interrupted runs are resumed. The features of all recipes of a study on the development
    data are kept in the cache, up to 20 GB.
    """
    from astsvm_lib.datasets.manifest import set_root
    from astsvm_lib.experiments.real_motion import REAL
    from astsvm_lib.experiments.studies import study_named
    from astsvm_lib.features.pipeline import extract_recipes
    from astsvm_lib.results.store import Store
    from astsvm_lib.stages import upstream

    if root is not None:
        set_root([REAL], root)
    study, store = study_named(name), Store(out)
    chosen = list(dict.fromkeys(numbers("--seeds", seeds)))
    runs = part_of(list({run.name: run for seed in chosen for run in study.runs(seed)}.values()), part)
    waiting = _waiting(runs, store, dry_run)
    networks = [run for run in waiting if run.method.uses_network and "features" in upstream([run.method.stage])]
    if networks and not dry_run:
        extract_recipes(networks[0].clips, [run.recipe for run in networks], jobs=jobs)
    _compute(waiting, store, jobs, dry_run)


@click.command("methods")
@click.argument("name", required=False)
@json_option
def methods_command(name: str | None, as_json: bool) -> None:
    """List the methods that evaluate can run, or print a method's settings.

    Save the settings, change a line, and pass them to evaluate with --settings.
    """
    from astsvm_lib.methods import METHODS, method_named

    if name is not None:
        settings = method_named(name).settings()
        if as_json:
            print_json(settings.to_dict())
        else:
            click.echo(settings.to_yaml().rstrip() if settings.to_dict() else f"{name} is set by the recipe alone")
        return
    if as_json:
        print_json([{"name": m.name, "title": m.title, "paper": m.paper, "inputs": m.inputs} for m in METHODS.values()])
        return
    for method in METHODS.values():
        click.echo(f"{method.name}: {method.title}; {method.inputs}")
