"""What attention contributes: the trained network with its attention weights replaced by their mean, or by 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from astsvm_lib.evaluation.loso import Fold, fold_rng
from astsvm_lib.methods.ast_svmnet import AstSvmNet, trainer_of
from astsvm_lib.methods.method import FitConfig, FoldPrediction, OnEpoch
from astsvm_lib.methods.svm_head import svm_decisions
from astsvm_lib.storage import Arrays

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1


@dataclass(frozen=True)
class MeanAttention(AstSvmNet):
    """AST+SVMNet with three kinds of attention weights after training: its own, their mean over the training clips, 1.

    Each SVM is fitted to the features of the training clips with the same kind of attention weights as those of the
    test clips; the softmax head is not trained again.
    """

    def trains_in_batches(self, config: FitConfig) -> bool:
        return False

    def fit_folds(
        self,
        arrays: Arrays,
        labels: np.ndarray,
        folds: Sequence[Fold],
        config: FitConfig,
        on_epoch: OnEpoch = None,
    ) -> Iterator[FoldPrediction]:
        from astsvm_lib.models.mean_attention import attention_weights_of, outputs_of, with_fixed_attention

        trainer, transfer = trainer_of(config.recipe, config.classes), config.recipe.transfer
        network = trainer.network
        for fold in folds:
            train, test = ([arrays[tensor.name][rows] for tensor in network.inputs] for rows in (fold.train, fold.test))
            rng = fold_rng(config.seed, fold.name)
            history = trainer.fit_from_start(train, labels[fold.train], config.epochs, rng, on_epoch)
            (features, _), (test_features, probabilities) = trainer.predict(train), trainer.predict(test)
            weights = attention_weights_of(network, train)
            kinds = {
                "mean": {name: value.mean(0, keepdims=True) for name, value in weights.items()},
                "equal": {name: np.ones_like(value[:1]) for name, value in weights.items()},
            }
            known = labels[fold.train], arrays["subject"][fold.train]
            heads = {
                "svm": svm_decisions(features, *known, test_features, transfer, config.classes),
                "softmax": probabilities,
            }
            for kind, fixed in kinds.items():
                changed = with_fixed_attention(network, fixed)
                (features, _), (test_features, probabilities) = outputs_of(changed, train), outputs_of(changed, test)
                heads[f"svm-{kind}"] = svm_decisions(features, *known, test_features, transfer, config.classes)
                heads[f"softmax-{kind}"] = probabilities
            yield FoldPrediction(heads, history, trainer.stage)
