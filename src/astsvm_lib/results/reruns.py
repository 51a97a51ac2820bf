"""What running stored folds again has shown: the noise of a rerun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from astsvm_lib.storage import write_atomically

FILE = "reruns.csv"
#: Columns that identify a line: a rerun of the same on the same machine takes its place.
SAME = ["run", "head", "machine", "threads"]


@dataclass(frozen=True)
class Rerun:
    """One head of a stored run, computed again.

    Attributes
    ----------
    run, head
        What was computed again.
    folds, clips
        How many.
    changed
        Clips whose prediction is another one.
    largest
        Largest difference of a score.
    uf1_stored, uf1_now
        Of these clips.
    machine, threads
        What it was computed with.
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
        """Plain values; scores to four decimals."""
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}


def read_reruns(folder: Path) -> pd.DataFrame:
    """The reruns noted in a folder of records; no rows where there are none."""
    path = folder / FILE
    return pd.read_csv(path) if path.is_file() else pd.DataFrame(columns=list(Rerun.__dataclass_fields__))


def add_reruns(folder: Path, reruns: Sequence[Rerun]) -> None:
    """Note reruns; an earlier note of the same run, head and machine is replaced."""
    new = pd.DataFrame([rerun.to_dict() for rerun in reruns])
    table = pd.concat([read_reruns(folder), new]) if (folder / FILE).is_file() else new
    table = table.drop_duplicates(SAME, keep="last").sort_values(SAME)
    write_atomically(folder / FILE, table.to_csv(index=False).encode())
