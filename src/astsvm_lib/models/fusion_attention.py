r"""Channel and spatial attention (section III.B, figure 3; readings R7 and R8).

The channels of a clip are its frames. With :math:`\hat X` the batch-normalised input:

.. math::
    \text{CAM: } s &= \sigma\bigl(g_a(\operatorname{mean}_{hw}\hat X) + g_m(\max{}_{hw}\hat X)\bigr)
                      \in \mathbb R^{10} \\
    \text{SAM: } a &= \sigma\bigl(k_a * \operatorname{mean}_t\hat X + k_m * \max{}_t\hat X\bigr)
                      \in \mathbb R^{192\times 192}

A block multiplies its **un-normalised** input by its weights ("sampling"). FAM is CAM, followed by SAM on
the output of CAM.
"""

from __future__ import annotations

from typing import Any, Literal

import keras
from keras import layers, ops

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1

Activation = Literal["scaled-softmax", "softmax", "sigmoid"]


def attention_weights(scores: Any, activation: Activation) -> Any:
    """Attention weights from scores (R7).

    Parameters
    ----------
    scores
        (B, N).
    activation
        ``"softmax"``: the weights sum to 1, so that each is about 1 / N; over 36,864 positions, the output of the
        block is close to 0. ``"scaled-softmax"``: softmax times N, so that the mean of the weights is 1 and the
        magnitude of the input is preserved. ``"sigmoid"``: as in CBAM.

    Returns
    -------
    tensor
        Weights (B, N).
    """
    if activation == "sigmoid":
        return ops.sigmoid(scores)
    weights = ops.softmax(scores, axis=-1)
    return weights * scores.shape[-1] if activation == "scaled-softmax" else weights


class Attention(layers.Layer):
    """Base class of both attention blocks: batch normalisation of each frame, and the activation.

    Parameters
    ----------
    activation
        Reading R7; see :func:`attention_weights`.
    momentum
        Momentum of the moving averages of batch normalisation.
    """

    def __init__(self, activation: Activation = "scaled-softmax", momentum: float = 0.9, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation: Activation = activation
        self.momentum = momentum
        self.norm = layers.BatchNormalization(axis=1, momentum=momentum, name="norm")

    def weights_of(self, x: Any, training: bool = False) -> Any:
        """Attention weights of the block.

        Parameters
        ----------
        x
            Input (B, T, H, W).
        training
            Whether batch normalisation uses the statistics of the batch.

        Returns
        -------
        tensor
            Weights that broadcast with ``x``.
        """
        raise NotImplementedError

    def call(self, x: Any, training: bool = False) -> Any:
        """``x`` times its attention weights, (B, T, H, W)."""
        return x * self.weights_of(x, training)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": self.activation, "momentum": self.momentum}


@keras.saving.register_keras_serializable("astsvm")
class ChannelAttention(Attention):
    """CAM: one weight per frame (figure 3b).

    Input and output are (B, T, H, W). Each of the two pooled vectors (B, T) is the input of an MLP with one
    hidden ReLU layer; the paper does not state whether the MLP is shared (R8).

    Parameters
    ----------
    hidden_units
        Width of the hidden layer.
    perceptron
        ``"separate"``: one MLP for the mean and one for the maximum; ``"shared"``: one MLP for both, as in CBAM.
    activation, momentum
        See :class:`Attention`.

    Notes
    -----
    Number of parameters for T = 10 and 5 hidden units: 2 x (10*5 + 5 + 5*10 + 10) = 230, and 20 for batch
    normalisation (without its 20 moving averages).
    """

    def __init__(
        self, hidden_units: int = 5, perceptron: Literal["separate", "shared"] = "separate", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.hidden_units = hidden_units
        self.perceptron = perceptron

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        frames = input_shape[1]
        self.norm.build(input_shape)
        paths = ("both",) if self.perceptron == "shared" else ("mean", "max")
        self.hidden = [layers.Dense(self.hidden_units, activation="relu", name=f"hidden_{p}") for p in paths]
        self.excite = [layers.Dense(frames, name=f"excite_{p}") for p in paths]
        for hidden, excite in zip(self.hidden, self.excite, strict=True):
            hidden.build((None, frames))
            excite.build((None, self.hidden_units))

    def weights_of(self, x: Any, training: bool = False) -> Any:
        """One weight per frame, (B, T, 1, 1)."""
        normal = self.norm(x, training=training)
        mean, peak = ops.mean(normal, axis=(2, 3)), ops.max(normal, axis=(2, 3))
        scores = self.excite[0](self.hidden[0](mean)) + self.excite[-1](self.hidden[-1](peak))
        return attention_weights(scores, self.activation)[:, :, None, None]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "hidden_units": self.hidden_units, "perceptron": self.perceptron}


@keras.saving.register_keras_serializable("astsvm")
class SpatialAttention(Attention):
    """SAM: one weight per position (figure 3a).

    Input and output are (B, T, H, W). The mean and the maximum over the frames, (B, H, W) each, have
    separate convolutions: "we separated the average pooling and max pooling".

    Parameters
    ----------
    kernel_size
        Side of both kernels, in pixels.
    activation, momentum
        See :class:`Attention`.

    Notes
    -----
    A bias adds the same value to all scores, which does not change a softmax. The convolutions therefore have no
    bias with a softmax, and one common bias with a sigmoid. Number of parameters with 7 x 7 kernels: 2 x 49 = 98,
    and 20 for batch normalisation.
    """

    def __init__(self, kernel_size: int = 7, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kernel_size = kernel_size
        self.coarse = layers.Conv2D(1, kernel_size, padding="same", use_bias=False, name="coarse",
                                    data_format="channels_last")  # fmt: skip
        self.fine = layers.Conv2D(1, kernel_size, padding="same", use_bias=self.activation == "sigmoid", name="fine",
                                  data_format="channels_last")  # fmt: skip

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        _, _, height, width = input_shape
        self.norm.build(input_shape)
        self.coarse.build((None, height, width, 1))
        self.fine.build((None, height, width, 1))

    def weights_of(self, x: Any, training: bool = False) -> Any:
        """One weight per position, (B, 1, H, W)."""
        height, width = x.shape[2:]
        normal = self.norm(x, training=training)
        mean, peak = ops.mean(normal, axis=1), ops.max(normal, axis=1)
        scores = self.coarse(mean[..., None]) + self.fine(peak[..., None])
        flat = ops.reshape(scores, (-1, height * width))
        return ops.reshape(attention_weights(flat, self.activation), (-1, 1, height, width))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "kernel_size": self.kernel_size}
