"""Stored results as tidy data frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from astsvm_lib.results.files import COLUMNS
from astsvm_lib.results.record import Record
from astsvm_lib.results.store import Store


def _about(record: Record) -> dict[str, Any]:
    """Columns of the run."""
    return {
        "run": record.name, "dataset": record.dataset, "rehearsal": record.rehearsal, "method": record.method,
        "differs": record.differs, "profile": record.profile, "epochs": record.epochs, "seed": record.seed,
        "outdated": bool(record.outdated),
    }  # fmt: skip


def runs(folder: Path | None = None) -> pd.DataFrame:
    """The table ``runs.csv``, with one row per run.

    Parameters
    ----------
    folder
        Folder of records; see :func:`~astsvm_lib.results.store.results_folder` for the default.

    Raises
    ------
    CompanionError
        If there is no folder of records, or the file is damaged.
    """
    table = pd.DataFrame(list(Store(folder).rows().values()), columns=list(COLUMNS))
    for column in ("epochs", "seed", "folds", "clips", "threads"):
        table[column] = table[column].astype(int)
    table["seconds"] = table["seconds"].astype(float)
    table["rehearsal"] = table["rehearsal"] == "yes"
    return table


def load(folder: Path | None = None) -> pd.DataFrame:
    """Predictions of all runs, with one row for each run, head and clip.

    Parameters
    ----------
    folder
        Folder of records; see :func:`~astsvm_lib.results.store.results_folder` for the default.

    Returns
    -------
    pandas.DataFrame
        Columns of the run (``run``, ``dataset``, ``rehearsal``, ``method``, ``differs``, ``profile``, ``epochs``,
        ``seed``, ``outdated``), then ``head``, ``subject``, ``clip`` (its key), ``truth``, ``prediction``, and
        ``score_CLASS`` for each class.

    Raises
    ------
    CompanionError
        If there is no folder of records, or ``runs.csv`` is damaged. Damaged records are omitted with a warning.
    """
    rows = []
    for record in Store(folder).records():
        about = _about(record)
        for clip in record.clips:
            for head, result in clip.heads.items():
                scores = {f"score_{name}": value for name, value in result.scores.items()}
                rows.append(
                    {**about, "head": head, "subject": clip.subject, "clip": clip.key, "truth": clip.truth,
                     "prediction": result.prediction, **scores}
                )  # fmt: skip
    return pd.DataFrame(rows)


def scores(folder: Path | None = None) -> pd.DataFrame:
    """Pooled scores of all runs, with one row for each run and head.

    Parameters
    ----------
    folder
        Folder of records; see :func:`~astsvm_lib.results.store.results_folder` for the default.

    Returns
    -------
    pandas.DataFrame
        Columns of the run as in :func:`load`, then ``head``, ``subjects``, ``clips``, ``uar`` and ``uf1``.

    Raises
    ------
    CompanionError
        If there is no folder of records, or ``runs.csv`` is damaged. Damaged records are omitted with a warning.
    """
    rows = []
    for record in Store(folder).records():
        for head in record.heads:
            found = record.scores(head)
            rows.append(
                {**_about(record), "head": head, "subjects": len(record.folds), "clips": len(record.clips),
                 "uar": found.uar, "uf1": found.uf1}
            )  # fmt: skip
    return pd.DataFrame(rows)
