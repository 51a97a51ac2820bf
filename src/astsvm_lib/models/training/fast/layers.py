"""Forward and backward passes of attention, pooling and inception, on NumPy arrays.

Each class corresponds to a Keras layer in :mod:`~astsvm_lib.models.fusion_attention` or
:mod:`~astsvm_lib.models.inception`, accesses its weights by path, and computes the same outputs and gradients.
The argument ``change`` of a backward pass is the gradient of the loss with respect to the layer's output. Gradients
of the weights are stored in ``gradients`` under the paths of the weights.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import keras
import numpy as np

from astsvm_lib.models.ast_network import InputScale
from astsvm_lib.models.fusion_attention import Attention, ChannelAttention, SpatialAttention
from astsvm_lib.models.inception import FILTERS, Downsample
from astsvm_lib.models.training.fast.loops import (
    KERNEL,
    MARGIN,
    RIGHT,
    convolve_and_pool,
    convolve_backwards,
    frame_maps,
    frame_moments,
    gradient_of_weight,
    gradients_of_scores,
    spatial_scores,
    weighted_blocks,
)
from astsvm_lib.parallel import thread_count

Weights = dict[str, np.ndarray]


def activate(scores: np.ndarray, activation: str) -> np.ndarray:
    """Attention weights (N, T) from scores (N, T); see :func:`~astsvm_lib.models.fusion_attention.attention_weights`.

    Parameters
    ----------
    scores
        (N, T).
    activation
        ``"softmax"``, ``"scaled-softmax"`` or ``"sigmoid"``.
    """
    if activation == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-scores)))
    raised = np.exp(scores - scores.max(1, keepdims=True))
    factor = scores.shape[1] if activation == "scaled-softmax" else 1
    return np.asarray(raised * (factor / raised.sum(1, keepdims=True)))


def activate_backwards(weights: np.ndarray, change: np.ndarray, activation: str) -> np.ndarray:
    """Gradient with respect to the scores.

    Parameters
    ----------
    weights
        Output (N, T) of :func:`activate`.
    change
        Gradient (N, T) with respect to the weights.
    activation
        As for :func:`activate`.
    """
    if activation == "sigmoid":
        return change * weights * (1 - weights)
    mean = (change * weights).sum(1, keepdims=True) / weights.sum(1, keepdims=True)
    return (change - mean) * weights


class BatchNorm:
    """Batch normalisation of each frame, as ``scale x + shift``."""

    def __init__(self, layer: keras.layers.BatchNormalization, weights: Weights) -> None:
        self.names = [v.path for v in (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)]
        self.momentum, self.epsilon, self.weights = layer.momentum, layer.epsilon, weights

    def affine(self, mean: np.ndarray, variance: np.ndarray, training: bool) -> tuple[np.ndarray, np.ndarray]:
        """Scale and shift (T,) from the means and variances (N, T) of frames.

        In inference, they are computed from the moving averages instead.
        """
        gamma, beta, moving_mean, moving_variance = (self.weights[name] for name in self.names)
        if training:
            self.mean = mean.mean(0)
            self.variance = (variance + (mean - self.mean) ** 2).mean(0)
            for moving, batch in ((moving_mean, self.mean), (moving_variance, self.variance)):
                moving *= self.momentum
                moving += (1 - self.momentum) * batch
        else:
            self.mean, self.variance = moving_mean, moving_variance
        self.inverse = 1 / np.sqrt(self.variance + self.epsilon)
        scale = gamma * self.inverse
        return scale, beta - self.mean * scale

    def backward(self, to_scale: np.ndarray, to_shift: np.ndarray, gradients: Weights) -> tuple[np.ndarray, np.ndarray]:
        """Store the gradients of gamma and beta; return those of the batch's mean and variance, (T,) each."""
        gamma = self.weights[self.names[0]]
        to_scale = to_scale - self.mean * to_shift
        gradients[self.names[0]], gradients[self.names[1]] = to_scale * self.inverse, to_shift
        return -gamma * self.inverse * to_shift, -0.5 * gamma * self.inverse**3 * to_scale


class ChannelWeights:
    """CAM's weights, from mean, variance, minimum and maximum of each frame."""

    def __init__(self, layer: ChannelAttention, weights: Weights) -> None:
        self.activation, self.weights = layer.activation, weights
        self.norm = BatchNorm(layer.norm, weights)
        self.paths = [
            [v.path for v in (hidden.kernel, hidden.bias, excite.kernel, excite.bias)]
            for hidden, excite in zip(layer.hidden, layer.excite, strict=True)
        ]

    def forward(self, moments: np.ndarray, training: bool) -> np.ndarray:
        """Weights (N, T) from the moments (N, T, 4) of frames; see ``frame_moments``."""
        mean, variance, low, high = np.moveaxis(moments, 2, 0)
        scale, shift = self.norm.affine(mean, variance, training)
        self.ends = (mean, np.where(scale >= 0, high, low))
        self.seen = [end * scale + shift for end in self.ends]
        self.hidden, scores = [], 0
        for seen, path in zip(self.seen, (self.paths[0], self.paths[-1]), strict=True):
            first, first_bias, second, second_bias = (self.weights[name] for name in path)
            hidden = np.maximum(seen @ first + first_bias, 0)
            self.hidden.append(hidden)
            scores = scores + hidden @ second + second_bias
        self.given = activate(np.asarray(scores), self.activation)
        return self.given

    def backward(self, change: np.ndarray, gradients: Weights) -> None:
        """Store all gradients, given the gradient ``change`` (N, T) with respect to CAM's weights."""
        change = activate_backwards(self.given, change, self.activation)
        to_scale, to_shift = 0, 0
        for path in self.paths:
            gradients.update({name: np.zeros_like(self.weights[name]) for name in path})
        for end, seen, hidden, path in zip(
            self.ends, self.seen, self.hidden, (self.paths[0], self.paths[-1]), strict=True
        ):
            first, second = self.weights[path[0]], self.weights[path[2]]
            inside = (change @ second.T) * (hidden > 0)
            parts = (seen.T @ inside, inside.sum(0), hidden.T @ change, change.sum(0))
            for name, part in zip(path, parts, strict=True):
                gradients[name] += part
            outside = inside @ first.T
            to_scale, to_shift = to_scale + (outside * end).sum(0), to_shift + outside.sum(0)
        self.norm.backward(to_scale, to_shift, gradients)  # type: ignore[arg-type]


@lru_cache(maxsize=1)
def _pool_of(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "astsvm-fast")


def for_each(work: Callable[[int], None], count: int) -> None:
    """Call ``work(n)`` for n below ``count`` in several threads; the compiled loops release the GIL."""
    threads = min(thread_count(), count)

    def share(first: int) -> None:
        for n in range(first, count, threads):
            work(n)

    if threads < 2:
        share(0)
    else:
        list(_pool_of(thread_count()).map(share, range(threads)))


class BlockKernel:
    """Down-sampling as a weighted sum over the pixels of each block (R9)."""

    def __init__(self, layer: Downsample, weights: Weights) -> None:
        self.method, self.small, self.weights = layer.method, layer.size, weights
        self.path = layer.kernel.path if layer.method == "strided" else None

    def tiled(self, height: int, kind: np.dtype) -> np.ndarray:
        """Weight of each pixel in the sum over its block, (height, height)."""
        side = height // self.small
        if self.path:
            kernel = self.weights[self.path][..., 0, 0]
        elif self.method == "average":
            kernel = np.full((side, side), 1 / side**2)
        else:  # bilinear interpolation at the centre of the block
            row = np.interp(np.arange(side), [(side - 1) / 2 - 1, (side - 1) / 2, (side - 1) / 2 + 1], [0, 1, 0])
            kernel = np.outer(row, row)
        return np.tile(kernel, (self.small, self.small)).astype(kind)

    def backward(self, to_tiled: np.ndarray, gradients: Weights) -> None:
        """Store the gradient of a learned kernel, given that of :meth:`tiled` for each clip, (N, height, height)."""
        if self.path:
            side = to_tiled.shape[1] // self.small
            blocks = to_tiled.sum(0).reshape(self.small, side, self.small, side)
            gradients[self.path] = blocks.sum((0, 2))[..., None, None]


class SpatialWeights:
    """SAM's weights, and the down-sampled clips weighted by them."""

    def __init__(self, layer: SpatialAttention, weights: Weights) -> None:
        self.activation, self.weights = layer.activation, weights
        self.norm = BatchNorm(layer.norm, weights)
        self.kernels = [layer.coarse.kernel.path, layer.fine.kernel.path]
        self.bias = layer.fine.bias.path if layer.fine.use_bias else None

    def forward(
        self,
        x: np.ndarray,
        rows: np.ndarray,
        moments: np.ndarray,
        given: np.ndarray,
        block: BlockKernel,
        training: bool,
    ) -> np.ndarray:
        """Down-sampled clips (N, T, small, small), weighted by SAM.

        SAM's weights depend on CAM's weights ``given`` (N, T), by which the result is not yet multiplied.
        """
        _, frames, height, width = x.shape
        count, kind = len(rows), x.dtype
        self.mean, self.variance, self.given = moments[..., 0], moments[..., 1], given
        self.scale, shift = self.norm.affine(given * self.mean, given**2 * self.variance, training)
        self.block, self.tiled = block, block.tiled(height, kind)
        self.maps = np.zeros((count, 2, height + 2 * MARGIN, width + 2 * MARGIN), kind)
        self.winner = np.empty((count, height, width), np.int32)
        self.weight = np.empty((count, height, width), kind)
        self.kernel = np.stack([self.weights[name][..., 0, 0] for name in self.kernels])
        self.x, self.rows = x, rows
        pooled = np.empty((count, frames, block.small, block.small), kind)
        scales, shift = (given * self.scale).astype(kind), shift.astype(kind)
        bias = self.weights[self.bias] if self.bias else 0

        def attend(n: int) -> None:
            clip, weight = x[rows[n]], self.weight[n]
            frame_maps(clip, scales[n], shift, self.maps[n], self.winner[n])
            self.maps[n, 0] /= frames
            spatial_scores(self.maps[n], self.kernel, weight)
            weight += bias
            weight[:] = activate(weight.reshape(1, -1), self.activation).reshape(height, width)
            weighted_blocks(clip, weight * self.tiled, pooled[n])

        for_each(attend, count)
        return pooled

    def backward(self, change: np.ndarray, gradients: Weights) -> np.ndarray:
        """Store all gradients, given the gradient with respect to the down-sampled clips.

        Returns the gradient (N, T) with respect to CAM's weights, as far as it passes through SAM's weights.
        """
        count, frames = change.shape[:2]
        kind, (height, width) = change.dtype, self.weight.shape[1:]
        to_scale, to_shift = np.zeros((count, frames), kind), np.zeros((count, frames), kind)
        to_kernels, to_bias = np.zeros((count, 2, KERNEL, KERNEL), kind), np.zeros(count, kind)
        learned = self.block.path is not None
        to_tiled = np.zeros((count if learned else 0, height, width), kind)

        def attend_backwards(n: int) -> None:
            clip = self.x[self.rows[n]]
            to_weight = np.empty((height, width), kind)
            gradient_of_weight(clip, change[n], to_weight)
            if learned:
                to_tiled[n] = to_weight * self.weight[n]
            to_weight *= self.tiled
            flat = activate_backwards(self.weight[n].reshape(1, -1), to_weight.reshape(1, -1), self.activation)
            to_bias[n] = flat.sum()
            padded = np.zeros((height + 2 * MARGIN, width + 2 * MARGIN), kind)
            padded[MARGIN:-MARGIN, MARGIN:-MARGIN] = flat.reshape(height, width)
            gradients_of_scores(
                clip, padded, self.kernel, self.maps[n], self.winner[n], to_scale[n], to_shift[n], to_kernels[n]
            )

        for_each(attend_backwards, count)
        self.block.backward(to_tiled, gradients)
        for name, gradient in zip(self.kernels, to_kernels.sum(0), strict=True):
            gradients[name] = gradient[..., None, None]
        if self.bias:
            gradients[self.bias] = to_bias.sum(keepdims=True)
        to_mean, to_variance = self.norm.backward((to_scale * self.given).sum(0), to_shift.sum(0), gradients)
        # from the batch's mean and variance to those of each clip, which are scaled by CAM's weights
        sampled = self.given * self.mean
        to_mean = (to_mean + 2 * to_variance * (sampled - self.norm.mean)) / count
        return to_scale * self.scale + to_mean * self.mean + 2 * to_variance / count * self.given * self.variance


class InceptionBranch:
    """One convolution of an inception module with max pooling, followed by bias and ReLU."""

    def __init__(self, layer: keras.layers.Conv3D, weights: Weights) -> None:
        self.kernel, self.bias, self.weights = layer.kernel.path, layer.bias.path, weights

    def forward(self, padded: np.ndarray, best: np.ndarray, where: np.ndarray) -> None:
        """Write the outputs for padded clips (N, T + 2, h + 6, w + 9) to ``best``, and the positions of the maxima."""
        kernel = np.ascontiguousarray(self.weights[self.kernel][..., 0, :])
        for_each(lambda n: convolve_and_pool(padded[n], kernel, best[n], where[n]), len(padded))
        best += self.weights[self.bias]
        np.maximum(best, 0, out=best)

    def backward(
        self,
        padded: np.ndarray,
        change: np.ndarray,
        where: np.ndarray,
        gradients: Weights,
        to_padded: np.ndarray,
        further: bool,
    ) -> None:
        """Store the gradients of kernel and bias; if ``further``, add the input's gradient to ``to_padded``."""
        kernel = self.weights[self.kernel]
        length, side = kernel.shape[:2]
        rows = np.zeros((FILTERS, length, side, 8), kernel.dtype)
        rows[..., :side] = np.moveaxis(kernel[..., 0, :], -1, 0)
        to_rows = np.zeros((len(padded), *rows.shape), kernel.dtype)
        for_each(
            lambda n: convolve_backwards(padded[n], change[n], where[n], rows, to_padded[n], to_rows[n], further),
            len(padded),
        )
        gradients[self.kernel] = np.moveaxis(to_rows.sum(0)[..., :side], 0, -1)[..., None, :]
        gradients[self.bias] = change.sum((0, 1))


class Stream:
    """One stream of the network, from the clips to the output of the inception modules."""

    def __init__(self, layers: list[keras.layers.Layer], weights: Weights) -> None:
        self.weights = weights
        self.scale = next((layer.scale.path for layer in layers if isinstance(layer, InputScale)), None)
        blocks = {type(layer): layer for layer in layers if isinstance(layer, Attention)}
        self.channel = ChannelWeights(blocks[ChannelAttention], weights) if ChannelAttention in blocks else None
        self.spatial = SpatialWeights(blocks[SpatialAttention], weights) if SpatialAttention in blocks else None
        self.block = next(BlockKernel(layer, weights) for layer in layers if isinstance(layer, Downsample))
        convolutions = [layer for layer in layers if isinstance(layer, keras.layers.Conv3D)]
        self.branches = [InceptionBranch(layer, weights) for layer in convolutions]

    def summarise(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Quantities of clips (N, T, H, W) that do not depend on the weights.

        Returns the scaled clips, their moments (N, T, 4), and the down-sampled clips unless they depend on weights.
        """
        if self.scale is not None:
            x = x * self.weights[self.scale].astype(x.dtype)
        moments = np.zeros((*x.shape[:2], 4), x.dtype)
        if self.channel or self.spatial:
            for_each(lambda n: frame_moments(x[n], moments[n]), len(x))
        small = np.zeros((0 if self.spatial or self.block.path else len(x), *self._small(x)), x.dtype)
        if len(small):
            self._shrink(x, np.arange(len(x)), small)
        return x, moments, small

    def _small(self, x: np.ndarray) -> tuple[int, int, int]:
        return x.shape[1], self.block.small, self.block.small

    def _shrink(self, x: np.ndarray, rows: np.ndarray, out: np.ndarray) -> None:
        """Down-sample the clips ``rows``, all with equal weights."""
        tiled = self.block.tiled(x.shape[2], x.dtype)
        for_each(lambda n: weighted_blocks(x[rows[n]], tiled, out[n]), len(rows))

    def forward(self, seen: tuple[np.ndarray, np.ndarray, np.ndarray], rows: np.ndarray, training: bool) -> np.ndarray:
        """Output (N, 4, 11, 11, channels) for the clips ``rows``; ``seen`` comes from :meth:`summarise`."""
        x, moments, small = seen
        moments = moments[rows]
        self.x, self.rows = x, rows
        given = self.channel.forward(moments, training) if self.channel else np.ones(moments.shape[:2], x.dtype)
        if self.spatial:
            self.means = self.spatial.forward(x, rows, moments, given, self.block, training)
        elif self.block.path:
            self.means = np.empty((len(rows), *self._small(x)), x.dtype)
            self._shrink(x, rows, self.means)
        else:
            self.means = small[rows]
        self.given = given[:, :, None, None]
        sampled = (self.means * self.given).astype(x.dtype)
        count, frames, height, width = sampled.shape
        self.padded = np.zeros((count, frames + 2, height + 6, width + 3 + RIGHT), x.dtype)
        self.padded[:, 1:-1, 3:-3, 3:-RIGHT] = sampled
        windows = [-(-side // 3) for side in (frames, height, width)]
        self.best = np.empty((len(self.branches), count, *windows, FILTERS), x.dtype)
        self.where: np.ndarray = np.zeros(self.best.shape, np.int32)
        for branch, best, where in zip(self.branches, self.best, self.where, strict=True):
            branch.forward(self.padded, best, where)
        return np.concatenate(list(self.best), axis=-1)

    def backward(self, change: np.ndarray, gradients: Weights) -> None:
        """Store all gradients, given the gradient with respect to the output."""
        further = bool(self.channel or self.spatial or self.block.path)
        to_padded = np.zeros_like(self.padded)
        for number, (branch, best, where) in enumerate(zip(self.branches, self.best, self.where, strict=True)):
            part = change[..., number * FILTERS : (number + 1) * FILTERS] * (best > 0)
            flat = (len(part), -1, FILTERS)
            branch.backward(self.padded, part.reshape(flat), where.reshape(flat), gradients, to_padded, further)
        if not further:
            return
        to_small = to_padded[:, 1:-1, 3:-3, 3:-RIGHT]
        to_given = (to_small * self.means).sum((2, 3))
        if self.spatial:
            to_given = to_given + self.spatial.backward(to_small * self.given, gradients)
        elif self.block.path:
            to_tiled = np.empty((len(self.rows), *self.x.shape[2:]), self.x.dtype)
            to_sampled = np.ascontiguousarray(to_small * self.given, self.x.dtype)
            for_each(lambda n: gradient_of_weight(self.x[self.rows[n]], to_sampled[n], to_tiled[n]), len(self.rows))
            self.block.backward(to_tiled, gradients)
        if self.channel:
            self.channel.backward(to_given, gradients)
