"""Baseline: the SVM on the features of the paper's network with its initial weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from astsvm_lib.choices import Choices
from astsvm_lib.evaluation.loso import Fold
from astsvm_lib.methods.ast_svmnet import AstSvmNet
from astsvm_lib.methods.method import FitConfig, FoldPrediction, OnEpoch
from astsvm_lib.storage import Arrays

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 2


@dataclass(frozen=True)
class Untrained(AstSvmNet):
    """AST+SVMNet without training; its softmax head, which is not trained either, is omitted."""

    def epochs(self, settings: Choices, own: int, share: float) -> int:
        return 0

    def fit_folds(
        self,
        arrays: Arrays,
        labels: np.ndarray,
        folds: Sequence[Fold],
        config: FitConfig,
        on_epoch: OnEpoch = None,
    ) -> Iterator[FoldPrediction]:
        for found in super().fit_folds(arrays, labels, folds, replace(config, epochs=0), on_epoch):
            heads = {name: scores for name, scores in found.heads.items() if name != "softmax"}
            yield replace(found, heads=heads, history=[])
