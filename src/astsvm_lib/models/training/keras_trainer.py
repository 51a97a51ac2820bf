"""Training with the softmax head by Keras, on any backend and device (IV.B, reading R13)."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import keras
import numpy as np

from astsvm_lib.models.ast_network import FEATURES_LAYER
from astsvm_lib.models.training.trainer import History, OnEpoch, Trainer, class_weights
from astsvm_lib.recipe import Optimisation

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1


class Logits(keras.layers.Layer):
    """The output of a dense layer before its activation, with the weights of that layer.

    The cross-entropy of logits has a gradient however wrong a prediction is. From probabilities, Keras computes it
    after clipping them to 1e-7 on JAX and PyTorch, so that the gradient of a clip that is predicted very wrongly is 0.

    Parameters
    ----------
    head
        Dense layer of a network.
    """

    def __init__(self, head: keras.layers.Dense, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.head = head

    def call(self, x: Any) -> Any:
        """Logits (B, classes) of features (B, D)."""
        return keras.ops.matmul(x, self.head.kernel) + self.head.bias

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.head.units)


def with_logits(network: keras.Model) -> keras.Model:
    """The network with logits (B, classes) as its output, and the same weights.

    Parameters
    ----------
    network
        Its last layer is dense, with the softmax as its activation.
    """
    head = network.layers[-1]
    return keras.Model(network.inputs, Logits(head, name="logits")(head.input), name=network.name)


def compile_network(network: keras.Model, options: Optimisation) -> None:
    """Compile a network with Adam and the cross-entropy of the softmax head.

    Parameters
    ----------
    network
        Network with integer class labels as targets.
    options
        ``learning_rate`` of Adam.
    """
    network.compile(
        keras.optimizers.Adam(options.learning_rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )


def _reset_optimizer(network: keras.Model) -> None:
    """Reset Adam's moments and step count; this is much faster than compiling the network again."""
    for variable in network.optimizer.variables:
        if "learning_rate" not in variable.path:
            variable.assign(np.zeros(variable.shape, variable.dtype))


def restart_dropout(network: keras.Model, rng: np.random.Generator) -> None:
    """Seed the dropout layers of a network from a random number generator, so that training is reproducible."""
    for layer in network.layers:
        if isinstance(layer, keras.layers.Dropout) and layer.rate > 0:  # a layer with rate 0 has no generator
            state = layer.seed_generator.state
            state.assign(rng.integers(2**31, size=state.shape))


class KerasTrainer(Trainer):
    """Reference trainer, which calls ``train_on_batch`` for each batch of each epoch."""

    stage = "trainer-keras"

    def __init__(self, network: keras.Model, options: Optimisation, attention_start: str = "neutral") -> None:
        super().__init__(network, options, attention_start)
        outputs = {"probabilities": network.output}
        if FEATURES_LAYER in [layer.name for layer in network.layers]:
            outputs["features"] = network.get_layer(FEATURES_LAYER).output
        self._outputs = keras.Model(network.inputs, outputs)

    @cached_property
    def _trained(self) -> keras.Model:
        """The network with logits as its output, compiled with the same optimiser."""
        network = with_logits(self.network)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        network.compile(self.network.optimizer, loss, metrics=["accuracy"])
        return network

    def fit(
        self,
        inputs: list[np.ndarray],
        labels: np.ndarray,
        epochs: int,
        rng: np.random.Generator,
        on_epoch: OnEpoch = None,
    ) -> History:
        network, trained, size = self.network, self._trained, self.options.batch_size
        network.optimizer.build(network.trainable_variables)
        _reset_optimizer(network)
        restart_dropout(network, rng)
        weights = class_weights(labels, self.options)
        history = []
        for epoch in range(1, epochs + 1):
            order = rng.permutation(len(labels))
            loss, correct = 0.0, 0.0
            for start in range(0, len(order), size):
                batch = order[start : start + size]
                trained.reset_metrics()
                result = trained.train_on_batch(
                    [x[batch] for x in inputs],
                    labels[batch],
                    sample_weight=None if weights is None else weights[batch],
                    return_dict=True,
                )
                loss += float(result["loss"]) * len(batch)
                correct += float(result["accuracy"]) * len(batch)
            history.append({"epoch": epoch, "loss": loss / len(order), "accuracy": correct / len(order)})
            if on_epoch:
                on_epoch()
        return history

    def predict(self, inputs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        size = self.options.batch_size
        parts: dict[str, list[np.ndarray]] = {}
        for start in range(0, len(inputs[0]), size):
            found = self._outputs([x[start : start + size] for x in inputs], training=False)
            for name, array in found.items():
                parts.setdefault(name, []).append(keras.ops.convert_to_numpy(array))
        arrays = {name: np.concatenate(values) for name, values in parts.items()}
        return arrays.get("features", np.zeros((len(inputs[0]), 0), np.float32)), arrays["probabilities"]
