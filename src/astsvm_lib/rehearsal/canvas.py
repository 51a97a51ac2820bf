"""Painting tools for skin, hair and furrows: geometry of the texture, noise, masks and strokes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import cv2
import numba
import numpy as np
from scipy.spatial import cKDTree

from astsvm_lib.rehearsal.head import (
    BOTTOM_Y,
    SKIN,
    SKIN_ROWS,
    TEXTURE_SIZE,
    TOP_Y,
    Head,
    load_head,
    skin_texel,
)


@numba.njit(cache=True)
def _blend(texture, mask, colour, one, out):  # type: ignore[no-untyped-def]
    for i in range(texture.shape[0]):
        for j in range(texture.shape[1]):
            kept = one - mask[i, j]
            for k in range(3):
                out[i, j, k] = texture[i, j, k] * kept + mask[i, j] * colour[i, j, k]


def blend(texture: np.ndarray, mask: np.ndarray, colour: np.ndarray) -> np.ndarray:
    """``texture * (1 - mask) + mask * colour``, (side, side, 3) float64, without temporary arrays.

    Parameters
    ----------
    texture
        (side, side, 3).
    mask
        (side, side), 0..1.
    colour
        (3,) or (side, side, 3) float64.
    """
    out = np.empty(texture.shape)
    _blend(texture, mask, np.broadcast_to(colour, texture.shape), mask.dtype.type(1), out)
    return out


@numba.njit(cache=True)
def _tint(texture, amount, colour, one):  # type: ignore[no-untyped-def]
    for i in range(texture.shape[0]):
        for j in range(texture.shape[1]):
            for k in range(3):
                texture[i, j, k] *= one + amount[i, j] * colour[k]


def tint(texture: np.ndarray, amount: np.ndarray, colour: tuple[float, float, float]) -> None:
    """Multiply a texture by ``1 + amount * colour``, in place.

    Parameters
    ----------
    texture
        (side, side, 3).
    amount
        (side, side).
    colour
        Change of each colour channel where the amount is 1.
    """
    _tint(texture, amount, np.array(colour, np.float32), np.float32(1))


@numba.njit(cache=True)
def _scale(texture, factor):  # type: ignore[no-untyped-def]
    for i in range(texture.shape[0]):
        for j in range(texture.shape[1]):
            for k in range(3):
                texture[i, j, k] *= factor[i, j]


def scale(texture: np.ndarray, factor: np.ndarray) -> None:
    """Multiply all colour channels of a texture (side, side, 3) by a factor (side, side), in place."""
    _scale(texture, factor)


def smoothstep(x: np.ndarray | float, start: float, end: float) -> np.ndarray:
    """Cubic step, of the shape of ``x``: 0 at ``start``, 1 at ``end``.

    Parameters
    ----------
    x
        Values of any shape.
    start, end
        Limits of the step; ``start`` may be above ``end``.
    """
    t = np.clip((np.asarray(x) - start) / (end - start), 0, 1)
    return t * t * (3 - 2 * t)


def fractal_noise(rng: np.random.Generator, scale: float, octaves: int = 4, persistence: float = 0.55) -> np.ndarray:
    """Fractal noise of about unit variance on the texture, (side, side) float32.

    Parameters
    ----------
    rng
        Source of the noise.
    scale
        Size of the coarsest detail, in texels.
    octaves
        Number of octaves, each with half the scale of the previous one.
    persistence
        Ratio of the amplitudes of successive octaves.
    """
    total, amplitude, power = np.zeros((TEXTURE_SIZE, TEXTURE_SIZE), np.float32), 1.0, 0.0
    for octave in range(octaves):
        cells = int(TEXTURE_SIZE / max(scale / 2**octave, 1)) + 3
        grid = rng.standard_normal((cells, cells), np.float32)
        total += amplitude * cv2.resize(grid, (TEXTURE_SIZE, TEXTURE_SIZE), interpolation=cv2.INTER_CUBIC)
        power += amplitude**2
        amplitude *= persistence
    return total / np.float32(np.sqrt(power))


def _mask_on_texture(head: Head, values: np.ndarray, front: float, sigma: float) -> np.ndarray:
    """A per-vertex mask rasterised to the texture, for front-facing skin only, and blurred."""
    out = np.zeros((TEXTURE_SIZE, TEXTURE_SIZE), np.float32)
    triangles = head.triangles[head.triangle_part == SKIN]
    strength = values[triangles].mean(1)
    chosen = (strength > 0.03) & (head.template[triangles, 2].mean(1) > front)
    order = np.argsort(strength[chosen], kind="stable")  # strongest last
    for triangle, value in zip(triangles[chosen][order], strength[chosen][order], strict=True):
        corners = np.round(head.texel[triangle] * 16).astype(np.int32)
        cv2.fillConvexPoly(out, corners, float(value), cv2.LINE_8, 4)
    return cv2.GaussianBlur(out, (0, 0), sigma)


@lru_cache
def masks() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Masks of lips, eyelids, ears and lid rims on the texture, the same for every subject."""
    head = load_head()
    rims = np.zeros(len(head.mean), np.float32)
    for column, strength in ((0, 1.0), (1, 0.55)):
        distance, _ = cKDTree(head.template[head.lid_pairs[:, column]]).query(head.template)
        rims = np.maximum(rims, strength * np.exp(-((distance / 0.016) ** 2)))
    return (
        _mask_on_texture(head, head.lips, 0.6, 1.5),
        _mask_on_texture(head, head.lids, 0.6, 5),
        _mask_on_texture(head, np.where(head.template[:, 2] > -2, head.ears, 0), -9, 3),
        _mask_on_texture(head, rims, 0.6, 0.9),
    )


@lru_cache
def grid() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Row, column, skin height and cylinder angle of every texel, (side, side) float32 each."""
    row, column = np.mgrid[0:TEXTURE_SIZE, 0:TEXTURE_SIZE].astype(np.float32)
    height = TOP_Y - row / (TEXTURE_SIZE * SKIN_ROWS) * (TOP_Y - BOTTOM_Y)
    angle = (column / (TEXTURE_SIZE - 1) - 0.5) * 2 * np.pi
    return row, column, height.astype(np.float32), angle.astype(np.float32)


@lru_cache(maxsize=8)
def spot(angle: float, height: float, width: float, tall: float) -> np.ndarray:
    """Gaussian spot on the skin, (side, side) float32, with maximum 1.

    Parameters
    ----------
    angle, height
        Centre: cylinder angle in radians, y in model units.
    width, tall
        Standard deviations in the same units.
    """
    _, _, y, a = grid()
    found = np.exp(-0.5 * (((a - angle) / width) ** 2 + ((y - height) / tall) ** 2)).astype(np.float32)
    found.flags.writeable = False
    return found


def stroke(image: np.ndarray, points: Iterable[tuple[float, float]], width: int, value: float) -> None:
    """Draw a polyline on the skin, in place.

    Parameters
    ----------
    image
        (side, side) mask.
    points
        Cylinder angle and height of each point.
    width
        Of the line, in texels.
    value
        Value to draw.
    """
    angle, height = np.array(list(points)).T
    corners = np.round(np.stack(skin_texel(angle, height), 1) * 16).astype(np.int32)
    cv2.polylines(image, [corners], False, float(value), width, cv2.LINE_AA, 4)
