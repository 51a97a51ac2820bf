"""STSTNet: a shallow network with three streams for onset-apex flow and strain (Liong et al. 2019)."""

from __future__ import annotations

import keras
from keras import layers

from astsvm_lib.features.onset_apex import SIDE

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1

#: Number of filters in each of the three streams.
KERNELS = (3, 5, 8)


def ststnet(classes: int = 3, batch_norm: bool = True, dropout: float = 0.5) -> keras.Model:
    """The network, uncompiled.

    Parameters
    ----------
    classes
        Number of classes.
    batch_norm
        Whether to apply batch normalisation in each stream, as in the authors' later code.
    dropout
        Dropout rate after the pooling of each stream.

    Returns
    -------
    keras.Model
        Inputs ``u``, ``v``, ``strain``, (B, 28, 28) each, from onset to apex. Output: class probabilities
        (B, classes). With three classes, the convolutions have 448 parameters, the head 1,203, and batch
        normalisation 32.

    Notes
    -----
    Liong et al. 2019: each stream applies a 3x3 convolution with 3, 5 or 8 filters and 3x3 max pooling to all three
    maps. The 16 concatenated channels of 10x10 are reduced to 5x5 by average pooling and passed to the head.
    """
    inputs = [keras.Input((SIDE, SIDE), name=name) for name in ("u", "v", "strain")]
    maps = layers.Concatenate(name="maps")(
        [layers.Reshape((SIDE, SIDE, 1), name=f"{tensor.name}_channel")(tensor) for tensor in inputs]
    )
    streams = []
    for kernels in KERNELS:
        x = layers.Conv2D(kernels, 3, padding="same", activation="relu", name=f"convolution_{kernels}")(maps)
        if batch_norm:
            x = layers.BatchNormalization(momentum=0.9, name=f"normalise_{kernels}")(x)
        x = layers.MaxPooling2D(3, padding="same", name=f"pool_{kernels}")(x)
        streams.append(layers.Dropout(dropout, name=f"dropout_{kernels}")(x))
    x = layers.Concatenate(name="streams")(streams)
    x = layers.Flatten(name="flatten")(layers.AveragePooling2D(2, name="average")(x))
    return keras.Model(inputs, layers.Dense(classes, activation="softmax", name="head")(x), name="ststnet")
