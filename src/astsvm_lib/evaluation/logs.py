"""Scores of any LOSO log: a CSV file with one row per clip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.scores import Scores, fold_mean, score


@dataclass(frozen=True)
class LogScores:
    """Scores of a log.

    Attributes
    ----------
    pooled
        Over all rows: the scores to report.
    per_group
        Over the rows of each group, such as each data set of a composite.
    fold_mean_uar, fold_mean_uf1
        Mean of the scores of the single subjects, for comparison only: not a valid summary. None without a
        subject column.
    unknown_labels
        Predicted labels that do not occur among the true labels; such rows count as misses.
    """

    pooled: Scores
    per_group: dict[str, Scores]
    fold_mean_uar: float | None
    fold_mean_uf1: float | None
    unknown_labels: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The scores as plain values for JSON."""
        return {
            "uar": self.pooled.uar,
            "uf1": self.pooled.uf1,
            "clips": int(self.pooled.matrix.sum()),
            "classes": list(self.pooled.classes),
            "confusion_matrix": self.pooled.matrix.tolist(),
            "per_class": self.pooled.per_class,
            "per_group": {
                name: {"uar": s.uar, "uf1": s.uf1, "clips": int(s.matrix.sum())} for name, s in self.per_group.items()
            },
            "fold_mean_uar": self.fold_mean_uar,
            "fold_mean_uf1": self.fold_mean_uf1,
        }


def score_log(
    path: Path, truth: str, prediction: str, subject: str | None = None, group: str | None = None
) -> LogScores:
    """Score a CSV log.

    Parameters
    ----------
    path
        CSV file with a header line; every value is read as text.
    truth, prediction, subject, group
        Names of columns. With ``group``, subjects of different groups may have the same name.

    Raises
    ------
    CompanionError
        If the file is not a CSV table, lacks a column, has no rows, or a cell is empty.
    """
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    except FileNotFoundError:
        raise CompanionError(f"{path}: no such file; expected a CSV file with one row per clip") from None
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise CompanionError(f"{path}: not a readable CSV table ({error})") from None
    wanted = [name for name in (truth, prediction, subject, group) if name is not None]
    missing = [name for name in wanted if name not in table.columns]
    if missing:
        raise CompanionError(
            f"{path}: no column {', '.join(map(repr, missing))}; the columns are {', '.join(map(repr, table.columns))}"
        )
    if table.empty:
        raise CompanionError(f"{path}: expected one row per clip, found only the header")
    table = table[list(dict.fromkeys(wanted))].apply(lambda column: column.str.strip())
    for name in wanted:
        empty = table.index[table[name] == ""]
        if len(empty):
            raise CompanionError(f"{path}, line {empty[0] + 2}: column {name!r} is empty; fill it in")

    classes = sorted(table[truth].unique())
    unknown_labels = sorted(set(table[prediction]) - set(classes))
    labels = [*classes, *unknown_labels]

    def of(rows: pd.DataFrame) -> Scores:
        return score(list(rows[truth]), list(rows[prediction]), labels)

    uar = uf1 = None
    if subject is not None:
        subjects = table[subject] if group is None or group == subject else table[group] + "/" + table[subject]
        uar, uf1 = fold_mean(list(table[truth]), list(table[prediction]), list(subjects), labels)
    groups = {} if group is None else {str(name): of(rows) for name, rows in table.groupby(group)}
    return LogScores(of(table), groups, uar, uf1, tuple(unknown_labels))
