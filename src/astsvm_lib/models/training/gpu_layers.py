"""Convolution, max pooling and batch normalisation of a Keras network, rewritten for the training of folds on a GPU.

Convolutions of one or a few input channels, with different kernels for each fold, are slow in cuDNN. Here each is a
matrix product of shifted copies of the input, and max pooling is a maximum over blocks. Batch normalisation excludes
the padding of a batch from its moments. The results equal those of the Keras layers up to rounding.
"""

from __future__ import annotations

import itertools
from typing import Any

import keras
import numpy as np
from keras import layers


class BatchMask:
    """Which rows of the present batch are clips, and which are padding.

    Attributes
    ----------
    rows
        (B,): 1 for a clip, 0 for padding; None for a batch without padding.
    """

    def __init__(self) -> None:
        self.rows: Any = None


def _shifted(x: Any, size: tuple[int, ...], fill: float = 0.0) -> list[Any]:
    """Copies of x (B, ..., C) of the same shape, one for each weight of a kernel (...) with "same" padding."""
    import jax.numpy as jnp

    before = [(side - 1) // 2 for side in size]
    pads = [(0, 0), *((low, side - 1 - low) for low, side in zip(before, size, strict=True)), (0, 0)]
    padded = jnp.pad(x, pads, constant_values=fill)
    spans = x.shape[1:-1]
    return [
        padded[(slice(None), *(slice(start, start + span) for start, span in zip(offset, spans, strict=True)))]
        for offset in itertools.product(*map(range, size))
    ]


def convolve(x: Any, kernel: Any) -> Any:
    """Convolution with stride 1 and "same" padding.

    Parameters
    ----------
    x
        (B, ..., I), with the channels last.
    kernel
        (..., I, O).

    Returns
    -------
    jax.Array
        (B, ..., O).
    """
    import jax.numpy as jnp

    kernel = keras.ops.convert_to_tensor(kernel)
    *size, channels, filters = kernel.shape
    copies = _shifted(x, tuple(size))
    flat = kernel.reshape(-1, channels, filters)
    if channels == filters == 1:  # compiled to one pass over x
        return sum(copy * weight for copy, weight in zip(copies, flat[:, 0, 0], strict=True))
    # (weights * I, B * ...): each copy stays contiguous
    rows = jnp.concatenate([jnp.moveaxis(copy, -1, 0).reshape(channels, -1) for copy in copies])
    return (rows.T @ flat.reshape(-1, filters)).reshape(*x.shape[:-1], filters)


def max_pool(x: Any, size: tuple[int, ...], padding: str) -> Any:
    """Maximum over adjacent blocks of ``size`` of x (B, ..., C); ``padding`` is ``"same"`` or ``"valid"``."""
    import jax.numpy as jnp

    spans, pads, shape = x.shape[1:-1], [(0, 0)], [x.shape[0]]
    for span, side in zip(spans, size, strict=True):
        blocks = -(-span // side) if padding == "same" else span // side
        missing = max(0, blocks * side - span)
        pads.append((missing // 2, missing - missing // 2))
        shape += [blocks, side]
    kept = [slice(0, count * side) for count, side in zip(shape[1::2], size, strict=True)]
    padded = jnp.pad(x, [*pads, (0, 0)], constant_values=-np.inf)[(slice(None), *kept)]
    return padded.reshape(*shape, x.shape[-1]).max(tuple(range(2, 2 * len(size) + 1, 2)))


def rewrite(network: keras.Model) -> BatchMask:
    """Replace the computations of a network's layers, in place; its weights stay as they are.

    Parameters
    ----------
    network
        With Keras's JAX backend.

    Returns
    -------
    BatchMask
        To be set before each call of the network, while it is traced.
    """
    mask = BatchMask()
    for layer in network._flatten_layers(include_self=False):
        if isinstance(layer, layers.BatchNormalization):
            layer._moments = _masked_moments(layer, mask)
        elif isinstance(layer, (layers.Conv2D, layers.Conv3D)) and _is_plain(layer):
            layer.convolution_op = convolve
        elif isinstance(layer, (layers.MaxPooling2D, layers.MaxPooling3D)) and layer.strides == layer.pool_size:
            layer.call = _pool(layer)
    return mask


def _is_plain(layer: Any) -> bool:
    """Whether :func:`convolve` computes this convolution."""
    channels_last = layer.data_format == "channels_last" and layer.groups == 1
    return bool(channels_last and layer.padding == "same" and {*layer.strides, *layer.dilation_rate} == {1})


def _pool(layer: Any) -> Any:
    return lambda inputs: max_pool(inputs, tuple(layer.pool_size), layer.padding)


def _masked_moments(layer: Any, mask: BatchMask) -> Any:
    """``BatchNormalization._moments`` over the clips of the batch."""
    import jax.numpy as jnp

    def moments(inputs: Any, _: Any) -> tuple[Any, Any]:
        axes = tuple(layer._reduction_axes)
        if mask.rows is None:
            return inputs.mean(axes), inputs.var(axes)
        weights = mask.rows.reshape(-1, *[1] * (inputs.ndim - 1))
        count = jnp.maximum(mask.rows.sum(), 1) * (inputs[0].size / inputs.shape[layer.axis])
        mean = (weights * inputs).sum(axes, keepdims=True) / count
        variance = (weights * jnp.square(inputs - mean)).sum(axes) / count
        return mean.squeeze(axes), variance

    return moments
