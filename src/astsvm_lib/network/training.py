"""Training with the softmax head (IV.B, reading R13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from astsvm_lib.features.pipeline import Features
from astsvm_lib.network.ast_network import initialise
from astsvm_lib.recipe import Recipe


def inputs_of(network: keras.Model, features: Features) -> list[np.ndarray]:
    """The arrays that the network's inputs take, in their order."""
    return [getattr(features, tensor.name) for tensor in network.inputs]


def compile_network(network: keras.Model, recipe: Recipe) -> None:
    """Attach Adam and the cross-entropy of the softmax head."""
    network.compile(
        keras.optimizers.Adam(recipe.training.learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )


def _reset_optimizer(network: keras.Model) -> None:
    """Forget the moments of an earlier fold; compiling anew would cost seconds."""
    for variable in network.optimizer.variables:
        if "learning_rate" not in variable.path:
            variable.assign(np.zeros(variable.shape, variable.dtype))


def _class_weights(labels: np.ndarray, recipe: Recipe) -> np.ndarray | None:
    """Weight of each clip in the loss, mean 1; None where all count alike."""
    if recipe.training.class_weights == "none":
        return None
    counts = np.bincount(labels)
    return (len(labels) / ((counts > 0).sum() * counts[labels])).astype(np.float32)


def train(
    network: keras.Model,
    features: Features,
    labels: np.ndarray,
    recipe: Recipe,
    epochs: int,
    rng: np.random.Generator,
    on_epoch: Callable[[], Any] | None = None,
) -> list[dict[str, float]]:
    """Train from fresh weights for a fixed number of epochs.

    Parameters
    ----------
    network
        Compiled by :func:`compile_network`; its weights and optimiser state are reset first.
    features, labels
        Training clips, and their class numbers.
    epochs
        Fixed beforehand: nothing here looks at the subject that is left out.
    rng
        Draws the weights, then each epoch's order of clips.
    on_epoch
        Called after each epoch, for a progress bar.

    Returns
    -------
    list of dict
        Mean ``loss`` and ``accuracy`` over the clips of each epoch, as they were trained on.
    """
    initialise(network, rng, recipe.training.attention_start)
    network.optimizer.build(network.trainable_variables)
    _reset_optimizer(network)
    inputs = inputs_of(network, features)
    weights = _class_weights(labels, recipe)
    size = recipe.training.batch_size
    history = []
    for _ in range(epochs):
        order = rng.permutation(len(labels))
        loss, correct = 0.0, 0.0
        for start in range(0, len(order), size):
            batch = order[start : start + size]
            network.reset_metrics()
            result = network.train_on_batch(
                [x[batch] for x in inputs],
                labels[batch],
                sample_weight=None if weights is None else weights[batch],
                return_dict=True,
            )
            loss += float(result["loss"]) * len(batch)
            correct += float(result["accuracy"]) * len(batch)
        history.append({"loss": loss / len(order), "accuracy": correct / len(order)})
        if on_epoch:
            on_epoch()
    return history
