"""Training with the softmax head (IV.B, reading R13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from astsvm_lib.features.pipeline import Features
from astsvm_lib.recipe import Optimisation


def inputs_of(network: keras.Model, features: Features) -> list[np.ndarray]:
    """The arrays that the network's inputs take, in their order."""
    return [getattr(features, tensor.name) for tensor in network.inputs]


def predict(model: keras.Model, inputs: list[np.ndarray], size: int) -> np.ndarray:
    """Outputs for all clips, in inference mode, ``size`` clips at a time."""
    starts = range(0, len(inputs[0]), size)
    return np.concatenate(
        [keras.ops.convert_to_numpy(model([x[s : s + size] for x in inputs], training=False)) for s in starts]
    )


def compile_network(network: keras.Model, options: Optimisation) -> None:
    """Attach Adam and the cross-entropy of the softmax head."""
    network.compile(
        keras.optimizers.Adam(options.learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )


def _reset_optimizer(network: keras.Model) -> None:
    """Forget the moments of an earlier fold; compiling anew would cost seconds."""
    for variable in network.optimizer.variables:
        if "learning_rate" not in variable.path:
            variable.assign(np.zeros(variable.shape, variable.dtype))


def _restart_dropout(network: keras.Model, rng: np.random.Generator) -> None:
    """Let layers that draw at random draw the same for the same generator."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dropout):
            state = layer.seed_generator.state
            state.assign(rng.integers(2**31, size=state.shape))


def _class_weights(labels: np.ndarray, options: Optimisation) -> np.ndarray | None:
    """Weight of each clip in the loss, mean 1; None where all count alike."""
    if options.class_weights == "none":
        return None
    counts = np.bincount(labels)
    return (len(labels) / ((counts > 0).sum() * counts[labels])).astype(np.float32)


def train(
    network: keras.Model,
    inputs: list[np.ndarray],
    labels: np.ndarray,
    options: Optimisation,
    epochs: int,
    rng: np.random.Generator,
    on_epoch: Callable[[], Any] | None = None,
) -> list[dict[str, float]]:
    """Train for a fixed number of epochs, from the weights that the network has.

    Parameters
    ----------
    network
        Compiled by :func:`compile_network`, with fresh weights (:func:`~astsvm_lib.network.initialise`);
        what the optimiser remembers is forgotten first.
    inputs, labels
        Training clips, one array an input, and their class numbers.
    options
        Batch size and class weights.
    epochs
        Fixed beforehand: nothing here looks at the subject that is left out.
    rng
        Draws each epoch's order of clips.
    on_epoch
        Called after each epoch, for a progress bar.

    Returns
    -------
    list of dict
        Mean ``loss`` and ``accuracy`` over the clips of each epoch, as they were trained on.
    """
    network.optimizer.build(network.trainable_variables)
    _reset_optimizer(network)
    _restart_dropout(network, rng)
    weights = _class_weights(labels, options)
    size = options.batch_size
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
