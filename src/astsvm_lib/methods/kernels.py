"""SVMs with four kernels on the features of the trained network; C and gamma are tuned in the training fold (R12)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from astsvm_lib.evaluation.loso import Fold
from astsvm_lib.methods.ast_svmnet import AstSvmNet, train_folds
from astsvm_lib.methods.method import FitConfig, FoldPrediction, OnEpoch
from astsvm_lib.methods.svm_head import svm_decisions_of_heads
from astsvm_lib.storage import Arrays

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 2

KERNELS = ("linear", "polynomial", "rbf", "chi-squared")


@dataclass(frozen=True)
class Kernels(AstSvmNet):
    """The paper's future work: kernels other than the radial basis function."""

    def fit_folds(
        self,
        arrays: Arrays,
        labels: np.ndarray,
        folds: Sequence[Fold],
        config: FitConfig,
        on_epoch: OnEpoch = None,
    ) -> Iterator[FoldPrediction]:
        transfer = config.recipe.transfer
        for fold, (outputs, stage) in zip(folds, train_folds(arrays, labels, folds, config, on_epoch), strict=True):
            train = outputs.train_features, labels[fold.train], arrays["subject"][fold.train]
            options = {kernel: transfer.model_copy(update={"kernel": kernel}) for kernel in KERNELS}
            heads = svm_decisions_of_heads(*train, outputs.test_features, options, config.classes)
            yield FoldPrediction({**heads, "softmax": outputs.probabilities}, outputs.history, stage)
