"""Compiled loops over the pixels for the fast training step.

Arrays are float32 or float64, with T frames, H rows, W columns and F filters. Each function writes its results to
output arrays, so that large arrays are not allocated for each clip. Compiled functions take plain arrays and numbers,
so that one of them has more than seven parameters.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from astsvm_lib.models.inception import FILTERS

KERNEL = 7  # side of SAM's kernels; the loops below support no other size
MARGIN = KERNEL // 2
RIGHT = 6  # columns after a padded clip: three below a kernel, and three that complete a group of four columns
BETA_1, BETA_2, EPSILON = 0.9, 0.999, 1e-7  # Adam's defaults in Keras

_loop = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"reassoc", "contract", "arcp", "nsz", "nnan"})


@_loop
def frame_moments(x: np.ndarray, out: np.ndarray) -> None:
    """Mean, variance, minimum and maximum of each frame of x (T, H, W): out (T, 4)."""
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
    """Add to ``out`` (n,) the correlation of ``row`` (n + 6,) with ``kernel`` (7,)."""
    k0, k1, k2, k3, k4, k5, k6 = kernel[0], kernel[1], kernel[2], kernel[3], kernel[4], kernel[5], kernel[6]
    for i in range(len(out)):
        out[i] += (
            k0 * row[i] + k1 * row[i + 1] + k2 * row[i + 2] + k3 * row[i + 3]
            + k4 * row[i + 4] + k5 * row[i + 5] + k6 * row[i + 6]
        )  # fmt: skip


@_loop
def _add_products(out: np.ndarray, change: np.ndarray, row: np.ndarray) -> None:
    """Add to ``out`` (7,) the gradient with respect to the kernel of :func:`_add_row`."""
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
def frame_maps(x: np.ndarray, scale: np.ndarray, shift: np.ndarray, maps: np.ndarray, winner: np.ndarray) -> None:
    """Sum and maximum of ``scale x + shift`` over the frames, and the index of the largest frame.

    x is (T, H, W). The sum and the maximum are written to ``maps`` (2, H + 6, W + 6) inside a margin of 3 pixels,
    the index to ``winner`` (H, W).
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
def spatial_scores(maps: np.ndarray, kernels: np.ndarray, scores: np.ndarray) -> None:
    """SAM's scores (H, W) without bias, from its maps (2, H + 6, W + 6) and kernels (2, 7, 7)."""
    for i in range(len(scores)):
        scores[i] = 0
        for side in range(2):
            for k in range(KERNEL):
                _add_row(scores[i], maps[side, i + k], kernels[side, k])


@_loop
def weighted_blocks(x: np.ndarray, weight: np.ndarray, out: np.ndarray) -> None:
    """Weighted sum over the pixels of each block of x (T, H, W): out (T, h, w)."""
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
def gradient_of_weight(x: np.ndarray, change: np.ndarray, out: np.ndarray) -> None:
    """Gradient with respect to the weight of :func:`weighted_blocks`: out (H, W), from that of the sums (T, h, w)."""
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
def gradients_of_scores(
    x: np.ndarray,
    change: np.ndarray,
    kernels: np.ndarray,
    maps: np.ndarray,
    winner: np.ndarray,
    to_scale: np.ndarray,
    to_shift: np.ndarray,
    to_kernels: np.ndarray,
) -> None:
    """Gradients with respect to scale and shift of :func:`frame_maps` and to the kernels of :func:`spatial_scores`.

    ``change`` (H + 6, W + 6) is the gradient of the scores, with a margin of zeros. The results are added to
    ``to_scale`` and ``to_shift`` (T,) and to ``to_kernels`` (2, 7, 7).
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


@intrinsic
def _convolve_four(
    _typing: Any, source: Any, start: Any, strides: Any, kernel: Any, shape: Any, best: Any, where: Any, pooling: Any
) -> Any:
    """Outputs of 16 filters at four neighbouring columns, and the maxima of their pooling windows, in registers.

    There are no bounds checks. Loops over the same arrays are not compiled to vector instructions.

    Parameters
    ----------
    source, start
        Padded input, one-dimensional, and the index of the first value below the kernel at the first column.
    strides
        Distances of neighbouring frames and rows in ``source``.
    kernel, shape
        Kernels (t * q * q * 16,), filters last, and (t, q).
    best, where, pooling
        Maxima and their positions, (windows * 16,), of one row of windows; position of the first column, its offset
        from the first column of the first window, and number of columns.
    """

    def code(context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        kind, size = context.get_value_type(source.dtype), source.dtype.bitwidth // 8
        index, whole = context.get_value_type(types.intp), ir.IntType(32)
        vector, numbers = ir.VectorType(kind, FILTERS), ir.VectorType(whole, FILTERS)
        data, weights, tops, places = (
            context.make_array(array)(context, builder, value).data
            for array, value in ((source, values[0]), (kernel, values[3]), (best, values[5]), (where, values[6]))
        )
        frame_stride, row_stride = (builder.extract_value(values[2], i) for i in range(2))
        length, side = (builder.extract_value(values[4], i) for i in range(2))
        here, offset, count = (builder.extract_value(values[7], i) for i in range(3))

        def constant(number: int) -> Any:
            return ir.Constant(index, number)

        def vector_at(array: Any, place: Any, type_: Any) -> Any:
            return builder.bitcast(builder.gep(array, [place]), type_.as_pointer())

        def spread(value: Any, type_: Any) -> Any:
            first = builder.insert_element(ir.Constant(type_, ir.Undefined), value, ir.Constant(whole, 0))
            return builder.shuffle_vector(first, first, ir.Constant(numbers, [0] * FILTERS))

        sums = [cgutils.alloca_once_value(builder, ir.Constant(vector, [0.0] * FILTERS)) for _ in range(4)]
        tap = cgutils.alloca_once_value(builder, constant(0))
        with cgutils.for_range(builder, length, intp=index) as frame:
            at_frame = builder.add(values[1], builder.mul(frame.index, frame_stride))
            with cgutils.for_range(builder, side, intp=index) as row:
                at_row = builder.add(at_frame, builder.mul(row.index, row_stride))
                with cgutils.for_range(builder, side, intp=index) as column:
                    now = builder.load(tap)
                    weight = builder.load(vector_at(weights, now, vector), align=size)
                    builder.store(builder.add(now, constant(FILTERS)), tap)
                    at = builder.add(at_row, column.index)
                    for number, total in enumerate(sums):
                        value = builder.load(builder.gep(data, [builder.add(at, constant(number))]))
                        product = builder.fmul(spread(value, vector), weight, flags=["contract"])
                        builder.store(builder.fadd(product, builder.load(total), flags=["contract"]), total)
        for number, total in enumerate(sums):
            with builder.if_then(builder.icmp_signed("<", constant(number), count)):
                window = builder.sdiv(builder.add(offset, constant(number)), constant(3))
                at = builder.mul(window, constant(FILTERS))
                top, place = vector_at(tops, at, vector), vector_at(places, at, numbers)
                value, before = builder.load(total), builder.load(top, align=size)
                larger = builder.fcmp_ordered(">", value, before)
                position = builder.trunc(builder.add(here, constant(number)), whole)
                kept = builder.load(place, align=4)
                builder.store(builder.select(larger, value, before), top, align=size)
                builder.store(builder.select(larger, spread(position, numbers), kept), place, align=4)
        return context.get_dummy_value()

    return types.void(source, types.intp, strides, kernel, shape, best, where, pooling), code


@_loop
def convolve_and_pool(padded: np.ndarray, kernel: np.ndarray, best: np.ndarray, where: np.ndarray) -> None:
    """Convolution with 16 filters, then the maximum of each 3 x 3 x 3 window, and its position.

    Windows follow "same" padding: if one frame, row or column is missing, it is padded at the end; if two are
    missing, one is padded at each end.

    Parameters
    ----------
    padded
        (T + 2, H + 6, W + 3 + :data:`RIGHT`): one clip with a margin of 1 frame, 3 rows and 3 columns.
    kernel
        (t, q, q, 16).
    best, where
        Outputs (T / 3, H / 3, W / 3, 16), rounded up: the maxima, and their positions in (T, H, W).
    """
    frames, height, width = padded.shape[0] - 2, padded.shape[1] - 6, padded.shape[2] - 3 - RIGHT
    length, side = kernel.shape[:2]
    before = (3 * len(best) - frames) // 2, (3 * best.shape[1] - height) // 2, (3 * best.shape[2] - width) // 2
    strides = padded.shape[1] * padded.shape[2], padded.shape[2]
    source, weights = padded.ravel(), kernel.ravel()
    best[:] = -np.inf
    for t in range(frames):
        for i in range(height):
            window = (t + before[0]) // 3, (i + before[1]) // 3
            tops, places = best[window].ravel(), where[window].ravel()
            start = (t + 1 - length // 2) * strides[0] + (i + 3 - side // 2) * strides[1] + 3 - side // 2
            for j in range(0, width, 4):
                pooling = (t * height + i) * width + j, j + before[2], width - j
                _convolve_four(source, start + j, strides, weights, (length, side), tops, places, pooling)


@intrinsic
def _add_eight(_typing: Any, out: Any, at: Any, amount: Any, row: Any, begin: Any) -> Any:
    """``out[at:at + 8] += amount * row[begin:begin + 8]`` as one vector instruction; a loop is not compiled to one.

    For one-dimensional arrays, without bounds checks.
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
def convolve_backwards(
    padded: np.ndarray,
    change: np.ndarray,
    where: np.ndarray,
    kernel: np.ndarray,
    to_padded: np.ndarray,
    to_kernel: np.ndarray,
    further: bool,
) -> None:
    """Gradients of a convolution's input and kernel, from the positions that max pooling selected.

    Parameters
    ----------
    padded, to_padded
        (T + 2, H + 6, W + 3 + :data:`RIGHT`): input with a margin of 1 frame, 3 rows and 3 columns, and the array to
        which its gradient is added.
    change, where
        (windows, F): gradient of the maxima, and their positions.
    kernel, to_kernel
        (F, t, q, 8): kernels of the filters with rows padded with zeros, and the array to which their gradient is
        added.
    further
        Whether the gradient of the input is required.
    """
    filters, length, side, _ = kernel.shape
    height, width = padded.shape[1:]
    rows, columns = height - 6, width - 3 - RIGHT
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
def adam_step(values: np.ndarray, gradient: np.ndarray, first: np.ndarray, second: np.ndarray, rate: float) -> None:
    """One step of Adam, in place; ``rate`` includes the bias correction of the moments."""
    for i in range(len(values)):
        first[i] += (gradient[i] - first[i]) * (1 - BETA_1)
        second[i] += (gradient[i] * gradient[i] - second[i]) * (1 - BETA_2)
        values[i] -= rate * first[i] / (np.sqrt(second[i]) + EPSILON)
