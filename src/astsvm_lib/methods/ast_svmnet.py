"""The paper's method: the two-stream network, whose features go to the SVM; its softmax head is kept beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from astsvm_lib.choices import Choices
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.features.pipeline import extract_all
from astsvm_lib.methods.method import Method, OnEpoch, Trained
from astsvm_lib.processes import without_chatter
from astsvm_lib.recipe import Recipe
from astsvm_lib.storage import Arrays, Cache
from astsvm_lib.transfer.svm import TransferSVM

if TYPE_CHECKING:
    import keras


class NoSettings(Choices):
    """AST+SVMNet has no settings of its own: all its choices are the recipe's."""

    called: ClassVar[str] = "ast-svmnet"


@lru_cache(maxsize=1)
def _network(recipe: Recipe, classes: int) -> keras.Model:
    """Built and compiled once a process, reset for each fold."""
    with without_chatter():
        from astsvm_lib.network import build_network, compile_network

        network = build_network(recipe, classes)
        compile_network(network, recipe.training)
    return network


@dataclass(frozen=True)
class AstSvmNet(Method):
    """Sections III.A to III.D."""

    def epochs(self, settings: Choices, own: int, share: float) -> int:
        return own

    def extract(
        self, clips: Sequence[Clip], recipe: Recipe, settings: Choices, cache: Cache, jobs: int, progress: bool
    ) -> Arrays:
        features = extract_all(clips, recipe, cache, jobs, progress)
        return {"flow": features.flow, "idsf": features.idsf}

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
        size = recipe.training.batch_size
        known_features, _ = judge(network, known, size)
        features, probabilities = judge(network, tested, size)
        heads = {"svm": TransferSVM(recipe.transfer).fit(known_features, labels).decide(features, classes)}
        heads["softmax"] = probabilities
        if recipe.transfer.standardise:  # the reading that matters most in R12 costs nothing to try beside it
            raw = recipe.replace(transfer={"standardise": False}).transfer
            heads["svm-raw"] = TransferSVM(raw).fit(known_features, labels).decide(features, classes)
        return Trained(heads, history)


@dataclass(frozen=True)
class Untrained(AstSvmNet):
    """The same network with the weights it starts from: what the SVM makes of them alone."""

    def epochs(self, settings: Choices, own: int, share: float) -> int:
        return 0

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
        found = super().run(train, labels, test, classes, recipe, settings, 0, rng)
        return Trained({name: scores for name, scores in found.heads.items() if name != "softmax"}, [])
