"""Down-sampling to 32x32 (R9), and the 2D and 3D inception modules (III.C, figure 4, Table 1)."""

from __future__ import annotations

from typing import Any, Literal

import keras
from keras import layers, ops

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1

FILTERS = 16
#: Table 1: (layer name, kernel). The kernel of a "2D" convolution spans one frame.
BRANCHES_2D = (("conv2d_1", (1, 1, 1)), ("conv2d_2", (1, 3, 3)), ("conv2d_3", (1, 5, 5)))
BRANCHES_3D = (("conv3d_4", (3, 3, 3)), ("conv3d_5", (3, 5, 5)), ("conv3d_6", (3, 7, 7)))


@keras.saving.register_keras_serializable("astsvm")
class Downsample(layers.Layer):
    """Down-sampling of (B, T, H, W) to (B, T, 32, 32, 1); the paper gives the sizes, but not the method (R9).

    Parameters
    ----------
    method
        ``"average"``: mean of each 6 x 6 block; ``"strided"``: a learned 6 x 6 convolution with
        stride 6, shared by all frames; ``"bilinear"``: bilinear resizing without anti-aliasing.
    size
        Height and width of the output, in pixels.

    Raises
    ------
    ValueError
        On building, if height and width of the input are not the same multiple of ``size``.
    """

    def __init__(
        self, method: Literal["average", "strided", "bilinear"] = "average", size: int = 32, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.method = method
        self.size = size

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        self.factor = int(input_shape[-1] or 0) // self.size
        if any(side != self.factor * self.size for side in input_shape[2:]):
            raise ValueError(
                f"Downsample: expected a height and width that are the same multiple of {self.size}, "
                f"received {input_shape[2:]}"
            )
        if self.method == "strided":
            self.kernel = self.add_weight(
                shape=(self.factor, self.factor, 1, 1), initializer="glorot_uniform", name="kernel"
            )

    def call(self, x: Any) -> Any:
        _, frames, height, width = x.shape
        if self.method == "average":
            blocks = (-1, frames, self.size, self.factor, self.size, self.factor)
            return ops.mean(ops.reshape(x, blocks), axis=(3, 5))[..., None]
        images = ops.reshape(x, (-1, height, width, 1))
        if self.method == "strided":
            small = ops.conv(images, self.kernel, strides=self.factor, padding="valid", data_format="channels_last")
        else:
            small = ops.image.resize(images, (self.size, self.size), "bilinear", data_format="channels_last")
        return ops.reshape(small, (-1, frames, self.size, self.size, 1))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:2], self.size, self.size, 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "method": self.method, "size": self.size}


def inception(x: Any, modules: Literal["both", "2d", "3d"], prefix: str) -> Any:
    """Parallel convolutions, each followed by 3 x 3 x 3 max pooling, and concatenated (Table 1).

    Parameters
    ----------
    x
        Keras tensor (B, 10, 32, 32, 1).
    modules
        Both modules (96 channels) or one of them (48 channels).
    prefix
        Prefix of the layer names, which are otherwise the paper's, so that they differ between the streams.

    Returns
    -------
    Keras tensor
        (B, 4, 11, 11, 96) or (B, 4, 11, 11, 48).

    Notes
    -----
    With one input channel, a convolution with kernels of n weights has 16 * (n + 1) parameters: 32, 160, 416, 448,
    1216, 2368. With "same" padding, pooling reduces 10 frames to 4 and 32 pixels to 11.
    """
    branches = (BRANCHES_2D if modules != "3d" else ()) + (BRANCHES_3D if modules != "2d" else ())
    pooled = []
    for name, kernel in branches:
        convolution = layers.Conv3D(
            FILTERS, kernel, padding="same", activation="relu", data_format="channels_last", name=f"{prefix}_{name}"
        )
        pool = layers.MaxPooling3D(
            3, padding="same", data_format="channels_last", name=f"{prefix}_max_pool3d_{name[-1]}"
        )
        pooled.append(pool(convolution(x)))
    return layers.Concatenate(name=f"{prefix}_concatenate")(pooled)
