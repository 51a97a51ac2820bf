"""Rows of the paper's tables from stored records, and their comparison with the full method."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from astsvm_lib.datasets import load
from astsvm_lib.datasets.clip import Dataset
from astsvm_lib.evaluation.scores import Scores
from astsvm_lib.evaluation.statistics import Comparison, compare, holm
from astsvm_lib.experiments.run import Run, plan
from astsvm_lib.methods import method_named
from astsvm_lib.paper.published import published
from astsvm_lib.paper.tables import PUBLISHED_AS, Row, Table
from astsvm_lib.recipe import Recipe
from astsvm_lib.results.record import Record
from astsvm_lib.results.store import Store


def row_of_own(name: str) -> Row:
    """Row of a table for a class of one's own.

    Parameters
    ----------
    name
        ``module:Class``, or the name that an installed package declares.

    Raises
    ------
    CompanionError
        If there is no such class.
    """
    method = method_named(name)
    return Row(method.title, method.name, next(iter(method.heads)), beyond=True)


def run_of(row: Row, dataset: Dataset, recipe: Recipe, profile: str, seed: int = 0) -> Run:
    """The run that a row of a table requires.

    Parameters
    ----------
    row
        Row of a table.
    dataset
        Data set to evaluate on.
    recipe
        Recipe to which the row's changes are applied.
    profile
        Name of the profile.
    seed
        Seed of the run.

    Raises
    ------
    CompanionError
        If the profile is unknown.
    """
    return plan(dataset, recipe.replace(**row.changes), profile, seed, row.method)


def runs_of(tables: Iterable[Table], dataset: Dataset, recipe: Recipe, profile: str, seeds: Iterable[int]) -> list[Run]:
    """All runs that tables require on a data set, without duplicates: rows that differ in the head share a run.

    A method without a network has no random numbers, so that it is run for the first seed only.

    Parameters
    ----------
    tables
        Tables of the paper.
    dataset, recipe, profile
        As for :func:`run_of`.
    seeds
        Seeds; each is a run of its own.

    Returns
    -------
    list of Run
        In the order of seeds, tables and rows.

    Raises
    ------
    CompanionError
        If the profile is unknown.
    """
    found: dict[str, Run] = {}
    for number, seed in enumerate(seeds):
        for table in tables:
            for row in table.rows:
                run = run_of(row, dataset, recipe, profile, seed)
                if number == 0 or run.method.uses_network:
                    found.setdefault(run.name, run)
    return list(found.values())


@dataclass(frozen=True)
class Result:
    """Stored results of a row on a data set.

    Attributes
    ----------
    row
        Row of a table.
    records
        One record for each seed that was run.
    """

    row: Row
    records: tuple[Record, ...]

    @property
    def scores(self) -> tuple[Scores, ...]:
        """Scores of each record for the row's head."""
        return tuple(record.scores(self.row.head) for record in self.records)

    @property
    def predicts_one_class(self) -> bool:
        """Whether each record assigns the same class to all clips."""
        return bool(self.scores) and all((s.matrix.sum(0) > 0).sum() == 1 for s in self.scores)

    @property
    def outdated(self) -> list[str]:
        """Stages whose current version differs from that of a record, as ``name 1 -> 2``."""
        return sorted({stage for record in self.records for stage in record.outdated})

    @property
    def uar(self) -> float | None:
        """Mean UAR over the seeds; None if the row was not run."""
        return float(np.mean([s.uar for s in self.scores])) if self.scores else None

    @property
    def uf1(self) -> float | None:
        """Mean UF1 over the seeds; None if the row was not run."""
        return float(np.mean([s.uf1 for s in self.scores])) if self.scores else None

    @property
    def spread(self) -> float | None:
        """Standard deviation of UF1 over the seeds; None for fewer than two seeds."""
        return float(np.std([s.uf1 for s in self.scores], ddof=1)) if len(self.scores) > 1 else None


def matrices_of(result: Result) -> np.ndarray:
    """Confusion matrix of each subject for each record of a row, (seeds, S, N_c, N_c)."""
    return np.stack([record.subject_matrices(result.row.head) for record in result.records])


def results_of(
    table: Table, dataset: Dataset, store: Store, recipe: Recipe | None = None, profile: str = "paper"
) -> list[Result]:
    """Results of all rows of a table on a data set, from stored records.

    Parameters
    ----------
    table
        Table of the paper.
    dataset
        Data set of the records.
    store
        Stored records.
    recipe
        Recipe of the full method; the default recipe by default.
    profile
        Name of the profile; all rows are read from it, so that their budgets are comparable.

    Returns
    -------
    list of Result
        One per row of the table, in its order.

    Raises
    ------
    CompanionError
        If the profile is unknown.
    """
    runs = [run_of(row, dataset, recipe or Recipe(), profile) for row in table.rows]
    stored = {run.name: tuple(store.seeds(run.key, run.data, outdated=True)) for run in runs}
    return [Result(row, stored[run.name]) for row, run in zip(table.rows, runs, strict=True)]


def results_with_rehearsals(
    table: Table, dataset: Dataset, store: Store, recipe: Recipe | None = None
) -> dict[str, list[Result]]:
    """Results on a data set and, if it is a rehearsal, on all rehearsals of the table for which records are stored.

    Real and rendered data are never combined in one table.

    Parameters
    ----------
    table, dataset, store, recipe
        As for :func:`results_of`.

    Returns
    -------
    dict of str to list of Result
        By data set, ``dataset`` first.
    """
    results = {dataset.manifest.id: results_of(table, dataset, store, recipe)}
    if dataset.manifest.rehearsal:
        for name in table.datasets:
            if name not in results:
                found = results_of(table, load(name), store, recipe)
                if any(result.records for result in found):
                    results[name] = found
    return results


@dataclass(frozen=True)
class Verdict:
    """Comparison of a row with another row, usually that of the full method.

    Attributes
    ----------
    row, against
        The two rows; differences are ``row`` minus ``against``.
    comparison
        Differences of the scores, over the same clips.
    p
        p-value of the difference of UF1, adjusted by Holm's method within the table.
    one_class
        Labels of those of the two rows that assign the same class to all clips.
    """

    row: Row
    against: Row
    comparison: Comparison
    p: float
    one_class: tuple[str, ...] = ()


def compared(table: Table, results: list[Result], same_head: bool = False, seed: int = 0) -> list[Verdict]:
    """Compare each row that was run with the full method on the same clips: row minus full method.

    Parameters
    ----------
    table
        Table of the paper.
    results
        Results of its rows on one data set.
    same_head
        Compare each row of the paper's network with the full network under the row's own head, so that the
        classifier does not affect the comparison; rows of other methods are omitted. By default, each row is
        compared with the row ``table.full``.
    seed
        Seed of the bootstrap over subjects and of the sign-flip test.

    Returns
    -------
    list of Verdict
        One per row that was compared; empty if the full method was not run.

    Notes
    -----
    The majority class is omitted, as are rows with outdated records (see :func:`not_compared`). Holm's correction is
    applied over the rows returned.
    """
    ran = [r for r in results if r.records and not r.outdated and r.row.method != "majority"]
    full = next((result for result in ran if result.row.name == table.full), None)
    if full is None:
        return []
    by_head = {r.row.head: r for r in ran if (r.row.method, r.row.changes) == (full.row.method, full.row.changes)}
    pairs = []
    for result in ran:
        if same_head and result.row.method != full.row.method:
            continue
        against = by_head.get(result.row.head) if same_head else full
        if against is not None and against is not result:
            pairs.append((result, against))

    found = [compare(matrices_of(a), matrices_of(b), np.random.default_rng(seed)) for a, b in pairs]
    adjusted = holm([comparison.uf1_p for comparison in found])
    return [
        Verdict(a.row, b.row, c, p, tuple(r.row.name for r in (a, b) if r.predicts_one_class))
        for (a, b), c, p in zip(pairs, found, adjusted, strict=True)
    ]


def compared_together(results: dict[str, list[Result]], row: str, against: str, seed: int = 0) -> dict[str, Comparison]:
    """Compare two rows of a table on each data set, and on all data sets together.

    Parameters
    ----------
    results
        Results of the rows of one table by data set; data sets on which one of the two rows was not run, or only with
        outdated versions, are omitted.
    row, against
        Names of the rows; differences are ``row`` minus ``against``.
    seed
        Seed of the bootstrap over subjects and of the sign-flip test.

    Returns
    -------
    dict of str to Comparison
        By data set; then, for several data sets without a composite among them, ``"together"``: one confusion matrix
        over the clips of all of them.
    """
    found, parts = {}, []
    for name, rows in results.items():
        pair = [r for wanted in (row, against) for r in rows if r.row.name == wanted and r.records and not r.outdated]
        if len(pair) == 2:
            first, second = (matrices_of(result) for result in pair)
            found[name] = compare(first, second, np.random.default_rng(seed))
            if not load(name).manifest.parts:
                parts.append((first, second))
    if len(parts) > 1:
        first, second = (_stacked([part[side] for part in parts]) for side in (0, 1))
        found["together"] = compare(first, second, np.random.default_rng(seed))
    return found


def overall(found: dict[str, Comparison]) -> tuple[str, Comparison] | None:
    """The comparison on all data sets together, or on the only one, and the name of the data.

    Parameters
    ----------
    found
        As from :func:`compared_together`.

    Returns
    -------
    tuple or None
        None if nothing was compared.
    """
    if not found:
        return None
    name = "together" if "together" in found else next(iter(found))
    return ("all data sets together" if name == "together" else name), found[name]


def _stacked(matrices: list[np.ndarray]) -> np.ndarray:
    """Matrices of several data sets, (seeds, S, N_c, N_c) each, as those of one; as many seeds as all have."""
    seeds = min(map(len, matrices))
    return np.concatenate([part[:seeds] for part in matrices], axis=1)


def not_compared(results: list[Result]) -> list[str]:
    """Rows that :func:`compared` omits because their records are outdated.

    Parameters
    ----------
    results
        Results of the rows of a table on one data set.

    Returns
    -------
    list of str
        One sentence per row, with the stages and their versions.
    """
    return [
        f"{result.row.name} is not compared: outdated ({'; '.join(result.outdated)})"
        for result in results
        if result.outdated
    ]


def compared_each(table: Table, results: dict[str, list[Result]], same_head: bool = False) -> dict[str, list[Verdict]]:
    """Compare the rows of a table on several data sets.

    Parameters
    ----------
    table
        Table of the paper.
    results
        Results of its rows by data set.
    same_head
        As for :func:`compared`.

    Returns
    -------
    dict of str to list of Verdict
        By data set; data sets without a comparison are omitted.
    """
    each = {name: compared(table, found, same_head) for name, found in results.items()}
    return {name: verdicts for name, verdicts in each.items() if verdicts}


def claims(
    tables: Iterable[Table], dataset: Dataset, store: Store, recipe: Recipe | None = None, same_head: bool = False
) -> dict[str, dict[str, Verdict]]:
    """Compare the paper's rows of several tables with the full method.

    The paper claims for all of them that UF1 is lower than that of the full method. Rows that the paper's tables
    do not have are omitted.

    Parameters
    ----------
    tables
        Tables of the paper.
    dataset, store, recipe
        As for :func:`results_with_rehearsals`, which selects the data sets.
    same_head
        As for :func:`compared`.

    Returns
    -------
    dict of str to dict of str to Verdict
        By data set, then by row as ``"Table N: row"``.
    """
    found: dict[str, dict[str, Verdict]] = {}
    for table in tables:
        for name, verdicts in compared_each(
            table, results_with_rehearsals(table, dataset, store, recipe), same_head
        ).items():
            rows = {f"Table {table.number}: {v.row.name}": v for v in verdicts if not v.row.beyond}
            found.setdefault(name, {}).update(rows)
    return found


def table_records(table: Table, results: dict[str, list[Result]]) -> list[dict[str, Any]]:
    """Both blocks of a table as plain values.

    Parameters
    ----------
    table
        Table of the paper.
    results
        Results of its rows by data set. The published block contains the same data sets.

    Returns
    -------
    list of dict
        Published rows, then the companion's. All have ``block``, ``dataset``, ``row``, ``uar`` and ``uf1``; the
        companion's also ``profile``, ``epochs``, ``seeds``, ``current`` (False for a row without a record, or with one
        made by other versions of a stage) and ``records``.
    """
    wanted = {PUBLISHED_AS[name] for name in results if name in PUBLISHED_AS}
    rows = published(table.number)
    block: list[dict[str, Any]] = [
        {
            "block": "published",
            "dataset": r.dataset,
            "row": r.method,
            "uar": r.uar,
            "uf1": r.uf1,
        }
        for r in rows[rows["dataset"].isin(wanted)].itertuples()
    ]
    for name, found in results.items():
        block += [
            {
                "block": "companion",
                "dataset": name,
                "row": result.row.name,
                "uar": result.uar,
                "uf1": result.uf1,
                "profile": result.records[0].profile if result.records else None,
                "epochs": result.records[0].epochs if result.records else None,
                "seeds": [record.seed for record in result.records],
                "current": bool(result.records) and not result.outdated,
                "records": [record.name for record in result.records],
            }
            for result in found
        ]
    return block
