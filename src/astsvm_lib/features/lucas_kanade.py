r"""Dense Lucas-Kanade optical flow by windowed least squares (section III.A.2, reading R5).

At each pixel the displacement :math:`d` minimises, over a Gaussian window :math:`w`,

.. math:: \sum w \, (\nabla I \cdot d + I_t)^2 + \tau \lVert d \rVert^2

whose solution is :math:`d = -(\langle\nabla I \nabla I^T\rangle_w + \tau)^{-1} \langle\nabla I\, I_t\rangle_w`.
The second image is warped by the current flow and the step is repeated, from the coarsest pyramid level to
full resolution (Lucas and Kanade 1981; Bouguet 2001).
"""

from __future__ import annotations

import cv2
import numba
import numpy as np

from astsvm_lib.errors import CompanionError
from astsvm_lib.recipe import Flow

DEFAULT = Flow()


def _gradient(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives by Scharr kernels, in grey values per pixel."""
    return cv2.Scharr(image, cv2.CV_32F, 1, 0) / 32, cv2.Scharr(image, cv2.CV_32F, 0, 1) / 32


@numba.njit(cache=True)
def _warp_back(image, flow, out):  # type: ignore[no-untyped-def]
    height, width = image.shape
    weight_x, weight_y = np.empty(4, np.float32), np.empty(4, np.float32)
    for y in range(height):
        for x in range(width):
            px, py = x + flow[y, x, 0], y + flow[y, x, 1]
            x0, y0 = int(np.floor(px)), int(np.floor(py))
            for weights, t in ((weight_x, px - x0), (weight_y, py - y0)):
                weights[0] = ((-0.5 * t + 1.0) * t - 0.5) * t
                weights[1] = (1.5 * t - 2.5) * t * t + 1.0
                weights[2] = ((-1.5 * t + 2.0) * t + 0.5) * t
                weights[3] = (0.5 * t - 0.5) * t * t
            total = np.float32(0.0)
            for j in range(4):
                row = min(max(y0 - 1 + j, 0), height - 1)
                for i in range(4):
                    column = min(max(x0 - 1 + i, 0), width - 1)
                    total += weight_y[j] * weight_x[i] * image[row, column]
            out[y, x] = total


def warp_back(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """``image`` sampled at each pixel's destination, (H, W) float32: backward warping.

    Cubic interpolation (Catmull-Rom) at exact positions. ``cv2.remap`` rounds them to 1/32 pixel, a tenth
    of the motion to be measured.

    Parameters
    ----------
    image
        (H, W) grey values.
    flow
        (H, W, 2) pixels: right, down.
    """
    out = np.empty(image.shape, np.float32)
    _warp_back(np.ascontiguousarray(image, np.float32), np.ascontiguousarray(flow, np.float32), out)
    return out


def lucas_kanade(first: np.ndarray, second: np.ndarray, options: Flow = DEFAULT) -> np.ndarray:
    """Optical flow from ``first`` to ``second``, (H, W, 2) float32 pixels: right, down.

    Parameters
    ----------
    first, second
        (H, W) grey values 0..255; the scale matters for ``tikhonov``.
    options
        ``window_sigma``, ``iterations``, ``levels``, ``tikhonov``.

    Raises
    ------
    CompanionError
        If the images differ in shape or have more than one channel.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> image = cv2.GaussianBlur(rng.uniform(0, 255, (64, 64)).astype(np.float32), (0, 0), 3)
    >>> moved = np.roll(image, 1, axis=1)
    >>> bool(abs(lucas_kanade(image, moved)[32, 32, 0] - 1) < 0.05)
    True
    """
    if first.ndim != 2 or first.shape != second.shape:
        raise CompanionError(
            f"Lucas-Kanade: expected two grey images of the same shape, found {first.shape} and {second.shape}"
        )
    pyramid = [(first.astype(np.float32), second.astype(np.float32))]
    while len(pyramid) < options.levels and min(pyramid[-1][0].shape) >= 32:
        pyramid.append((cv2.pyrDown(pyramid[-1][0]), cv2.pyrDown(pyramid[-1][1])))

    def window(product: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(product, (0, 0), options.window_sigma)

    flow = np.zeros((*pyramid[-1][0].shape, 2), np.float32)
    for here, there in pyramid[::-1]:
        if flow.shape[:2] != here.shape:
            scale = (np.array(here.shape[::-1]) / flow.shape[1::-1]).astype(np.float32)
            flow = cv2.resize(flow, here.shape[::-1], interpolation=cv2.INTER_LINEAR) * scale
        gx, gy = _gradient(here)
        for _ in range(options.iterations):
            warped = warp_back(there, flow)
            wx, wy = _gradient(warped)
            ix, iy, it = (gx + wx) / 2, (gy + wy) / 2, warped - here
            xx, yy, xy = window(ix * ix) + options.tikhonov, window(iy * iy) + options.tikhonov, window(ix * iy)
            xt, yt = window(ix * it), window(iy * it)
            determinant = np.maximum(xx * yy - xy * xy, 1e-12)
            flow = flow - np.stack([yy * xt - xy * yt, xx * yt - xy * xt], -1) / determinant[..., None]
    return flow.astype(np.float32)
