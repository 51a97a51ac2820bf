"""One fold of LOSO: learn, judge, write down. It may run in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from astsvm_lib.evaluation.loso import Fold, fold_seed
from astsvm_lib.experiments.record import ClipResult, FoldResult, HeadResult
from astsvm_lib.methods.method import Conditions, Method, OnEpoch, Trained
from astsvm_lib.storage import Arrays

#: So many epochs of a fold go into its record: enough for a curve.
EPOCHS_KEPT = 60


@dataclass(frozen=True)
class Task:
    """What all folds of a run have in common, beside the arrays.

    Attributes
    ----------
    method, conditions
        What learns, and how.
    labels, keys
        Of all clips; labels are class numbers.
    classes
        Their names.
    seed
        A fold's own generator comes from it and the subject.
    """

    method: Method
    conditions: Conditions
    labels: np.ndarray
    keys: list[str]
    classes: tuple[str, ...]
    seed: int


def thinned(epochs: list[dict[str, float]]) -> list[dict[str, float]]:
    """At most :data:`EPOCHS_KEPT` epochs, evenly spaced, the first and the last among them."""
    if len(epochs) <= EPOCHS_KEPT:
        return epochs
    return [epochs[i] for i in np.linspace(0, len(epochs) - 1, EPOCHS_KEPT).round().astype(int)]


def _result(scores: np.ndarray, classes: tuple[str, ...]) -> HeadResult:
    values = {c: round(float(v), 6) if np.isfinite(v) else None for c, v in zip(classes, scores, strict=True)}
    return HeadResult(prediction=classes[int(scores.argmax())], scores=values)


def run_fold(fold: Fold, arrays: Arrays, task: Task, on_epoch: OnEpoch = None) -> FoldResult:
    """Learn from everyone but one subject, and judge that one's clips by every head of the method.

    Parameters
    ----------
    fold
        Rows to learn from and to test.
    arrays
        What the method extracted, a row a clip.
    """
    started = time.perf_counter()
    train, test = ({name: array[rows] for name, array in arrays.items()} for rows in (fold.train, fold.test))
    rng = fold_seed(task.seed, fold.subject)
    with threadpool_limits(1, user_api="blas"):  # NumPy's, which would wait busily on the cores of other threads
        trained = task.method.run(train, task.labels[fold.train], test, task.conditions, rng, on_epoch)
    return _written(fold, trained, task, time.perf_counter() - started)


def run_folds_together(
    folds: Sequence[Fold], arrays: Arrays, task: Task, on_epoch: OnEpoch = None
) -> Iterator[FoldResult]:
    """:func:`run_fold` for many folds at once, by a method that can."""
    started, rngs = time.perf_counter(), [fold_seed(task.seed, fold.subject) for fold in folds]
    trained = task.method.run_together(arrays, task.labels, folds, rngs, task.conditions, on_epoch)
    for fold, found in zip(folds, trained, strict=True):
        yield _written(fold, found, task, time.perf_counter() - started)
        started = time.perf_counter()


def _written(fold: Fold, trained: Trained, task: Task, seconds: float) -> FoldResult:
    clips = [
        ClipResult(
            key=task.keys[row],
            subject=fold.subject,
            truth=task.classes[task.labels[row]],
            heads={head: _result(scores[i], task.classes) for head, scores in trained.heads.items()},
        )
        for i, row in enumerate(fold.test)
    ]
    rounded = [{name: round(value, 6) for name, value in epoch.items()} for epoch in thinned(trained.epochs)]
    return FoldResult(subject=fold.subject, epochs=rounded, seconds=round(seconds, 2), clips=clips)


@lru_cache(maxsize=1)
def _shared_arrays(folder: Path) -> Arrays:
    """Arrays that the runner left in a folder, mapped into memory rather than copied."""
    return {path.stem: np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))}


def share_arrays(arrays: Arrays, folder: Path) -> None:
    """Leave arrays in a folder for :func:`run_fold_alone`."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def run_fold_alone(fold: Fold, folder: Path, task: Task) -> FoldResult:
    """:func:`run_fold` in a worker process, with shared arrays."""
    return run_fold(fold, _shared_arrays(folder), task)
