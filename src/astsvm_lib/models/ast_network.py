"""The two-stream AST network: attention, down-sampling and inception per stream, then a softmax head."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers

from astsvm_lib.features.pipeline import Features, stream_names
from astsvm_lib.models.fusion_attention import ChannelAttention, SpatialAttention
from astsvm_lib.models.inception import Downsample, inception
from astsvm_lib.recipe import FRAMES, Recipe
from astsvm_lib.recipe import Attention as AttentionRecipe

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 2

SIDE = 192
FEATURES_LAYER = "features"


@keras.saving.register_keras_serializable("astsvm")
class InputScale(layers.Layer):
    """Division of an input by its standard deviation over the training clips, which is set by :meth:`adapt` (R13).

    Input and output are (B, T, H, W). The only weight is the factor, which is not trained.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.scale = self.add_weight(shape=(), initializer="ones", trainable=False, name="scale")

    def adapt(self, moments: np.ndarray) -> None:
        """Set the factor to 1 / (standard deviation of the input), from :func:`clip_moments` of the training clips."""
        means, variances = moments.T
        variance = variances.mean() + means.var()
        self.scale.assign(1 / np.sqrt(variance) if variance > 0 else 1.0)

    def call(self, x: Any) -> Any:
        """``x`` times the factor."""
        return x * self.scale

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape


def clip_moments(x: np.ndarray) -> np.ndarray:
    """Mean and variance (N, 2) of each clip of an input (N, ...), float64."""
    means = [clip.mean(dtype=np.float64) for clip in x]
    variances = [np.square(clip - np.float32(mean)).mean(dtype=np.float64) for clip, mean in zip(x, means, strict=True)]
    return np.stack([means, variances], 1)


def adapt_inputs(network: keras.Model, inputs: Sequence[np.ndarray]) -> None:
    """Set the factor of each :class:`InputScale` of a network; it must be called before training.

    Parameters
    ----------
    network
        As from :func:`build_network`; nothing is done if the recipe's ``training.input_scale`` is ``"none"``.
    inputs
        Training clips, one array (N, 10, 192, 192) per input of the network.
    """
    if any(isinstance(layer, InputScale) for layer in network.layers):
        adapt_inputs_to(network, [clip_moments(x) for x in inputs])


def adapt_inputs_to(network: keras.Model, moments: Sequence[np.ndarray]) -> None:
    """As :func:`adapt_inputs`, from :func:`clip_moments` of the training clips, (N, 2) for each input of the network.

    Moments that are computed once for all clips of a data set serve each of its folds.
    """
    for tensor, values in zip(network.inputs, moments, strict=True):
        for layer in network.layers:
            if isinstance(layer, InputScale) and layer.name == f"{tensor.name}_scale":
                layer.adapt(values)


def _attend(x: Any, options: AttentionRecipe, momentum: float, prefix: str) -> Any:
    """FAM, or the attention modules that the recipe selects."""
    channel = ChannelAttention(
        hidden_units=options.hidden_units,
        perceptron=options.perceptron,
        activation=options.activation,
        momentum=momentum,
        name=f"{prefix}_cam",
    )
    spatial = SpatialAttention(
        kernel_size=options.kernel_size, activation=options.activation, momentum=momentum, name=f"{prefix}_sam"
    )
    blocks = {"fam": [channel, spatial], "cam": [channel], "sam": [spatial], "none": []}[options.modules]
    if options.order == "spatial-first":
        blocks = blocks[::-1]
    for block in blocks:
        x = block(x)
    return x


def build_network(recipe: Recipe, classes: int = 3) -> keras.Model:
    """The network of the paper, uncompiled.

    Parameters
    ----------
    recipe
        Sections ``attention``, ``inception`` and ``head``; ``flow.component``, ``training.batch_norm_momentum`` and
        ``training.input_scale``.
    classes
        Number of classes, which is the size of the softmax head.

    Returns
    -------
    keras.Model
        Inputs: one (B, 10, 192, 192) per stream. Output: class probabilities (B, classes). The output of the
        layer ``features`` is the input of the SVM: (B, 92,928) in the full network.

    Notes
    -----
    Sections III.B and III.C, Table 1, readings R7-R11; chapters "Fusion attention" and "Inception".
    """
    inputs, outputs = [], []
    for name in stream_names(recipe):
        x = keras.Input((FRAMES, SIDE, SIDE), name=name)
        inputs.append(x)
        if recipe.training.input_scale == "deviation":
            x = InputScale(name=f"{name}_scale")(x)
        x = _attend(x, recipe.attention, recipe.training.batch_norm_momentum, name)
        x = Downsample(recipe.inception.downsampling, name=f"{name}_downsample")(x)
        modules = recipe.inception.modules
        if modules == "split":
            modules = "2d" if name == "idsf" else "3d"
        x = inception(x, modules, name)
        outputs.append(layers.Flatten(data_format="channels_last", name=f"{name}_flatten")(x))
    joined = layers.Concatenate(name="streams")(outputs) if len(outputs) > 1 else outputs[0]
    if recipe.head.softmax == "concatenate":
        joined = layers.Softmax(name="concatenate_softmax")(joined)
    features = layers.Identity(name=FEATURES_LAYER)(joined)
    probabilities = layers.Dense(classes, activation="softmax", name="head")(features)
    return keras.Model(inputs, probabilities, name="ast_network")


def feature_extractor(network: keras.Model) -> keras.Model:
    """The part of the network up to the layer ``features``, whose output is the input of the SVM."""
    return keras.Model(network.inputs, network.get_layer(FEATURES_LAYER).output, name="feature_extractor")


def inputs_of(network: keras.Model, features: Features) -> list[np.ndarray]:
    """Arrays for the inputs of a network.

    Parameters
    ----------
    network
        As from :func:`build_network`.
    features
        Features of N clips.

    Returns
    -------
    list of numpy.ndarray
        (N, 10, 192, 192) each, in the order of ``network.inputs``.
    """
    return [features.inputs[tensor.name] for tensor in network.inputs]


def layer_table(network: keras.Model) -> list[dict[str, Any]]:
    """Name, output shape (without the batch) and number of parameters of each layer, in order."""
    return [
        {
            "name": layer.name,
            "output_shape": [int(side) for side in layer.output.shape[1:]],
            "parameters": int(layer.count_params()),
        }
        for layer in network.layers
    ]
