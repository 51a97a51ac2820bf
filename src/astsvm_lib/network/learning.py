"""Training and judging by whichever form of the network is faster here: the plain layers, or the fast one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from astsvm_lib.network.ast_network import feature_extractor
from astsvm_lib.network.fast import FastNetwork, applies
from astsvm_lib.network.training import _class_weights, predict, train
from astsvm_lib.recipe import Optimisation


@dataclass(frozen=True)
class Outputs:
    """What a trained network says of a fold.

    Attributes
    ----------
    known, tested
        Features (clips, D) of the clips it learned from, and of the others.
    probabilities
        Of the classes, (clips, classes), for the others.
    epochs
        Loss and accuracy of each.
    """

    known: np.ndarray
    tested: np.ndarray
    probabilities: np.ndarray
    epochs: list[dict[str, float]]


def learn(
    network: keras.Model,
    inputs: list[np.ndarray],
    labels: np.ndarray,
    options: Optimisation,
    epochs: int,
    rng: np.random.Generator,
    on_epoch: Callable[[], Any] | None = None,
) -> list[dict[str, float]]:
    """:func:`~astsvm_lib.network.train`, by the fast form where it applies: the same steps up to rounding."""
    if not applies(network):
        return train(network, inputs, labels, options, epochs, rng, on_epoch)
    fast = FastNetwork(network, inputs)
    weights = _class_weights(labels, options)
    history = []
    for _ in range(epochs):
        order = rng.permutation(len(labels))
        loss, correct = 0.0, 0
        for start in range(0, len(order), options.batch_size):
            batch = order[start : start + options.batch_size]
            chosen = None if weights is None else weights[batch]
            batch_loss, batch_correct = fast.step(batch, labels[batch], chosen, options.learning_rate)
            loss += batch_loss * len(batch)
            correct += batch_correct
        history.append({"loss": loss / len(order), "accuracy": correct / len(order)})
        if on_epoch:
            on_epoch()
    fast.hand_back()
    return history


def judge(network: keras.Model, inputs: list[np.ndarray], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Features (N, D) and class probabilities (N, classes) of clips, in inference mode, ``size`` at a time."""
    if not applies(network):
        return predict(feature_extractor(network), inputs, size), predict(network, inputs, size)
    fast = FastNetwork(network, inputs)
    rows = np.arange(len(inputs[0]))
    parts = [fast.forwards(rows[start : start + size]) for start in range(0, len(rows), size)]
    return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
