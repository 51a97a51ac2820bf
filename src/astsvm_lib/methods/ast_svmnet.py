"""The paper's method: the two-stream network, whose features go to the SVM; its softmax head is kept beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from astsvm_lib.choices import Choices
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.features.pipeline import extract_all
from astsvm_lib.methods.method import Conditions, Method, OnEpoch, Trained
from astsvm_lib.processes import without_chatter
from astsvm_lib.recipe import Recipe
from astsvm_lib.storage import Arrays, Cache
from astsvm_lib.transfer.svm import TransferSVM

if TYPE_CHECKING:
    import keras

    from astsvm_lib.network import Outputs


class NoSettings(Choices):
    """AST+SVMNet has no settings of its own: all its choices are the recipe's."""

    called: ClassVar[str] = "ast-svmnet"


@lru_cache(maxsize=1)
def network_of(recipe: Recipe, classes: int) -> keras.Model:
    """Built and compiled once a process, reset for each fold."""
    with without_chatter():
        from astsvm_lib.network import build_network, compile_network

        network = build_network(recipe, classes)
        compile_network(network, recipe.training)
    return network


def trained_on(
    train: Arrays,
    labels: np.ndarray,
    test: Arrays,
    conditions: Conditions,
    rng: np.random.Generator,
    on_epoch: OnEpoch = None,
) -> Outputs:
    """What the network says once it is trained on a fold; arguments as those of :meth:`AstSvmNet.run`."""
    options = conditions.recipe.training
    network = network_of(conditions.recipe, conditions.classes)
    from astsvm_lib.network import Outputs, initialise, judge, learn

    known, tested = ([clips[tensor.name] for tensor in network.inputs] for clips in (train, test))
    initialise(network, rng, options.attention_start)
    history = learn(network, known, labels, options, conditions.epochs, rng, on_epoch)
    known_features, _ = judge(network, known, options.batch_size)
    features, probabilities = judge(network, tested, options.batch_size)
    return Outputs(known_features, features, probabilities, history)


def read_by_heads(outputs: Outputs, labels: np.ndarray, conditions: Conditions) -> Trained:
    """The SVM on the network's features, and its softmax head; ``labels`` are those that it learned from."""
    transfer = conditions.recipe.transfer
    options = {"svm": transfer}
    if transfer.standardise:  # the reading that matters most in R12 costs nothing to try beside it
        options["svm-raw"] = conditions.recipe.replace(transfer={"standardise": False}).transfer
    machines = {name: TransferSVM(option).fit(outputs.known, labels) for name, option in options.items()}
    said = {name: machine.decide(outputs.tested, conditions.classes) for name, machine in machines.items()}
    return Trained({"svm": said.pop("svm"), "softmax": outputs.probabilities, **said}, outputs.epochs)


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
        conditions: Conditions,
        rng: np.random.Generator,
        on_epoch: OnEpoch = None,
    ) -> Trained:
        return read_by_heads(trained_on(train, labels, test, conditions, rng, on_epoch), labels, conditions)


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
        conditions: Conditions,
        rng: np.random.Generator,
        on_epoch: OnEpoch = None,
    ) -> Trained:
        found = super().run(train, labels, test, replace(conditions, epochs=0), rng, on_epoch)
        return Trained({name: scores for name, scores in found.heads.items() if name != "softmax"}, [])
