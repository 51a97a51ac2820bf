"""Differences between stored runs and reruns of their folds, in ``reruns.csv``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from astsvm_lib.storage import write_atomically

FILE = "reruns.csv"
#: Columns that identify a row: a new rerun with the same values replaces it.
SAME = ["run", "head", "machine", "threads"]


@dataclass(frozen=True)
class Rerun:
    """One head of a stored run, computed again.

    Attributes
    ----------
    run, head
        Name of the run, and head.
    folds, clips
        Number of folds and clips computed again.
    changed
        Number of clips whose prediction changed.
    largest
        Largest absolute difference of a score.
    uf1_stored, uf1_now
        UF1 over these clips, from the record and from the rerun.
    machine, threads
        Device and processor of the rerun, and number of threads.
    """

    run: str
    head: str
    folds: int
    clips: int
    changed: int
    largest: float
    uf1_stored: float
    uf1_now: float
    machine: str
    threads: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values, rounded to four decimals."""
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}


def read_reruns(folder: Path) -> pd.DataFrame:
    """The reruns stored in a folder of records, one row per rerun; empty if there are none."""
    path = folder / FILE
    return pd.read_csv(path) if path.is_file() else pd.DataFrame(columns=list(Rerun.__dataclass_fields__))


def add_reruns(folder: Path, reruns: Sequence[Rerun]) -> None:
    """Store reruns; an earlier rerun of the same run, head, machine and number of threads is replaced.

    Parameters
    ----------
    folder
        Folder of records.
    reruns
        Reruns to store.
    """
    new = pd.DataFrame([rerun.to_dict() for rerun in reruns])
    table = pd.concat([read_reruns(folder), new]) if (folder / FILE).is_file() else new
    table = table.drop_duplicates(SAME, keep="last").sort_values(SAME)
    write_atomically(folder / FILE, table.to_csv(index=False).encode())
