"""The weights that every network starts from (reading R13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1

#: Sub-layers whose output is the score of an attention block.
SCORING = ("excite_mean", "excite_max", "excite_both", "coarse", "fine")


def initialise(network: keras.Model, rng: np.random.Generator, attention_start: str = "neutral") -> None:
    """Give the network fresh weights, the same for the same generator on every backend.

    Kernels are drawn by Glorot and Bengio's uniform rule (2010), Keras's default; scales and moving
    variances are 1, all else 0. With a ``"neutral"`` start the kernels that give attention scores are
    0: every weight of a block is then the same, and the block begins by passing its input through.
    With ``"glorot"`` a softmax over 36,864 positions may begin with nearly all its weight on one.

    Parameters
    ----------
    network
        Its weights are overwritten, in the order of ``network.weights``.
    rng
        Draws every kernel.
    attention_start
        ``"neutral"`` or ``"glorot"`` (R13).
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
