"""The SVM: scikit-learn on raw features against one precomputed Gram matrix; inner validation; heads of a fold.

python benchmarks/svm.py
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np
from common import compare
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from astsvm_lib.methods.ast_svmnet import LIBRARY_DEFAULTS
from astsvm_lib.methods.svm_head import svm_decisions, svm_decisions_of_heads
from astsvm_lib.models.inner_search import search
from astsvm_lib.models.kernels import pairwise, resolve_gamma
from astsvm_lib.models.svm_transfer import TransferSVM
from astsvm_lib.recipe import Transfer

CLIPS, FEATURES = 48, 92_928
KERNELS: tuple[Literal["chi-squared", "polynomial", "rbf", "linear"], ...] = (
    "chi-squared",
    "polynomial",
    "rbf",
    "linear",
)


def main() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, CLIPS)
    features = rng.random((CLIPS, FEATURES), np.float32) + 0.2 * labels[:, None].astype(np.float32)
    train, test = features[: CLIPS - 6], features[CLIPS - 6 :]
    decisions = {}

    def raw() -> None:
        scaler = StandardScaler().fit(train.astype(np.float64))
        scaled = scaler.transform(train.astype(np.float64))
        gamma = resolve_gamma(scaled, pairwise(scaled, scaled, "rbf"), Transfer())
        machine = OneVsRestClassifier(SVC(kernel="rbf", gamma=gamma)).fit(scaled, labels[: CLIPS - 6])
        decisions["raw"] = machine.decision_function(scaler.transform(test.astype(np.float64)))

    def precomputed() -> None:
        decisions["gram"] = TransferSVM().fit(train, labels[: CLIPS - 6]).decision_function(test)

    compare({"SVC on raw features": raw, "precomputed Gram matrix": precomputed}, 1, "fold", rounds=3)
    subjects = np.arange(CLIPS - 6) // 3
    inner = {
        f"inner validation, {kernel}": partial(search, train, labels[: CLIPS - 6], subjects, Transfer(kernel=kernel))
        for kernel in KERNELS
    }
    compare(inner, 1, "fold", rounds=1)
    heads = {"svm": Transfer(), "svm-linear": Transfer(kernel="linear"), "svm-defaults": LIBRARY_DEFAULTS}
    fold = train, labels[: CLIPS - 6], subjects, test

    def alone() -> None:
        for options in heads.values():
            svm_decisions(*fold, options, 3)

    shared = partial(svm_decisions_of_heads, *fold, heads, 3)
    compare({"three heads, each alone": alone, "three heads that share kernel values": shared}, 1, "fold", rounds=3)
    print(f"  largest difference of a decision: {np.abs(decisions['raw'] - decisions['gram']).max():.1e}")


if __name__ == "__main__":
    main()
