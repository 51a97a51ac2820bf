"""The trained network's features under four kernels, C and gamma chosen inside the training fold (R12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from astsvm_lib.choices import Choices
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.evaluation.inner_search import search
from astsvm_lib.methods.ast_svmnet import AstSvmNet, _network
from astsvm_lib.methods.method import OnEpoch, Trained
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
        classes: int,
        recipe: Recipe,
        settings: Choices,
        epochs: int,
        rng: np.random.Generator,
        on_epoch: OnEpoch = None,
    ) -> Trained:
        network = _network(recipe, classes)
        from astsvm_lib.network import initialise, judge, learn

        known, tested = ([clips[tensor.name] for tensor in network.inputs] for clips in (train, test))
        initialise(network, rng, recipe.training.attention_start)
        history = learn(network, known, labels, recipe.training, epochs, rng, on_epoch)
        known_features, _ = judge(network, known, recipe.training.batch_size)
        features, probabilities = judge(network, tested, recipe.training.batch_size)
        heads = {}
        for kernel in KERNELS:
            chosen = search(known_features, labels, train["subject"], kernel)
            heads[kernel] = TransferSVM(chosen.options).fit(known_features, labels).decide(features, classes)
        return Trained({**heads, "softmax": probabilities}, history)
