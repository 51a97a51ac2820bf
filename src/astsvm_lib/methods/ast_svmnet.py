"""The paper's method: an SVM on the features of the two-stream network; the softmax head is evaluated as well."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.choices import Choices
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.evaluation.loso import Fold, fold_rng
from astsvm_lib.features.pipeline import extract_all
from astsvm_lib.methods.method import FitConfig, FoldPrediction, Method, OnEpoch
from astsvm_lib.methods.svm_head import subject_numbers, svm_decisions_of_heads
from astsvm_lib.parallel import quiet_stderr
from astsvm_lib.recipe import Recipe, Transfer
from astsvm_lib.storage import Arrays

if TYPE_CHECKING:
    from astsvm_lib.models.training.trainer import NetworkOutputs, Trainer

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 2


#: scikit-learn's default parameters of an SVM, on standardised features (R12).
LIBRARY_DEFAULTS = Transfer(tuning="none", C=1.0, gamma="scale", standardise=True)


@lru_cache(maxsize=1)
def trainer_of(recipe: Recipe, classes: int) -> Trainer:
    """Trainer of the paper's network, which is built and compiled once per process.

    Parameters
    ----------
    recipe
        Choices of the network and its training.
    classes
        Number of classes.

    Returns
    -------
    Trainer
        The fastest one for the active backend and device.
    """
    with quiet_stderr():
        from astsvm_lib.models.ast_network import build_network
        from astsvm_lib.models.training.keras_trainer import compile_network
        from astsvm_lib.models.training.selection import select_trainer

        network = build_network(recipe, classes)
        compile_network(network, recipe.training)
        return select_trainer(network, recipe.training, recipe.training.attention_start)


def train_folds(
    arrays: Arrays, labels: np.ndarray, folds: Sequence[Fold], config: FitConfig, on_epoch: OnEpoch = None
) -> Iterator[tuple[NetworkOutputs, str]]:
    """Train the network on each fold, and compute its outputs.

    Parameters
    ----------
    arrays, labels, folds, config, on_epoch
        As for :meth:`Method.fit_folds`; ``arrays`` holds the inputs of the network by name.

    Yields
    ------
    tuple
        Outputs of the network and the stage of its trainer, in the order of ``folds``.
    """
    trainer = trainer_of(config.recipe, config.classes)
    inputs = [arrays[tensor.name] for tensor in trainer.network.inputs]
    seeded = [(fold, fold_rng(config.seed, fold.name)) for fold in folds]
    for outputs in trainer.fit_folds(inputs, labels, seeded, config.epochs, on_epoch):
        yield outputs, trainer.stage


@dataclass(frozen=True)
class AstSvmNet(Method):
    """Sections III.A to III.D: the network is trained with its softmax head; then an SVM is fitted to its features."""

    def epochs(self, settings: Choices, own: int, share: float) -> int:
        return own

    def extract(
        self, clips: Sequence[Clip], recipe: Recipe, settings: Any, cache: Cache, jobs: int, progress: bool
    ) -> Arrays:
        features = extract_all(clips, recipe, cache, jobs, progress)
        return {**features.inputs, "subject": subject_numbers(clips)}

    def trains_in_batches(self, config: FitConfig) -> bool:
        return trainer_of(config.recipe, config.classes).folds_at_once > 1

    def fit_folds(
        self,
        arrays: Arrays,
        labels: np.ndarray,
        folds: Sequence[Fold],
        config: FitConfig,
        on_epoch: OnEpoch = None,
    ) -> Iterator[FoldPrediction]:
        for fold, (outputs, stage) in zip(folds, train_folds(arrays, labels, folds, config, on_epoch), strict=True):
            train = outputs.train_features, labels[fold.train], arrays["subject"][fold.train]
            transfer = config.recipe.transfer
            linear = transfer.model_copy(update={"kernel": "linear"})
            options = {"svm": transfer, "svm-linear": linear, "svm-defaults": LIBRARY_DEFAULTS}
            found = svm_decisions_of_heads(*train, outputs.test_features, options, config.classes)
            heads = {"svm": found.pop("svm"), "softmax": outputs.probabilities, **found}
            yield FoldPrediction(heads, outputs.history, stage)
