"""Initialisation of the weights of all networks (reading R13)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import keras

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 2

#: Sub-layers whose outputs are the scores of an attention block.
SCORING = ("excite_mean", "excite_max", "excite_both", "coarse", "fine")


def initialise(network: keras.Model, rng: np.random.Generator, attention_start: str = "neutral") -> None:
    """Initialise the weights of a network; a seed gives the same weights on every backend.

    Kernels are drawn from Glorot and Bengio's uniform distribution (2010), the default of Keras. Scales, factors
    of inputs and moving variances are set to 1, all other variables to 0.

    Parameters
    ----------
    network
        Its weights are overwritten, in the order of ``network.weights``.
    rng
        Random number generator for the kernels.
    attention_start
        ``"neutral"``: kernels that give attention scores are set to 0, so that all attention weights of a block are
        equal at the start. ``"glorot"``: they are drawn like all other kernels; a softmax over 36,864 positions
        may then start with nearly all of its weight on one position (R13).
    """
    for variable in network.weights:
        shape, name = tuple(variable.shape), variable.path.split("/")[-1]
        if "kernel" in name:
            receptive = int(np.prod(shape[:-2]))
            limit = np.sqrt(6 / (receptive * (shape[-2] + shape[-1])))
            value = rng.uniform(-limit, limit, shape)
            if attention_start == "neutral" and variable.path.split("/")[-2] in SCORING:
                value = np.zeros(shape)
        elif name in ("gamma", "moving_variance", "scale"):
            value = np.ones(shape)
        else:
            value = np.zeros(shape)
        variable.assign(value.astype(np.float32))
