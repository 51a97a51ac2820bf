"""Computation of LOSO folds: fit, predict, and collect the predictions. It may run in a separate process."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.loso import Fold
from astsvm_lib.methods.method import FitConfig, FoldPrediction, Method, OnEpoch
from astsvm_lib.results.files import EPOCHS_KEPT
from astsvm_lib.results.record import ClipResult, FoldResult, HeadResult
from astsvm_lib.storage import Arrays


@dataclass(frozen=True)
class Task:
    """What all folds of a run have in common, except for the arrays.

    Attributes
    ----------
    method
        Method to fit.
    config
        Its configuration.
    labels
        Class numbers (N,) of all clips.
    keys, subjects
        Keys of all clips, and ``dataset/subject`` of each.
    classes
        Names of the classes.
    """

    method: Method
    config: FitConfig
    labels: np.ndarray
    keys: list[str]
    subjects: list[str]
    classes: tuple[str, ...]


def thinned(epochs: list[dict[str, float]]) -> list[dict[str, float]]:
    """At most :data:`EPOCHS_KEPT` epochs, evenly spaced, including the first and the last."""
    if len(epochs) <= EPOCHS_KEPT:
        return epochs
    return [epochs[i] for i in np.linspace(0, len(epochs) - 1, EPOCHS_KEPT).round().astype(int)]


def run_folds(folds: Sequence[Fold], arrays: Arrays, task: Task, on_epoch: OnEpoch = None) -> Iterator[FoldResult]:
    """Fit the method on each fold, and predict the test clips with all of its heads.

    Parameters
    ----------
    folds
        Training and test rows of each fold.
    arrays
        Arrays of the method, (N, ...), with one row per clip.
    task
        What all folds have in common.
    on_epoch
        Called after each epoch of each fold.

    Yields
    ------
    FoldResult
        Result of each fold, in the order of ``folds``.

    Raises
    ------
    CompanionError
        If the method's arrays or scores have the wrong number of rows, columns or heads, or a score is NaN.
    """
    for name, array in arrays.items():
        if len(array) != len(task.labels):
            raise CompanionError(
                f"method {task.method.name}: expected {len(task.labels)} rows of '{name}', one per clip, found "
                f"{len(array)}"
            )
    predictions = task.method.fit_folds(arrays, task.labels, folds, task.config, on_epoch)
    for fold in folds:
        started = time.perf_counter()
        with threadpool_limits(1, user_api="blas"):  # NumPy's idle BLAS threads would occupy cores
            prediction = next(predictions)
        _check_prediction(prediction, fold, task)
        yield _fold_result(fold, prediction, task, time.perf_counter() - started)


def _check_prediction(prediction: FoldPrediction, fold: Fold, task: Task) -> None:
    """Raise an error unless the method returned numbers of the right shape for exactly its heads."""
    name, heads = task.method.name, task.method.heads
    if set(prediction.heads) != set(heads):
        raise CompanionError(
            f"method {name}: expected scores of the heads {', '.join(heads)}, found {', '.join(prediction.heads)}"
        )
    expected = (len(fold.test), len(task.classes))
    for head, scores in prediction.heads.items():
        where = f"method {name}, left out {fold.name}, {head}"
        if np.shape(scores) != expected:
            raise CompanionError(f"{where}: expected scores (clips, classes) {expected}, found {np.shape(scores)}")
        if np.isnan(scores).any():
            advice = "; the training has diverged: choose a lower learning rate or another initialisation"
            raise CompanionError(f"{where}: expected numbers, found NaN{advice if task.config.epochs else ''}")


def _head_result(scores: np.ndarray, classes: tuple[str, ...]) -> HeadResult:
    values = {c: round(float(v), 6) if np.isfinite(v) else None for c, v in zip(classes, scores, strict=True)}
    return HeadResult(prediction=classes[int(scores.argmax())], scores=values)


def _fold_result(fold: Fold, prediction: FoldPrediction, task: Task, seconds: float) -> FoldResult:
    clips = [
        ClipResult(
            key=task.keys[row],
            subject=task.subjects[row],
            truth=task.classes[task.labels[row]],
            heads={head: _head_result(prediction.heads[head][i], task.classes) for head in task.method.heads},
        )
        for i, row in enumerate(fold.test)
    ]
    epochs = [{name: round(value, 6) for name, value in epoch.items()} for epoch in thinned(prediction.history)]
    return FoldResult(name=fold.name, epochs=epochs, trainer=prediction.trainer, seconds=round(seconds, 2), clips=clips)
