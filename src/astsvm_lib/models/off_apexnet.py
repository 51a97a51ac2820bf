"""OFF-ApexNet: a convolutional network with two streams for the onset-apex flow (Gan et al. 2019)."""

from __future__ import annotations

import keras
from keras import layers

from astsvm_lib.features.onset_apex import SIDE

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1


def off_apexnet(classes: int = 3, dropout: float = 0.5) -> keras.Model:
    """The network, uncompiled.

    Parameters
    ----------
    classes
        Number of classes.
    dropout
        Dropout rate of the dense layers.

    Returns
    -------
    keras.Model
        Inputs ``u`` and ``v``, (B, 28, 28) each: the two components of the flow from onset to apex.
        Output: class probabilities (B, classes). 2,664,475 parameters with three classes.

    Notes
    -----
    Gan et al. 2019: in each stream a 5x5 convolution with 6 filters, 2x2 max pooling, a 5x5 convolution with 16
    filters, 2x2 max pooling; then two dense layers of 1024 units.
    """
    inputs, streams = [], []
    for name in ("u", "v"):
        start = x = keras.Input((SIDE, SIDE), name=name)
        x = layers.Reshape((SIDE, SIDE, 1), name=f"{name}_channel")(x)
        for number, kernels in enumerate((6, 16), 1):
            x = layers.Conv2D(kernels, 5, padding="same", activation="relu", name=f"{name}_convolution_{number}")(x)
            x = layers.MaxPooling2D(2, name=f"{name}_pool_{number}")(x)
        inputs.append(start)
        streams.append(layers.Flatten(name=f"{name}_flatten")(x))
    x = layers.Concatenate(name="streams")(streams)
    for number in (1, 2):
        x = layers.Dense(1024, activation="relu", name=f"dense_{number}")(x)
        x = layers.Dropout(dropout, name=f"dropout_{number}")(x)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax", name="head")(x), name="off_apexnet")
