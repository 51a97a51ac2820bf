"""A trained network with its attention weights replaced by their mean over the training clips.

If attention depends on the clip, this changes the network's output; if its weights are the same for all clips, or all
equal, it does not.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers, ops

from astsvm_lib.models.ast_network import FEATURES_LAYER
from astsvm_lib.models.fusion_attention import Attention

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1

#: Number of clips computed together.
BATCH = 32


class FixedWeights(layers.Layer):
    """Multiplication of the input (B, T, H, W) by weights that are the same for all clips.

    Parameters
    ----------
    weights
        (1, T, 1, 1) or (1, 1, H, W).
    """

    def __init__(self, weights: np.ndarray, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fixed = weights

    def call(self, x: Any) -> Any:
        """``x`` times the weights."""
        return x * ops.convert_to_tensor(self.fixed, x.dtype)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape


def outputs_of(model: keras.Model, inputs: list[np.ndarray]) -> list[np.ndarray]:
    """Outputs of a model with several outputs, in inference mode.

    Parameters
    ----------
    model
        Keras model.
    inputs
        N clips, one array (N, ...) per input.

    Returns
    -------
    list of numpy.ndarray
        One array (N, ...) per output.
    """
    parts = [model([x[i : i + BATCH] for x in inputs], training=False) for i in range(0, len(inputs[0]), BATCH)]
    return [
        np.concatenate([keras.ops.convert_to_numpy(value) for value in values]) for values in zip(*parts, strict=True)
    ]


def attention_weights_of(network: keras.Model, inputs: list[np.ndarray]) -> dict[str, np.ndarray]:
    """Attention weights of clips, in inference mode.

    Parameters
    ----------
    network
        As from :func:`~astsvm_lib.models.ast_network.build_network`.
    inputs
        N clips, one array (N, 10, 192, 192) per input of the network.

    Returns
    -------
    dict of str to numpy.ndarray
        By name of the layer: (N, T, 1, 1) for CAM and (N, 1, H, W) for SAM.
    """
    found = [layer for layer in network.layers if isinstance(layer, Attention)]
    before = keras.Model(network.inputs, [layer.input for layer in found])
    parts: dict[str, list[np.ndarray]] = {layer.name: [] for layer in found}
    for start in range(0, len(inputs[0]), BATCH):
        values = before([x[start : start + BATCH] for x in inputs], training=False)
        for layer, value in zip(found, values, strict=True):
            parts[layer.name].append(keras.ops.convert_to_numpy(layer.weights_of(value, training=False)))
    return {name: np.concatenate(weights) for name, weights in parts.items()}


def with_fixed_attention(network: keras.Model, weights: dict[str, np.ndarray]) -> keras.Model:
    """A copy of a network with given attention weights.

    Parameters
    ----------
    network
        Trained network; all of its other layers are copied with their weights.
    weights
        (1, T, 1, 1) or (1, 1, H, W) by name of the layer, for all attention layers.

    Returns
    -------
    keras.Model
        Outputs: features (B, D) and class probabilities (B, classes).
    """

    def replaced(layer: layers.Layer) -> layers.Layer:
        if layer.name in weights:
            return FixedWeights(weights[layer.name], name=layer.name)
        return layer.__class__.from_config(layer.get_config())

    copy = keras.models.clone_model(network, clone_function=replaced)
    for layer in network.layers:
        if layer.name not in weights and layer.weights:
            copy.get_layer(layer.name).set_weights(layer.get_weights())
    return keras.Model(copy.inputs, [copy.get_layer(FEATURES_LAYER).output, copy.output])
