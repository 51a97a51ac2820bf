"""SVMs with four kernels on the features of the trained network; C and gamma are tuned in the training fold (R12)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.evaluation.loso import Fold
from astsvm_lib.methods.ast_svmnet import AstSvmNet, train_folds
from astsvm_lib.methods.method import FitConfig, FoldPrediction, OnEpoch
from astsvm_lib.models.inner_search import search
from astsvm_lib.models.svm_transfer import TransferSVM, expand_decisions
from astsvm_lib.recipe import Recipe
from astsvm_lib.storage import Arrays

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1

KERNELS = ("linear", "polynomial", "rbf", "chi-squared")


@dataclass(frozen=True)
class Kernels(AstSvmNet):
    """The paper's future work: kernels other than the radial basis function."""

    def extract(
        self, clips: Sequence[Clip], recipe: Recipe, settings: Any, cache: Cache, jobs: int, progress: bool
    ) -> Arrays:
        groups = sorted({clip.group for clip in clips})
        arrays = super().extract(clips, recipe, settings, cache, jobs, progress)
        return {**arrays, "subject": np.array([groups.index(clip.group) for clip in clips])}

    def fit_folds(
        self,
        arrays: Arrays,
        labels: np.ndarray,
        folds: Sequence[Fold],
        config: FitConfig,
        on_epoch: OnEpoch = None,
    ) -> Iterator[FoldPrediction]:
        for fold, (outputs, stage) in zip(folds, train_folds(arrays, labels, folds, config, on_epoch), strict=True):
            heads = {}
            for kernel in KERNELS:
                best = search(outputs.train_features, labels[fold.train], arrays["subject"][fold.train], kernel)
                svm = TransferSVM(**best.options.model_dump()).fit(outputs.train_features, labels[fold.train])
                heads[kernel] = expand_decisions(
                    svm.decision_function(outputs.test_features), svm.classes_, config.classes
                )
            yield FoldPrediction({**heads, "softmax": outputs.probabilities}, outputs.history, stage)
