"""The network's training step and forward pass on a CPU: the mathematics of the plain layers, with less work.

Read :mod:`~astsvm_lib.network.attention` and :mod:`~astsvm_lib.network.inception` to see what is computed.
Every shortcut here is exact:

1. Until the pixels are weighed, a clip counts only through four numbers a frame: mean, variance, least and
   largest value. Batch norm is an affine map ``c x + d`` of a frame, so that CAM and both batch norms are
   sums over these numbers, which are taken once.
2. Clips are data and get no gradient. One pass over a clip gives SAM's two maps, a second the weighted
   6 x 6 means; two more give their gradients. A clip is gone through while it lies in the processor's cache.
3. ReLU and a bias commute with the largest of 27 values: they come after the pooling.
4. One of up to 27 values survives the pooling, so that the gradient of a convolution is zero nearly
   everywhere. Both of its backward passes visit only the places where it is not.

The convolutions of the inception modules are TensorFlow's own. Where two values of a window are equal and
largest, the first takes the gradient here; TensorFlow's plain pooling gives it to each of them.

Chapter "Training"; ``benchmarks/training_step.py`` times both forms in one run.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import keras
import numba
import numpy as np
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

from astsvm_lib.network.attention import Attention, ChannelAttention, SpatialAttention
from astsvm_lib.network.inception import FILTERS, Downsample

KERNEL = 7  # side of SAM's convolutions that the loops below are written for
MARGIN = KERNEL // 2
CHUNK = 4  # clips that are convolved at once: their output stays in the cache
BETA_1, BETA_2, TINY = 0.9, 0.999, 1e-7  # of Adam, as in Keras

Weights = dict[str, np.ndarray]


# ---------------------------------------------------------------- what is done with every pixel

_loop = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "arcp", "nsz", "nnan"})


@_loop
def _moments(x: np.ndarray, out: np.ndarray) -> None:
    """Mean, variance, least and largest value of each frame of x (T, H, W): out (T, 4)."""
    for t in range(len(x)):
        frame = x[t].ravel()
        total = low = high = frame[0]
        for i in range(1, len(frame)):
            total += frame[i]
            low, high = min(low, frame[i]), max(high, frame[i])
        mean = total / len(frame)
        total *= 0
        for i in range(len(frame)):
            total += (frame[i] - mean) * (frame[i] - mean)
        out[t, 0], out[t, 1], out[t, 2], out[t, 3] = mean, total / len(frame), low, high


@_loop
def _add_row(out: np.ndarray, row: np.ndarray, kernel: np.ndarray) -> None:
    """Add to ``out`` the products of seven kernel values with a row that is six longer."""
    k0, k1, k2, k3, k4, k5, k6 = kernel[0], kernel[1], kernel[2], kernel[3], kernel[4], kernel[5], kernel[6]
    for i in range(len(out)):
        out[i] += (
            k0 * row[i] + k1 * row[i + 1] + k2 * row[i + 2] + k3 * row[i + 3]
            + k4 * row[i + 4] + k5 * row[i + 5] + k6 * row[i + 6]
        )  # fmt: skip


@_loop
def _add_products(out: np.ndarray, change: np.ndarray, row: np.ndarray) -> None:
    """Add to the seven numbers ``out`` the gradient of :func:`_add_row`'s kernel."""
    s0 = s1 = s2 = s3 = s4 = s5 = s6 = change[0] * 0
    for i in range(len(change)):
        s0 += change[i] * row[i]
        s1 += change[i] * row[i + 1]
        s2 += change[i] * row[i + 2]
        s3 += change[i] * row[i + 3]
        s4 += change[i] * row[i + 4]
        s5 += change[i] * row[i + 5]
        s6 += change[i] * row[i + 6]
    out[0] += s0
    out[1] += s1
    out[2] += s2
    out[3] += s3
    out[4] += s4
    out[5] += s5
    out[6] += s6


@_loop
def _frame_maps(x: np.ndarray, scale: np.ndarray, shift: np.ndarray, maps: np.ndarray, winner: np.ndarray) -> None:
    """Sum and maximum over the frames of ``scale x + shift``, inside a margin; and which frame was largest.

    x is (T, H, W), ``maps`` (2, H + 6, W + 6), ``winner`` (H, W).
    """
    frames, height, width = x.shape
    for i in range(height):
        for j in range(width):
            value = scale[0] * x[0, i, j] + shift[0]
            maps[0, i + MARGIN, j + MARGIN] = value
            maps[1, i + MARGIN, j + MARGIN] = value
            winner[i, j] = 0
        for t in range(1, frames):
            c, d = scale[t], shift[t]
            for j in range(width):
                value = c * x[t, i, j] + d
                top = maps[1, i + MARGIN, j + MARGIN]
                maps[0, i + MARGIN, j + MARGIN] += value
                winner[i, j] = t if value > top else winner[i, j]
                maps[1, i + MARGIN, j + MARGIN] = value if value > top else top


@_loop
def _spatial_scores(maps: np.ndarray, kernels: np.ndarray, scores: np.ndarray) -> None:
    """SAM's scores (H, W), without their bias, from its maps."""
    for i in range(len(scores)):
        scores[i] = 0
        for side in range(2):
            for k in range(KERNEL):
                _add_row(scores[i], maps[side, i + k], kernels[side, k])


@_loop
def _weighted_blocks(x: np.ndarray, weight: np.ndarray, out: np.ndarray) -> None:
    """Sums of the weighted pixels of each block of x (T, H, W): out (T, h, w)."""
    frames, height, width = x.shape
    side = height // out.shape[1]
    sums = np.empty(width, x.dtype)
    for t in range(frames):
        for block in range(out.shape[1]):
            sums[:] = 0
            for i in range(block * side, (block + 1) * side):
                for j in range(width):
                    sums[j] += x[t, i, j] * weight[i, j]
            for column in range(out.shape[2]):
                total = sums[column * side]
                for j in range(column * side + 1, (column + 1) * side):
                    total += sums[j]
                out[t, block, column] = total


@_loop
def _to_weight(x: np.ndarray, change: np.ndarray, out: np.ndarray) -> None:
    """Gradient of :func:`_weighted_blocks`'s weight: out (H, W), from that of the sums (T, h, w)."""
    frames, height, width = x.shape
    side = height // change.shape[1]
    wide = np.empty((frames, width), x.dtype)
    for i in range(height):
        if i % side == 0:
            for t in range(frames):
                for j in range(width):
                    wide[t, j] = change[t, i // side, j // side]
        out[i] = 0
        for t in range(frames):
            for j in range(width):
                out[i, j] += wide[t, j] * x[t, i, j]


@_loop
def _to_scores(
    x: np.ndarray,
    change: np.ndarray,
    kernels: np.ndarray,
    maps: np.ndarray,
    winner: np.ndarray,
    to_scale: np.ndarray,
    to_shift: np.ndarray,
    to_kernels: np.ndarray,
) -> None:
    """Gradients of :func:`_spatial_scores`'s scale, shift and kernels, from that of the scores.

    ``change`` is (H + 6, W + 6), with a margin of zeros.
    """
    frames, height, width = x.shape
    to_mean, to_peak = np.empty(width, x.dtype), np.empty(width, x.dtype)
    turned = kernels[:, ::-1, ::-1].copy()
    for i in range(height):
        to_mean[:] = 0
        to_peak[:] = 0
        row = change[i + MARGIN, MARGIN : MARGIN + width]
        for k in range(KERNEL):
            _add_products(to_kernels[0, k], row, maps[0, i + k])
            _add_products(to_kernels[1, k], row, maps[1, i + k])
            _add_row(to_mean, change[i + k], turned[0, k])
            _add_row(to_peak, change[i + k], turned[1, k])
        for j in range(width):
            to_mean[j] /= frames
        first = winner[i]
        for t in range(frames):
            frame = x[t, i]
            scale = shift = to_mean[0] * 0
            for j in range(width):
                value = to_mean[j] + (to_peak[j] if first[j] == t else to_peak[j] * 0)
                scale += value * frame[j]
                shift += value
            to_scale[t] += scale
            to_shift[t] += shift


@_loop
def _largest(values: np.ndarray, best: np.ndarray, where: np.ndarray) -> None:
    """Largest value of each 3 x 3 x 3 window and its place, of values (T, H, W, F).

    Windows are laid as for "same" padding: one frame, row or column that is missing is missing at the end,
    of two one at each end.
    """
    frames, height, width, filters = values.shape
    before = (3 * len(best) - frames) // 2, (3 * best.shape[1] - height) // 2, (3 * best.shape[2] - width) // 2
    best[:] = -np.inf
    for t in range(frames):
        for i in range(height):
            for j in range(width):
                window = (t + before[0]) // 3, (i + before[1]) // 3, (j + before[2]) // 3
                top, place = best[window], where[window]
                here = (t * height + i) * width + j
                row = values[t, i, j]
                for f in range(filters):
                    place[f] = here if row[f] > top[f] else place[f]
                    top[f] = row[f] if row[f] > top[f] else top[f]


@intrinsic
def _add_eight(_typing: Any, out: Any, at: Any, amount: Any, row: Any, begin: Any) -> Any:
    """``out[at:at + 8] += amount * row[begin:begin + 8]`` as one instruction, which a loop does not become.

    For one-dimensional arrays; nothing is checked.
    """

    def code(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        eight, size = ir.VectorType(context.get_value_type(out.dtype), 8), out.dtype.bitwidth // 8

        def place(kind: Any, array: Any, index: Any) -> Any:
            start = context.make_array(kind)(context, builder, array).data
            return builder.bitcast(builder.gep(start, [index]), eight.as_pointer())

        target, source = place(out, values[0], values[1]), place(row, values[3], values[4])
        empty = ir.Constant(eight, ir.Undefined)
        first = builder.insert_element(empty, values[2], ir.Constant(ir.IntType(32), 0))
        amounts = builder.shuffle_vector(first, empty, ir.Constant(ir.VectorType(ir.IntType(32), 8), [0] * 8))
        product = builder.fmul(amounts, builder.load(source, align=size), flags=["contract"])
        total = builder.fadd(product, builder.load(target, align=size), flags=["contract"])
        builder.store(total, target, align=size)
        return context.get_dummy_value()

    return types.void(out, types.intp, out.dtype, row, types.intp), code


@_loop
def _convolve_backwards(
    padded: np.ndarray,
    change: np.ndarray,
    where: np.ndarray,
    kernel: np.ndarray,
    to_padded: np.ndarray,
    to_kernel: np.ndarray,
    further: bool,
) -> None:
    """Gradients of a convolution's input and kernel, from the places that were largest.

    Parameters
    ----------
    padded, to_padded
        (T + 2, H + 6, W + 7): input within a margin of 1 frame, 3 rows and 3 columns (4 at the end), and its
        gradient.
    change, where
        (windows, F): gradient of the largest values, and their places.
    kernel, to_kernel
        (F, t, q, 8): one filter after the other, rows filled up with zeros; and its gradient.
    further
        Whether the input's gradient is wanted.
    """
    filters, length, side, _ = kernel.shape
    height, width = padded.shape[1:]
    rows, columns = height - 6, width - 7
    source, target = padded.ravel(), to_padded.ravel()
    weights, to_weights = kernel.ravel(), to_kernel.ravel()
    for f in range(filters):
        for w in range(len(change)):
            amount = change[w, f]
            if amount == 0:
                continue
            place = where[w, f]
            t, i, j = place // (rows * columns), place // columns % rows, place % columns
            at = f * length * side * 8
            for a in range(length):
                start = ((t + a + 1 - length // 2) * height + i + 3 - side // 2) * width + j + 3 - side // 2
                for _ in range(side):
                    _add_eight(to_weights, at, amount, source, start)
                    if further:
                        _add_eight(target, start, amount, weights, at)
                    start += width
                    at += 8


@_loop
def _adam(values: np.ndarray, gradient: np.ndarray, first: np.ndarray, second: np.ndarray, rate: float) -> None:
    """One step of Adam, in place; ``rate`` holds the correction of the moments' start."""
    for i in range(len(values)):
        first[i] += (gradient[i] - first[i]) * (1 - BETA_1)
        second[i] += (gradient[i] * gradient[i] - second[i]) * (1 - BETA_2)
        values[i] -= rate * first[i] / (np.sqrt(second[i]) + TINY)


# ---------------------------------------------------------------- what is done with four numbers a frame


def _activate(scores: np.ndarray, activation: str) -> np.ndarray:
    """:func:`~astsvm_lib.network.attention.attention_weights` of scores (N, T)."""
    if activation == "sigmoid":
        return np.asarray(1 / (1 + np.exp(-scores)))
    raised = np.exp(scores - scores.max(1, keepdims=True))
    factor = scores.shape[1] if activation == "scaled-softmax" else 1
    return np.asarray(raised * (factor / raised.sum(1, keepdims=True)))


def _activate_backwards(weights: np.ndarray, change: np.ndarray, activation: str) -> np.ndarray:
    """Gradient of the scores from that of the weights."""
    if activation == "sigmoid":
        return change * weights * (1 - weights)
    mean = (change * weights).sum(1, keepdims=True) / weights.sum(1, keepdims=True)
    return (change - mean) * weights


class _Norm:
    """Batch norm per frame, as ``scale x + shift``."""

    def __init__(self, layer: keras.layers.BatchNormalization, weights: Weights) -> None:
        self.names = [v.path for v in (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)]
        self.momentum, self.epsilon, self.weights = layer.momentum, layer.epsilon, weights

    def affine(self, mean: np.ndarray, variance: np.ndarray, training: bool) -> tuple[np.ndarray, np.ndarray]:
        """Scale and shift (T,) for frames (N, T) of these means and variances; moving averages in inference."""
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

    def backwards(
        self, to_scale: np.ndarray, to_shift: np.ndarray, gradients: Weights
    ) -> tuple[np.ndarray, np.ndarray]:
        """Keep the gradients of gamma and beta; give those of the batch's mean and variance."""
        gamma = self.weights[self.names[0]]
        to_scale = to_scale - self.mean * to_shift
        gradients[self.names[0]], gradients[self.names[1]] = to_scale * self.inverse, to_shift
        return -gamma * self.inverse * to_shift, -0.5 * gamma * self.inverse**3 * to_scale


class _Channel:
    """CAM's weights, from mean, least and largest value of each frame."""

    def __init__(self, layer: ChannelAttention, weights: Weights) -> None:
        self.activation, self.weights = layer.activation, weights
        self.norm = _Norm(layer.norm, weights)
        self.paths = [
            [v.path for v in (hidden.kernel, hidden.bias, excite.kernel, excite.bias)]
            for hidden, excite in zip(layer.hidden, layer.excite, strict=True)
        ]

    def forwards(self, moments: np.ndarray, training: bool) -> np.ndarray:
        """Weights (N, T) of frames with these moments (N, T, 4)."""
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
        self.given = _activate(np.asarray(scores), self.activation)
        return self.given

    def backwards(self, change: np.ndarray, gradients: Weights) -> None:
        """Keep all gradients, from that of the weights (N, T)."""
        change = _activate_backwards(self.given, change, self.activation)
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
        self.norm.backwards(to_scale, to_shift, gradients)  # type: ignore[arg-type]


# ---------------------------------------------------------------- what is done with every clip


def _thread_count() -> int:
    """As many threads as TensorFlow is given."""
    given = os.environ.get("TF_NUM_INTRAOP_THREADS", "0")
    return int(given) if given.isdigit() and int(given) else os.cpu_count() or 1


@lru_cache(maxsize=1)
def _pool_of(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "astsvm-fast")


def _each(work: Callable[[int], None], count: int) -> None:
    """``work(n)`` for n below ``count``, shared among threads; compiled loops let others run."""
    threads = min(_thread_count(), count)

    def share(first: int) -> None:
        for n in range(first, count, threads):
            work(n)

    if threads < 2:
        share(0)
    else:
        list(_pool_of(_thread_count()).map(share, range(threads)))


class _Spatial:
    """SAM's weights and the weighted block means of clips."""

    def __init__(self, layer: SpatialAttention, weights: Weights) -> None:
        self.activation, self.weights = layer.activation, weights
        self.norm = _Norm(layer.norm, weights)
        self.kernels = [layer.coarse.kernel.path, layer.fine.kernel.path]
        self.bias = layer.fine.bias.path if layer.fine.use_bias else None

    def forwards(
        self, x: np.ndarray, rows: np.ndarray, moments: np.ndarray, given: np.ndarray, small: int, training: bool
    ) -> np.ndarray:
        """Block means (N, T, small, small) of clips under SAM's weights; CAM's, ``given``, are not yet in them."""
        _, frames, height, width = x.shape
        count, kind = len(rows), x.dtype
        self.mean, self.variance, self.given = moments[..., 0], moments[..., 1], given
        self.scale, shift = self.norm.affine(given * self.mean, given**2 * self.variance, training)
        self.blocks = (height // small) * (width // small)
        self.maps = np.zeros((count, 2, height + 2 * MARGIN, width + 2 * MARGIN), kind)
        self.winner = np.empty((count, height, width), np.int32)
        self.weight = np.empty((count, height, width), kind)
        self.kernel = np.stack([self.weights[name][..., 0, 0] for name in self.kernels])
        self.x, self.rows = x, rows
        pooled = np.empty((count, frames, small, small), kind)
        scales, shift = (given * self.scale).astype(kind), shift.astype(kind)
        bias = self.weights[self.bias] if self.bias else 0

        def attend(n: int) -> None:
            clip, weight = x[rows[n]], self.weight[n]
            _frame_maps(clip, scales[n], shift, self.maps[n], self.winner[n])
            self.maps[n, 0] /= frames
            _spatial_scores(self.maps[n], self.kernel, weight)
            weight += bias
            weight[:] = _activate(weight.reshape(1, -1), self.activation).reshape(height, width)
            _weighted_blocks(clip, weight, pooled[n])

        _each(attend, count)
        return pooled / self.blocks

    def backwards(self, change: np.ndarray, gradients: Weights) -> np.ndarray:
        """Keep all gradients, from that of the block means; give that of CAM's weights through SAM."""
        count, frames = change.shape[:2]
        kind, (height, width) = change.dtype, self.weight.shape[1:]
        to_scale, to_shift = np.zeros((count, frames), kind), np.zeros((count, frames), kind)
        to_kernels, to_bias = np.zeros((count, 2, KERNEL, KERNEL), kind), np.zeros(count, kind)
        change = change / self.blocks

        def attend_backwards(n: int) -> None:
            clip = self.x[self.rows[n]]
            to_weight = np.empty((height, width), kind)
            _to_weight(clip, change[n], to_weight)
            flat = _activate_backwards(self.weight[n].reshape(1, -1), to_weight.reshape(1, -1), self.activation)
            to_bias[n] = flat.sum()
            padded = np.zeros((height + 2 * MARGIN, width + 2 * MARGIN), kind)
            padded[MARGIN:-MARGIN, MARGIN:-MARGIN] = flat.reshape(height, width)
            _to_scores(clip, padded, self.kernel, self.maps[n], self.winner[n], to_scale[n], to_shift[n], to_kernels[n])

        _each(attend_backwards, count)
        for name, gradient in zip(self.kernels, to_kernels.sum(0), strict=True):
            gradients[name] = gradient[..., None, None]
        if self.bias:
            gradients[self.bias] = to_bias.sum(keepdims=True)
        to_mean, to_variance = self.norm.backwards((to_scale * self.given).sum(0), to_shift.sum(0), gradients)
        # batch mean and variance, back to each clip's own, which CAM's weights have scaled
        sampled = self.given * self.mean
        to_mean = (to_mean + 2 * to_variance * (sampled - self.norm.mean)) / count
        return to_scale * self.scale + to_mean * self.mean + 2 * to_variance / count * self.given * self.variance


class _Branch:
    """One convolution of an inception module, pooled, then its bias and ReLU."""

    def __init__(self, layer: keras.layers.Conv3D, weights: Weights) -> None:
        self.kernel, self.bias, self.weights = layer.kernel.path, layer.bias.path, weights

    def forwards(self, small: np.ndarray, best: np.ndarray, where: np.ndarray) -> None:
        """Outputs of clips (N, T, h, w, 1) into ``best``, and the places they come from into ``where``."""
        kernel = self.weights[self.kernel]

        def convolve(number: int) -> None:
            some = slice(number * CHUNK, (number + 1) * CHUNK)
            values = np.asarray(keras.ops.conv(small[some], kernel, padding="same", data_format="channels_last"))
            for one, top, place in zip(values, best[some], where[some], strict=True):
                _largest(one, top, place)

        _each(convolve, math.ceil(len(small) / CHUNK))
        best += self.weights[self.bias]
        np.maximum(best, 0, out=best)

    def backwards(
        self,
        padded: np.ndarray,
        change: np.ndarray,
        where: np.ndarray,
        gradients: Weights,
        to_padded: np.ndarray,
        further: bool,
    ) -> None:
        """Keep the gradients of kernel and bias; add that of the input to ``to_padded``, if it goes further."""
        kernel = self.weights[self.kernel]
        length, side = kernel.shape[:2]
        rows = np.zeros((FILTERS, length, side, 8), kernel.dtype)
        rows[..., :side] = np.moveaxis(kernel[..., 0, :], -1, 0)
        to_rows = np.zeros((len(padded), *rows.shape), kernel.dtype)
        _each(
            lambda n: _convolve_backwards(padded[n], change[n], where[n], rows, to_padded[n], to_rows[n], further),
            len(padded),
        )
        gradients[self.kernel] = np.moveaxis(to_rows.sum(0)[..., :side], 0, -1)[..., None, :]
        gradients[self.bias] = change.sum((0, 1))


class _Stream:
    """One feature's way from frames to the inception modules' output."""

    def __init__(self, layers: list[keras.layers.Layer], weights: Weights) -> None:
        self.weights = weights
        blocks = {type(layer): layer for layer in layers if isinstance(layer, Attention)}
        self.channel = _Channel(blocks[ChannelAttention], weights) if ChannelAttention in blocks else None
        self.spatial = _Spatial(blocks[SpatialAttention], weights) if SpatialAttention in blocks else None
        self.small = next(layer.size for layer in layers if isinstance(layer, Downsample))
        convolutions = [layer for layer in layers if isinstance(layer, keras.layers.Conv3D)]
        self.branches = [_Branch(layer, weights) for layer in convolutions]

    def look(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What the stream needs of clips (N, T, H, W): the clips, their moments, and, without SAM, block means."""
        moments = np.zeros((*x.shape[:2], 4), x.dtype)
        if self.channel or self.spatial:
            _each(lambda n: _moments(x[n], moments[n]), len(x))
        if self.spatial:
            return x, moments, np.zeros(0, x.dtype)
        side = x.shape[2] // self.small
        blocks = x.reshape(*x.shape[:2], self.small, side, self.small, side)
        return x, moments, blocks.mean((3, 5))

    def forwards(self, seen: tuple[np.ndarray, np.ndarray, np.ndarray], rows: np.ndarray, training: bool) -> np.ndarray:
        """Output (N, 4, 11, 11, channels) for the clips ``rows``."""
        x, moments, means = seen
        moments = moments[rows]
        given = self.channel.forwards(moments, training) if self.channel else np.ones(moments.shape[:2], x.dtype)
        self.means = (
            self.spatial.forwards(x, rows, moments, given, self.small, training) if self.spatial else means[rows]
        )
        self.given = given[:, :, None, None]
        small = (self.means * self.given).astype(x.dtype)
        count, frames, height, width = small.shape
        self.padded = np.zeros((count, frames + 2, height + 6, width + 7), x.dtype)
        self.padded[:, 1:-1, 3:-3, 3:-4] = small
        windows = [-(-side // 3) for side in (frames, height, width)]
        self.best = np.empty((len(self.branches), count, *windows, FILTERS), x.dtype)
        self.where: np.ndarray = np.empty(self.best.shape, np.int32)
        for branch, best, where in zip(self.branches, self.best, self.where, strict=True):
            branch.forwards(small[..., None], best, where)
        return np.concatenate(list(self.best), axis=-1)

    def backwards(self, change: np.ndarray, gradients: Weights) -> None:
        """Keep all gradients, from that of the output."""
        further = bool(self.channel or self.spatial)
        to_padded = np.zeros_like(self.padded)
        for number, (branch, best, where) in enumerate(zip(self.branches, self.best, self.where, strict=True)):
            part = change[..., number * FILTERS : (number + 1) * FILTERS] * (best > 0)
            flat = (len(part), -1, FILTERS)
            branch.backwards(self.padded, part.reshape(flat), where.reshape(flat), gradients, to_padded, further)
        if not further:
            return
        to_small = to_padded[:, 1:-1, 3:-3, 3:-4]
        to_given = (to_small * self.means).sum((2, 3))
        if self.spatial:
            to_given = to_given + self.spatial.backwards(to_small * self.given, gradients)
        if self.channel:
            self.channel.backwards(to_given, gradients)


# ---------------------------------------------------------------- the network


def applies(network: keras.Model) -> bool:
    """Whether this file can stand in for the plain layers of a network: on TensorFlow without a GPU.

    The network must be one of :func:`~astsvm_lib.network.build_network`, with FAM in the paper's order or a
    half of it, 7 x 7 kernels, block means for down-sampling, and no second softmax.
    """
    if keras.backend.backend() != "tensorflow" or network.name != "ast_network":
        return False
    if keras.distribution.list_devices("gpu"):
        return False
    first: dict[str, type] = {}
    for layer in network.layers:
        if isinstance(layer, Attention):
            stream = layer.name.rsplit("_", 1)[0]
            if first.setdefault(stream, type(layer)) is SpatialAttention and isinstance(layer, ChannelAttention):
                return False
        if isinstance(layer, SpatialAttention) and layer.kernel_size != KERNEL:
            return False
        if isinstance(layer, Downsample) and layer.method != "average":
            return False
        if isinstance(layer, keras.layers.Softmax):
            return False
    return True


class FastNetwork:
    """A network's weights, with a forward pass and a training step of their own.

    Parameters
    ----------
    network
        One that :func:`applies` to. Its weights are read here; :meth:`hand_back` writes them.
    inputs
        All clips that will be asked for, one array (N, 10, 192, 192) an input of the network.

    Notes
    -----
    The step is one of :meth:`keras.Model.train_on_batch`, compiled by
    :func:`~astsvm_lib.network.compile_network`, up to rounding.
    """

    def __init__(self, network: keras.Model, inputs: list[np.ndarray]) -> None:
        self.network = network
        self.weights: Weights = {v.path: np.array(keras.ops.convert_to_numpy(v)) for v in network.weights}
        self.trained = [v.path for v in network.trainable_variables]
        self.streams = [
            _Stream([layer for layer in network.layers if layer.name.startswith(f"{tensor.name}_")], self.weights)
            for tensor in network.inputs
        ]
        kind = network.get_layer("head").kernel.dtype
        self.seen = [stream.look(np.asarray(x, kind)) for stream, x in zip(self.streams, inputs, strict=True)]
        head = network.get_layer("head")
        self.head = head.kernel.path, head.bias.path
        self.first = {name: np.zeros_like(self.weights[name]) for name in self.trained}
        self.second = {name: np.zeros_like(self.weights[name]) for name in self.trained}
        self.steps = 0

    def forwards(self, rows: np.ndarray, training: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Features and class probabilities of the clips ``rows``, each with a row a clip."""
        outputs = [stream.forwards(seen, rows, training) for stream, seen in zip(self.streams, self.seen, strict=True)]
        self.shapes = [output.shape for output in outputs]
        features = np.concatenate([output.reshape(len(rows), -1) for output in outputs], axis=1)
        kernel, bias = (self.weights[name] for name in self.head)
        return features, _activate(features @ kernel + bias, "softmax")

    def gradients(self, rows: np.ndarray, labels: np.ndarray, weights: np.ndarray | None) -> tuple[Weights, float, int]:
        """Gradients of the mean weighted cross-entropy; the loss; how many clips were right."""
        features, probabilities = self.forwards(rows, training=True)
        each = np.ones(len(rows), features.dtype) if weights is None else weights
        chosen = probabilities[np.arange(len(rows)), labels]
        change = probabilities.copy()
        change[np.arange(len(rows)), labels] -= 1
        change *= (each / len(rows))[:, None]
        kernel, bias = self.head
        found = {kernel: features.T @ change, bias: change.sum(0)}
        back = change @ self.weights[kernel].T
        ends = np.cumsum([math.prod(shape[1:]) for shape in self.shapes])
        for stream, part, shape in zip(self.streams, np.split(back, ends[:-1], axis=1), self.shapes, strict=True):
            stream.backwards(part.reshape(shape), found)
        loss = float(-(each * np.log(np.maximum(chosen, TINY))).mean())
        return found, loss, int((probabilities.argmax(1) == labels).sum())

    def step(self, rows: np.ndarray, labels: np.ndarray, weights: np.ndarray | None, rate: float) -> tuple[float, int]:
        """One step of Adam on the clips ``rows``, whose class numbers and weights are given.

        Returns the mean loss before the step, and how many clips were judged rightly.
        """
        gradients, loss, correct = self.gradients(rows, labels, weights)
        self.steps += 1
        rate *= np.sqrt(1 - BETA_2**self.steps) / (1 - BETA_1**self.steps)
        for name in self.trained:
            _adam(
                self.weights[name].ravel(), np.ascontiguousarray(gradients[name], self.weights[name].dtype).ravel(),
                self.first[name].ravel(), self.second[name].ravel(), rate,
            )  # fmt: skip
        return loss, correct

    def hand_back(self) -> None:
        """Write the weights, moving averages among them, into the network."""
        for variable in self.network.weights:
            variable.assign(self.weights[variable.path])
