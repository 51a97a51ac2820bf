"""The two-stream AST network: attention, down-sampling and inception per stream, then a softmax head."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers

from astsvm_lib.network.attention import ChannelAttention, SpatialAttention
from astsvm_lib.network.inception import Downsample, inception
from astsvm_lib.recipe import Attention as AttentionRecipe
from astsvm_lib.recipe import Recipe

SIDE = 192
FEATURES_LAYER = "features"


def _attend(x: Any, options: AttentionRecipe, momentum: float, prefix: str) -> Any:
    """FAM, or the part of it that the recipe asks for."""
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


def stream_names(recipe: Recipe) -> tuple[str, ...]:
    """The streams of the network, in the order of its inputs: ``flow``, ``idsf`` or both (R10)."""
    return ("flow", "idsf") if recipe.inception.streams == "both" else (recipe.inception.streams,)


def build_network(recipe: Recipe, classes: int = 3) -> keras.Model:
    """The network of the paper, uncompiled.

    Parameters
    ----------
    recipe
        Stages ``attention``, ``inception``, ``head`` and ``training.batch_norm_momentum``.
    classes
        Outputs of the softmax head that trains it.

    Returns
    -------
    keras.Model
        Inputs: one (B, 10, 192, 192) per stream. Output: class probabilities (B, classes). The
        layer called ``features`` gives what the SVM is fed: 92,928 numbers in the full network.

    Notes
    -----
    Sections III.B and III.C, Table 1, readings R7-R11; chapters "Fusion attention" and "Inception".
    """
    inputs, outputs = [], []
    for name in stream_names(recipe):
        x = keras.Input((recipe.interpolation.frames, SIDE, SIDE), name=name)
        inputs.append(x)
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
    """The same network, cut where the features go to the SVM."""
    return keras.Model(network.inputs, network.get_layer(FEATURES_LAYER).output, name="feature_extractor")


#: Sub-layers whose output is the score of an attention block.
SCORING = ("excite_mean", "excite_max", "excite_both", "coarse", "fine")


def initialise(network: keras.Model, rng: np.random.Generator, attention_start: str = "neutral") -> None:
    """Give the network fresh weights, the same for the same generator on every backend.

    Kernels are drawn by Glorot and Bengio's uniform rule (2010), Keras's default; scales and moving
    variances are 1, all else 0. With a ``"neutral"`` start the kernels that give attention scores are
    0: every weight of a block is then the same, and the block begins by passing its input through.
    With ``"glorot"`` a softmax over 36,864 positions may begin with nearly all its weight on one.
    """
    for variable in network.weights:
        shape, name = tuple(variable.shape), variable.path.split("/")[-1]
        if "kernel" in name:
            receptive = int(np.prod(shape[:-2]))
            limit = np.sqrt(6 / (receptive * (shape[-2] + shape[-1])))
            value = rng.uniform(-limit, limit, shape)
            if attention_start == "neutral" and variable.path.split("/")[-2] in SCORING:
                value = np.zeros(shape)
        elif name in ("gamma", "moving_variance"):
            value = np.ones(shape)
        else:
            value = np.zeros(shape)
        variable.assign(value.astype(np.float32))


def layer_table(network: keras.Model) -> list[dict[str, Any]]:
    """Every layer in order: name, output shape without the batch, number of parameters."""
    return [
        {
            "name": layer.name,
            "output_shape": [int(side) for side in layer.output.shape[1:]],
            "parameters": int(layer.count_params()),
        }
        for layer in network.layers
    ]
