"""STSTNet: three shallow streams over onset-apex flow and strain (Liong et al. 2019)."""

from __future__ import annotations

import keras
from keras import layers

from astsvm_lib.features.onset_apex import SIDE

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1

#: Kernels of the three streams.
KERNELS = (3, 5, 8)


def ststnet(classes: int = 3, batch_norm: bool = True, dropout: float = 0.5) -> keras.Model:
    """The network, uncompiled.

    Parameters
    ----------
    classes
        Outputs.
    batch_norm
        Normalise each stream over the batch, as the authors' later program does.
    dropout
        Share of each stream's pooled values that is left out in training.

    Returns
    -------
    keras.Model
        Inputs ``u``, ``v``, ``strain``, (B, 28, 28) each, from onset to apex. Output: class probabilities
        (B, classes). With three classes 448 parameters in the convolutions and 1,203 in the head; 32 more
        scale and shift the normalised streams.

    Notes
    -----
    Liong et al. 2019: each stream sees all three maps through a 3x3 convolution of 3, 5 or 8 kernels and a
    3x3 pooling; the 16 joined channels, 10x10, are averaged to 5x5 and go to the head.
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
