"""The trained network's features under four kernels, C and gamma chosen inside the training fold (R12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from astsvm_lib.choices import Choices
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.evaluation.inner_search import search
from astsvm_lib.methods.ast_svmnet import AstSvmNet, trained_on
from astsvm_lib.methods.method import Conditions, OnEpoch, Trained
from astsvm_lib.recipe import Recipe
from astsvm_lib.storage import Arrays, Cache
from astsvm_lib.transfer import TransferSVM

KERNELS = ("linear", "polynomial", "rbf", "chi-squared")


@dataclass(frozen=True)
class Kernels(AstSvmNet):
    """The paper's future work: other kernels than the radial basis function."""

    def extract(
        self, clips: Sequence[Clip], recipe: Recipe, settings: Choices, cache: Cache, jobs: int, progress: bool
    ) -> Arrays:
        groups = sorted({clip.group for clip in clips})
        arrays = super().extract(clips, recipe, settings, cache, jobs, progress)
        return {**arrays, "subject": np.array([groups.index(clip.group) for clip in clips])}

    def run(
        self,
        train: Arrays,
        labels: np.ndarray,
        test: Arrays,
        conditions: Conditions,
        rng: np.random.Generator,
        on_epoch: OnEpoch = None,
    ) -> Trained:
        outputs = trained_on(train, labels, test, conditions, rng, on_epoch)
        heads = {}
        for kernel in KERNELS:
            chosen = search(outputs.known, labels, train["subject"], kernel)
            machine = TransferSVM(chosen.options).fit(outputs.known, labels)
            heads[kernel] = machine.decide(outputs.tested, conditions.classes)
        return Trained({**heads, "softmax": outputs.probabilities}, outputs.epochs)
