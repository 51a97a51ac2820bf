"""One fold of LOSO: train, transfer, test. It may run in a process of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from astsvm_lib.evaluation.loso import Fold, fold_seed
from astsvm_lib.experiments.record import ClipResult, FoldResult
from astsvm_lib.features.pipeline import Features
from astsvm_lib.processes import without_chatter
from astsvm_lib.recipe import Recipe
from astsvm_lib.transfer.svm import TransferSVM

if TYPE_CHECKING:
    import keras


@lru_cache(maxsize=1)
def _network(recipe: Recipe, classes: int) -> tuple[keras.Model, keras.Model]:
    """Network and feature extractor: built and compiled once a process, reset for each fold."""
    with without_chatter():
        from astsvm_lib.network.ast_network import build_network, feature_extractor
        from astsvm_lib.network.training import compile_network

        network = build_network(recipe, classes)
        compile_network(network, recipe)
    return network, feature_extractor(network)


def _predict(model: keras.Model, inputs: list[np.ndarray], size: int) -> np.ndarray:
    """Outputs for all clips, in inference mode, a batch at a time."""
    import keras

    starts = range(0, len(inputs[0]), size)
    return np.concatenate(
        [keras.ops.convert_to_numpy(model([x[s : s + size] for x in inputs], training=False)) for s in starts]
    )


def run_fold(
    fold: Fold,
    features: Features,
    labels: np.ndarray,
    keys: list[str],
    classes: tuple[str, ...],
    recipe: Recipe,
    epochs: int,
    seed: int,
    on_epoch: Callable[[], Any] | None = None,
) -> FoldResult:
    """Train on everyone but one subject, fit the SVM on the network's features, test both heads.

    Parameters
    ----------
    fold
        Rows to train on and to test.
    features, labels, keys
        Of all clips; labels are class numbers.
    classes
        Their names.
    epochs, seed
        Fixed beforehand; the fold's own generator comes from the seed and the subject.
    """
    started = time.perf_counter()
    network, extractor = _network(recipe, len(classes))
    from astsvm_lib.network.training import inputs_of, train

    rng = fold_seed(seed, fold.subject)
    history = train(network, features[fold.train], labels[fold.train], recipe, epochs, rng, on_epoch)
    size = recipe.training.batch_size
    tested = inputs_of(network, features[fold.test])
    known = _predict(extractor, inputs_of(network, features[fold.train]), size)
    svm = TransferSVM(recipe.transfer).fit(known, labels[fold.train])
    decisions = svm.decide(_predict(extractor, tested, size), len(classes))
    probabilities = _predict(network, tested, size)
    clips = [
        ClipResult(
            key=keys[row],
            subject=fold.subject,
            truth=classes[labels[row]],
            svm_prediction=classes[int(decision.argmax())],
            softmax_prediction=classes[int(probability.argmax())],
            svm={c: round(float(v), 6) if np.isfinite(v) else None for c, v in zip(classes, decision, strict=True)},
            softmax={c: round(float(v), 6) for c, v in zip(classes, probability, strict=True)},
        )
        for row, decision, probability in zip(fold.test, decisions, probabilities, strict=True)
    ]
    rounded = [{name: round(value, 6) for name, value in epoch.items()} for epoch in history]
    return FoldResult(
        subject=fold.subject, epochs=rounded, seconds=round(time.perf_counter() - started, 2), clips=clips
    )


@lru_cache(maxsize=1)
def _shared_features(folder: Path) -> Features:
    """Features that the runner left in a folder, mapped into memory rather than copied."""
    return Features(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("flow", "idsf")))


def share_features(features: Features, folder: Path) -> None:
    """Leave features in a folder for :func:`run_fold_alone`."""
    np.save(folder / "flow.npy", features.flow)
    np.save(folder / "idsf.npy", features.idsf)


def run_fold_alone(fold: Fold, folder: Path, *arguments: Any) -> FoldResult:
    """:func:`run_fold` in a worker process, with shared features."""
    return run_fold(fold, _shared_features(folder), *arguments)
