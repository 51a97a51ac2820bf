"""Some folds of a stored run again: does the record still come out?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.datasets import load
from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.scores import uf1
from astsvm_lib.experiments.executors import Place, select_executor
from astsvm_lib.experiments.run import plan_again
from astsvm_lib.experiments.runner import compute_folds, folds_of, task_of
from astsvm_lib.results.record import ClipResult, Record

#: Scores are stored to three decimals: half a unit is rounding.
ROUNDING = 0.0005


@dataclass(frozen=True)
class HeadCheck:
    """How one head of a stored run differs from the same folds computed again.

    Attributes
    ----------
    head
        Its name.
    clips
        Clips that were tested again.
    changed
        Clips whose prediction is another one now.
    largest
        Largest difference of a score.
    uf1_stored, uf1_now
        Of the clips that were tested again.
    """

    head: str
    clips: int
    changed: int
    largest: float
    uf1_stored: float
    uf1_now: float


@dataclass(frozen=True)
class Verification:
    """What came of running folds again.

    Attributes
    ----------
    record
        The stored run.
    subjects
        Those whose folds were run again.
    heads
        One check a head.
    tolerance
        Largest difference of a score that counts as the same.
    place
        Where it was computed now.
    """

    record: Record
    subjects: tuple[str, ...]
    heads: tuple[HeadCheck, ...]
    tolerance: float
    place: Place

    @property
    def agrees(self) -> bool:
        """Whether no prediction changed, and no score by more than the tolerance."""
        return all(check.changed == 0 and check.largest <= self.tolerance for check in self.heads)


def _spread(items: Sequence[str], count: int | None) -> list[str]:
    """So many of the items, evenly spaced; all of them for None."""
    if count is None or count >= len(items):
        return list(items)
    return [items[i] for i in np.linspace(0, len(items) - 1, count).round().astype(int)]


def verify(
    record: Record,
    folds: int | None = None,
    tolerance: float = 0.01,
    jobs: int = 1,
    cache: Cache | None = None,
    progress: bool = True,
) -> Verification:
    """Run folds of a stored run again, and compare predictions and scores.

    Parameters
    ----------
    record
        The stored run.
    folds
        How many folds, evenly spaced over the subjects; all by default.
    tolerance
        Largest difference of a score that counts as the same, beyond the rounding to three decimals.
    jobs
        Folds at once.
    cache
        Where prepared clips are kept.
    progress
        Whether to show a progress bar.

    Raises
    ------
    CompanionError
        If the record is outdated, or the data set is not the one that it was made from.
    """
    if record.outdated:
        raise CompanionError(f"{record.name}: outdated ({'; '.join(record.outdated)}): run it again instead")
    dataset = load(record.dataset)
    if dataset.fingerprint != record.data:
        raise CompanionError(
            f"{record.name}: made from other data (digest {record.data}, here {dataset.fingerprint}); name the folder "
            "that it was made from"
        )
    run = plan_again(record, dataset)
    subjects = _spread([fold.subject for fold in record.folds], folds)
    task = task_of(run)
    executor = select_executor(run, task, jobs)
    wanted = [fold for fold in folds_of(run) if fold.subject in subjects]
    found = list(compute_folds(run, wanted, executor, task, cache, jobs, progress))
    now = {clip.key: clip for result, _ in found for clip in result.clips}
    then = {clip.key: clip for clip in record.clips if clip.key in now}
    checks = tuple(_compare(head, then, now, record.classes) for head in record.heads)
    return Verification(record, tuple(subjects), checks, tolerance + ROUNDING, found[0][1])


def _compare(head: str, then: dict[str, ClipResult], now: dict[str, ClipResult], classes: list[str]) -> HeadCheck:
    largest, changed = 0.0, 0
    matrices = np.zeros((2, len(classes), len(classes)), int)
    for key, stored in then.items():
        first, second = stored.heads[head], now[key].heads[head]
        changed += first.prediction != second.prediction
        for name in classes:
            a, b = first.scores[name], second.scores[name]
            largest = max(largest, abs(a - b) if a is not None and b is not None else float((a is None) != (b is None)))
        truth = classes.index(stored.truth)
        for matrix, result in zip(matrices, (first, second), strict=True):
            matrix[truth, classes.index(result.prediction)] += 1
    return HeadCheck(head, len(then), changed, largest, uf1(matrices[0]), uf1(matrices[1]))
