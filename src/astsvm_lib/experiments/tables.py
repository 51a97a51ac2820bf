"""The paper's tables as data: for each row, what is run and by which head it is read (Tables 4 to 12)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from astsvm_lib.datasets import load
from astsvm_lib.datasets.clip import Dataset
from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.majority import majority
from astsvm_lib.evaluation.scores import Scores
from astsvm_lib.evaluation.statistics import Comparison, compare, holm
from astsvm_lib.experiments.profiles import PROFILES
from astsvm_lib.experiments.record import Record
from astsvm_lib.experiments.run import Run, plan
from astsvm_lib.experiments.store import Store
from astsvm_lib.published import published
from astsvm_lib.recipe import Recipe

Changes = dict[str, dict[str, Any]]

#: Our data sets -> the paper's, in its order.
PUBLISHED_AS = {
    "casme2": "casme2", "rehearsal-casme2": "casme2",
    "smic-hs": "smic-hs", "rehearsal-smic": "smic-hs",
    "samm": "samm", "rehearsal-samm": "samm",
    "megc2019": "megc2019", "rehearsal-megc": "megc2019",
}  # fmt: skip
TITLES = {"casme2": "CASME II", "smic-hs": "SMIC-HS", "samm": "SAMM", "megc2019": "MEGC2019"}
REHEARSALS = tuple(name for name in PUBLISHED_AS if name.startswith("rehearsal-"))


@dataclass(frozen=True)
class Row:
    """One row of a table, as it is run here.

    Attributes
    ----------
    name
        What the table calls it; where the paper has such a row, as the paper prints it.
    method
        As in :data:`~astsvm_lib.methods.METHODS`; None for the commonest class of the training subjects.
    head
        Which of the method's classifiers is read.
    changes
        What differs from the recipe that is asked for.
    beyond
        Not in the paper's table.
    """

    name: str
    method: str | None
    head: str = "svm"
    changes: Changes = field(default_factory=dict)
    beyond: bool = False

    def run(self, dataset: Dataset, recipe: Recipe, profile: str, seed: int) -> Run | None:
        """What must be run for this row; None where nothing is learned."""
        if self.method is None:
            return None
        return plan(dataset, recipe.replace(**self.changes), profile, seed, self.method)


def starred(row: Row) -> str:
    """The row's name, with a star where the paper's table has no such row."""
    return row.name + ("\N{NO-BREAK SPACE}*" if row.beyond else "")


@dataclass(frozen=True)
class Table:
    """A table of the paper.

    Attributes
    ----------
    number, title
        As printed.
    rows
        In the paper's order, then what is added here.
    full
        Name of the row that all others are compared with: the whole method.
    datasets
        Rehearsals of the data sets that it is about.
    """

    number: int
    title: str
    rows: tuple[Row, ...]
    full: str = "AST+SVMNET"
    datasets: tuple[str, ...] = REHEARSALS

    def row(self, name: str) -> Row:
        """The row of this name.

        Raises
        ------
        CompanionError
            If the table has none.
        """
        for row in self.rows:
            if row.name == name:
                return row
        raise CompanionError(
            f"Table {self.number} has no row '{name}'; expected one of {', '.join(row.name for row in self.rows)}"
        )


FULL = Row("AST+SVMNET", "ast-svmnet")
FULL_OTHERS = (
    Row("AST+SVMNET (Softmax)", "ast-svmnet", "softmax", beyond=True),
    Row("AST+SVMNET (raw SVM)", "ast-svmnet", "svm-raw", beyond=True),
)
BEYOND = (
    Row("Untrained network (SVM)", "untrained", beyond=True),
    Row("Untrained network (raw SVM)", "untrained", "svm-raw", beyond=True),
    Row("Commonest class", None, beyond=True),
)


def _each_head(name: str, **changes: dict[str, Any]) -> tuple[Row, ...]:
    """The paper's two heads of a network, and the SVM on features that were not standardised (R12)."""
    return (
        Row(f"{name} (SVM)", "ast-svmnet", "svm", changes),
        Row(f"{name} (Softmax)", "ast-svmnet", "softmax", changes),
        Row(f"{name} (raw SVM)", "ast-svmnet", "svm-raw", changes, beyond=True),
    )


def _with_others(title: str, number: int, dataset: str) -> Table:
    """A table of section IV.C: the whole method beside published ones, of which some run here."""
    return Table(
        number,
        title,
        (
            Row("LBP-TOP", "lbp-top"),
            Row("Bi-WOOF", "bi-woof"),
            Row("OFF-ApexNet", "off-apexnet", "softmax"),
            Row("STSTNet", "ststnet", "softmax", beyond=True),
            Row("Ours", "ast-svmnet"),
            Row("Ours (Softmax)", "ast-svmnet", "softmax", beyond=True),
            Row("Ours (raw SVM)", "ast-svmnet", "svm-raw", beyond=True),
            *BEYOND,
        ),
        "Ours",
        (dataset,),
    )


TABLES = {
    table.number: table
    for table in (
        _with_others("Results on CASME II", 4, "rehearsal-casme2"),
        _with_others("Results on SMIC-HS", 5, "rehearsal-smic"),
        _with_others("Results on SAMM", 6, "rehearsal-samm"),
        _with_others("Results on MEGC2019", 7, "rehearsal-megc"),
        Table(
            8,
            "Hand-crafted features",
            (
                Row("LBP-TOP", "lbp-top"),
                Row("STLBP-IP", "stlbp-ip"),
                Row("BI-WOOF", "bi-woof"),
                Row("IDSF (Ours)", "ast-svmnet", "svm", {"inception": {"streams": "idsf"}}),
                Row("IDSF (Softmax)", "ast-svmnet", "softmax", {"inception": {"streams": "idsf"}}, beyond=True),
                Row("IDSF (raw SVM)", "ast-svmnet", "svm-raw", {"inception": {"streams": "idsf"}}, beyond=True),
                Row("Commonest class", None, beyond=True),
            ),
            "IDSF (Ours)",
        ),
        Table(
            9,
            "Input features",
            (
                *_each_head("Optical Flow-only", inception={"streams": "flow"}),
                *_each_head("IDSF-only", inception={"streams": "idsf"}),
                FULL,
                *FULL_OTHERS,
                *BEYOND,
            ),
        ),
        Table(
            10,
            "Attention",
            (
                *_each_head("Without FAM", attention={"modules": "none"}),
                *_each_head("CAM-only", attention={"modules": "cam"}),
                *_each_head("SAM-only", attention={"modules": "sam"}),
                FULL,
                *FULL_OTHERS,
                *BEYOND,
            ),
        ),
        Table(
            11,
            "Inception modules",
            (
                *_each_head("2D IM-only", inception={"modules": "2d"}),
                *_each_head("3D IM-only", inception={"modules": "3d"}),
                FULL,
                *FULL_OTHERS,
                *BEYOND,
            ),
        ),
        Table(12, "Classifier", (Row("FC+Softmax", "ast-svmnet", "softmax"), FULL, FULL_OTHERS[1], *BEYOND)),
    )
}


def table_numbered(number: int) -> Table:
    """The table of this number, or an error that lists them."""
    if number not in TABLES:
        raise CompanionError(f"no table {number}; expected one of {', '.join(map(str, TABLES))}")
    return TABLES[number]


def runs_of(tables: Iterable[Table], dataset: Dataset, recipe: Recipe, profile: str, seeds: Iterable[int]) -> list[Run]:
    """Every run that the tables need on a data set, each once: rows share what they can."""
    found: dict[str, Run] = {}
    for seed in seeds:
        for table in tables:
            for row in table.rows:
                run = row.run(dataset, recipe, profile, seed)
                if run is not None:
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
        One for each seed that was run; none for the commonest class, or where nothing was run.
    scores
        Of each record by the row's head, or of the commonest class.
    """

    row: Row
    records: tuple[Record, ...]
    scores: tuple[Scores, ...]

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
        run = row.run(dataset, recipe, name, 0)
        return () if run is None else tuple(store.seeds(run))

    own = [row for row in table.rows if row.method == "ast-svmnet"]
    best = max(looked, key=lambda name: sum(bool(stored(row, name)) for row in own))
    results = []
    for row in table.rows:
        if row.method is None:
            results.append(Result(row, (), (majority(dataset),)))
            continue
        names = [best] if row.method == "ast-svmnet" else looked
        records = next((found for name in names if (found := stored(row, name))), ())
        results.append(Result(row, records, tuple(record.scores(row.head) for record in records)))
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
    """Every row that was run against the full method: row less full, on the same clips.

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
    The commonest class is left out: it has no record. Holm's correction is over the rows that are returned.
    """
    ran = [result for result in results if result.records]
    full = next((result for result in ran if result.row.name == table.full), None)
    if full is None:
        return []
    whole = {r.row.head: r for r in ran if (r.row.method, r.row.changes) == (full.row.method, full.row.changes)}
    pairs = []
    for result in ran:
        if same_head and result.row.method != full.row.method:
            continue
        against = whole.get(result.row.head) if same_head else full
        if against is not None and against is not result:
            pairs.append((result, against))

    def matrices(result: Result) -> np.ndarray:
        return np.stack([record.subject_matrices(result.row.head) for record in result.records])

    found = [compare(matrices(a), matrices(b), np.random.default_rng(seed)) for a, b in pairs]
    adjusted = holm([comparison.uf1_p for comparison in found])
    return [Verdict(a.row, c, p) for (a, _), c, p in zip(pairs, found, adjusted, strict=True)]


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


def as_objects(table: Table, results: dict[str, list[Result]]) -> list[dict[str, Any]]:
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
