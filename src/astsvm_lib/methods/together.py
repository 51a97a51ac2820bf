"""The paper's method with many folds trained at once, where that is faster: with JAX on a GPU."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from astsvm_lib.evaluation.loso import Fold
from astsvm_lib.methods.ast_svmnet import AstSvmNet, network_of, read_by_heads
from astsvm_lib.methods.method import Conditions, OnEpoch, Trained
from astsvm_lib.storage import Arrays

#: Folds that are trained together at most: about 1.5 GB of the device each.
AT_ONCE = 24


@dataclass(frozen=True)
class TogetherAstSvmNet(AstSvmNet):
    """Every fold is trained as it would be alone, up to rounding; see :mod:`astsvm_lib.network.many_folds`."""

    def together(self) -> bool:
        from astsvm_lib.network import many_folds

        return many_folds.applies()

    def run_together(
        self,
        arrays: Arrays,
        labels: np.ndarray,
        folds: Sequence[Fold],
        rngs: Sequence[np.random.Generator],
        conditions: Conditions,
        on_epoch: OnEpoch = None,
    ) -> Iterator[Trained]:
        from astsvm_lib.network.many_folds import FoldRows, ManyFolds

        network = network_of(conditions.recipe, conditions.classes)
        inputs = [arrays[tensor.name] for tensor in network.inputs]
        at_once = math.ceil(len(folds) / math.ceil(len(folds) / AT_ONCE))
        networks = ManyFolds(network, inputs, labels, conditions.recipe, at_once)
        for start in range(0, len(folds), at_once):
            chosen = folds[start : start + at_once]
            rows = [FoldRows(fold.train, fold.test, rng) for fold, rng in zip(chosen, rngs[start:], strict=False)]
            for fold, outputs in zip(chosen, networks.train(rows, conditions.epochs, on_epoch), strict=True):
                yield read_by_heads(outputs, labels[fold.train], conditions)
