"""The rows of the paper's tables from stored records, and their comparison with the full method."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from astsvm_lib.datasets import load
from astsvm_lib.datasets.clip import Dataset
from astsvm_lib.evaluation.scores import Scores
from astsvm_lib.evaluation.statistics import Comparison, compare, holm
from astsvm_lib.experiments.profiles import PROFILES
from astsvm_lib.experiments.run import Run, plan
from astsvm_lib.paper.published import published
from astsvm_lib.paper.tables import PUBLISHED_AS, Row, Table
from astsvm_lib.recipe import Recipe
from astsvm_lib.results.record import Record, mixed_versions
from astsvm_lib.results.store import Store


def run_of(row: Row, dataset: Dataset, recipe: Recipe, profile: str, seed: int = 0) -> Run:
    """What must be run for a row."""
    return plan(dataset, recipe.replace(**row.changes), profile, seed, row.method)


def runs_of(tables: Iterable[Table], dataset: Dataset, recipe: Recipe, profile: str, seeds: Iterable[int]) -> list[Run]:
    """Every run that the tables need on a data set, each once: rows share what they can."""
    found: dict[str, Run] = {}
    for seed in seeds:
        for table in tables:
            for row in table.rows:
                run = run_of(row, dataset, recipe, profile, seed)
                found.setdefault(run.name, run)
    return list(found.values())


@dataclass(frozen=True)
class Result:
    """What is known of a row on a data set.

    Attributes
    ----------
    row
        The row.
    records
        One for each seed that was run.
    """

    row: Row
    records: tuple[Record, ...]

    @property
    def scores(self) -> tuple[Scores, ...]:
        """Of each record by the row's head."""
        return tuple(record.scores(self.row.head) for record in self.records)

    @property
    def outdated(self) -> list[str]:
        """Stages that have another version now than in one of the records."""
        return sorted({stage for record in self.records for stage in record.outdated})

    @property
    def uar(self) -> float | None:
        """Mean over the seeds; None where nothing was run."""
        return float(np.mean([s.uar for s in self.scores])) if self.scores else None

    @property
    def uf1(self) -> float | None:
        """Mean over the seeds; None where nothing was run."""
        return float(np.mean([s.uf1 for s in self.scores])) if self.scores else None

    @property
    def spread(self) -> float | None:
        """Standard deviation of UF1 over the seeds; None for fewer than two."""
        return float(np.std([s.uf1 for s in self.scores], ddof=1)) if len(self.scores) > 1 else None


def results_of(
    table: Table, dataset: Dataset, store: Store, recipe: Recipe | None = None, profile: str | None = None
) -> list[Result]:
    """The companion's rows of a table, from stored records.

    Parameters
    ----------
    recipe
        The default one otherwise.
    profile
        Read this profile's records only. Otherwise rows of the paper's network are all read from one profile,
        the one with most of them (of two alike, the one with more epochs), so that they compare; another
        method's row is read from the profile with most epochs that has it.
    """
    recipe = recipe or Recipe()
    whole = [p.name for p in sorted(PROFILES.values(), key=lambda p: -p.epochs) if p.subjects is None]
    looked = [profile] if profile else whole

    def stored(row: Row, name: str) -> tuple[Record, ...]:
        run = run_of(row, dataset, recipe, name)
        return tuple(store.seeds(run.key, dataset.fingerprint, outdated=True))

    own = [row for row in table.rows if row.method == "ast-svmnet"]
    best = max(looked, key=lambda name: sum(bool(stored(row, name)) for row in own))
    results = []
    for row in table.rows:
        names = [best] if row.method == "ast-svmnet" else looked
        records = next((found for name in names if (found := stored(row, name))), ())
        results.append(Result(row, records))
    return results


def results_with_rehearsals(
    table: Table, dataset: Dataset, store: Store, recipe: Recipe | None = None
) -> dict[str, list[Result]]:
    """The rows on a data set; if it is a rehearsal, also on those of the table's others where something was run.

    Real and rendered data never stand in one table.
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
    """A row beside the full method: the difference, and its p-value by Holm's correction within the table."""

    row: Row
    comparison: Comparison
    p: float


def compared(table: Table, results: list[Result], same_head: bool = False, seed: int = 0) -> list[Verdict]:
    """Every row that was run, compared with the full method: row minus full method, on the same clips.

    Parameters
    ----------
    same_head
        Compare each of the network's rows with the full network read by the row's own head, which takes the
        classifier out of the question; rows of other methods are left out. Otherwise each row is compared with
        the full method as the paper names it.
    seed
        Of the drawing of subjects and sides.

    Notes
    -----
    The majority class is left out, and so are rows whose records were made by other versions of a stage than the
    full method's (:func:`refusals` names them). Holm's correction is over the rows that are returned.
    """
    ran = [result for result in results if result.records and result.row.method != "majority"]
    full = next((result for result in ran if result.row.name == table.full), None)
    if full is None:
        return []
    by_head = {r.row.head: r for r in ran if (r.row.method, r.row.changes) == (full.row.method, full.row.changes)}
    pairs = []
    for result in ran:
        if same_head and result.row.method != full.row.method:
            continue
        against = by_head.get(result.row.head) if same_head else full
        if against is not None and against is not result and not mixed_versions(*result.records, *against.records):
            pairs.append((result, against))

    def matrices(result: Result) -> np.ndarray:
        return np.stack([record.subject_matrices(result.row.head) for record in result.records])

    found = [compare(matrices(a), matrices(b), np.random.default_rng(seed)) for a, b in pairs]
    adjusted = holm([comparison.uf1_p for comparison in found])
    return [Verdict(a.row, c, p) for (a, _), c, p in zip(pairs, found, adjusted, strict=True)]


def refusals(table: Table, results: list[Result]) -> list[str]:
    """Rows that are not compared with the full method because records of different versions must not be."""
    full = next((result for result in results if result.row.name == table.full), None)
    lines = []
    for result in results:
        mixed = mixed_versions(*result.records, *full.records) if full and result.records and full.records else []
        if mixed:
            lines.append(f"{result.row.name} is not compared with {table.full}: versions differ ({'; '.join(mixed)})")
    return lines


def compared_each(table: Table, results: dict[str, list[Result]], same_head: bool = False) -> dict[str, list[Verdict]]:
    """As :func:`compared`, by data set; those on which there is nothing to compare are left out."""
    each = {name: compared(table, found, same_head) for name, found in results.items()}
    return {name: verdicts for name, verdicts in each.items() if verdicts}


def claims(
    tables: Iterable[Table], dataset: Dataset, store: Store, recipe: Recipe | None = None, same_head: bool = False
) -> dict[str, dict[str, Verdict]]:
    """The paper's rows of several tables against the full method, by data set and "Table N: row".

    The paper's claim is the same for all: without a part, or with another method, UF1 falls. Rows beyond the
    paper's are left out; data sets are those of :func:`results_with_rehearsals`.
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
    """Both blocks of a table as plain values: the published one, then the companion's.

    Parameters
    ----------
    results
        By data set. The published block holds the same data sets.
    """
    wanted = {PUBLISHED_AS[name] for name in results if name in PUBLISHED_AS}
    rows = published(table.number)
    block: list[dict[str, Any]] = [
        {"block": "published", "dataset": r.dataset, "row": r.method, "uar": r.uar, "uf1": r.uf1, "records": []}
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
                "records": [record.name for record in result.records],
            }
            for result in found
        ]
    return block
