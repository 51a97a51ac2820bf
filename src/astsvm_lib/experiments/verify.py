"""Verification of a stored run by computing some of its folds again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.datasets import load_several
from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.protocol import Protocol
from astsvm_lib.evaluation.scores import uf1
from astsvm_lib.experiments.run import plan_again
from astsvm_lib.experiments.runner import compute_folds, folds_of
from astsvm_lib.results.record import ClipResult, Environment, Record

#: Largest rounding error of a stored score, which has three decimals.
ROUNDING = 0.0005


@dataclass(frozen=True)
class HeadCheck:
    """Comparison of one head of a stored run with the same folds computed again.

    Attributes
    ----------
    head
        Name of the head.
    clips
        Number of clips tested again.
    changed
        Number of clips whose prediction changed.
    largest
        Largest absolute difference of a score.
    uf1_stored, uf1_now
        UF1 over the clips tested again, from the record and from the new predictions.
    """

    head: str
    clips: int
    changed: int
    largest: float
    uf1_stored: float
    uf1_now: float


@dataclass(frozen=True)
class Verification:
    """Result of a verification.

    Attributes
    ----------
    record
        Record of the stored run.
    folds
        Names of the folds that were computed again.
    heads
        Comparison of each head.
    tolerance
        Largest difference of a score that is accepted, including rounding.
    environment
        Where the folds were computed again.
    """

    record: Record
    folds: tuple[str, ...]
    heads: tuple[HeadCheck, ...]
    tolerance: float
    environment: Environment

    @property
    def changes(self) -> list[str]:
        """Differences between record and rerun in device, processor, threads and libraries, one line each."""
        record, environment = self.record, self.environment
        pairs = {
            "device": (record.device, environment.device),
            "processor": (record.processor, environment.processor),
            "threads": (str(record.threads), str(environment.threads)),
            **{name: (record.libraries.get(name, "none"), now) for name, now in environment.libraries.items()},
        }
        return [f"{name}: {before} in the record, {now} now" for name, (before, now) in pairs.items() if before != now]

    @property
    def agrees(self) -> bool:
        """Whether no prediction changed, and no score changed by more than the tolerance."""
        return all(check.changed == 0 and check.largest <= self.tolerance for check in self.heads)


def _spread(items: Sequence[str], count: int | None) -> list[str]:
    """``count`` of the items, evenly spaced; all items for None."""
    if count is None or count >= len(items):
        return list(items)
    return [items[i] for i in np.linspace(0, len(items) - 1, count).round().astype(int)]


def verify(
    record: Record,
    folds: int | None = None,
    tolerance: float = 0.01,
    jobs: int = 1,
    root: Path | None = None,
    cache: Cache | None = None,
    progress: bool = True,
) -> Verification:
    """Compute folds of a stored run again, and compare predictions and scores.

    Parameters
    ----------
    record
        Record of the stored run.
    folds
        Number of folds, evenly spaced; all folds by default.
    tolerance
        Largest difference of a score that is accepted, in addition to the rounding to three decimals.
    jobs
        Number of folds computed in parallel.
    root
        Folder of the data, for data that is not generated.
    cache
        Cache for prepared clips; the user's cache by default.
    progress
        Whether to show a progress bar.

    Returns
    -------
    Verification
        One comparison per head.

    Raises
    ------
    CompanionError
        If the record is outdated, clips or epochs differ from those it was made with, or a clip cannot be prepared.
    """
    if record.outdated:
        raise CompanionError(f"{record.name}: outdated ({'; '.join(record.outdated)}): run it again instead")
    dataset, *training = load_several((record.dataset, *Protocol.parse(record.protocol).train), root)
    run = plan_again(record, dataset, training)
    if run.data != record.data:
        raise CompanionError(
            f"{record.name}: expected the clips with digest {record.data}, found {run.data}; name the folder of the "
            "data that the record was made from with --root FOLDER"
        )
    if run.epochs != record.epochs:
        raise CompanionError(
            f"{record.name}: expected {record.epochs} epochs for the profile {record.profile}, found {run.epochs}; "
            "run it again instead"
        )
    chosen = _spread([fold.name for fold in record.folds], folds)
    selected = [fold for fold in folds_of(run) if fold.name in chosen]
    found = list(compute_folds(run, selected, jobs, cache, progress))
    now = {clip.key: clip for fold in found for clip in fold.result.clips}
    stored = {clip.key: clip for clip in record.clips if clip.key in now}
    checks = tuple(_compare(head, stored, now, record.classes) for head in record.heads)
    return Verification(record, tuple(chosen), checks, tolerance + ROUNDING, found[0].environment)


def _compare(head: str, stored: dict[str, ClipResult], now: dict[str, ClipResult], classes: list[str]) -> HeadCheck:
    largest, changed = 0.0, 0
    matrices = np.zeros((2, len(classes), len(classes)), int)
    for key, clip in stored.items():
        first, second = clip.heads[head], now[key].heads[head]
        changed += first.prediction != second.prediction
        for name in classes:
            a, b = first.scores[name], second.scores[name]
            largest = max(largest, abs(a - b) if a is not None and b is not None else float((a is None) != (b is None)))
        truth = classes.index(clip.truth)
        for matrix, result in zip(matrices, (first, second), strict=True):
            matrix[truth, classes.index(result.prediction)] += 1
    return HeadCheck(head, len(stored), changed, largest, uf1(matrices[0]), uf1(matrices[1]))
