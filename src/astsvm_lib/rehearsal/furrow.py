"""Furrows: darkening of the skin by contraction of AU 4, AU 6 or AU 9."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from astsvm_lib.rehearsal.canvas import stroke
from astsvm_lib.rehearsal.head import TEXTURE_SIZE

#: Contraction (decimetres) at which a furrow has its full depth: a strong, visible expression.
FURROW_FULL = 0.05


@dataclass(frozen=True)
class Furrow:
    """A patch of the texture that darkens with the contraction of an action unit.

    Attributes
    ----------
    unit
        Name of the unit, such as ``"6L"``.
    rows, columns
        Position of the patch in the texture.
    depth
        (rows, columns) fraction of the light lost at :data:`FURROW_FULL`, 0..1.
    """

    unit: str
    rows: slice
    columns: slice
    depth: np.ndarray


@lru_cache
def _furrow_lines() -> dict[str, np.ndarray]:
    """Furrow lines of each unit on the texture, (side, side), 0..1; the same for every subject."""
    found: dict[str, np.ndarray] = {}
    for side, s in (("L", 1), ("R", -1)):
        brow, nose, eye = (np.zeros((TEXTURE_SIZE, TEXTURE_SIZE), np.float32) for _ in range(3))
        frown = [(s * (0.050 - 0.014 * u + 0.012 * u * u), 7.43 + 0.17 * u) for u in np.linspace(0, 1, 8)]
        stroke(brow, frown, 2, 1.0)
        stroke(brow, [(s * 0.085, 7.50 + 0.08 * u) for u in np.linspace(0, 1, 5)], 1, 0.5)
        for k in range(3):
            stroke(nose, [(s * 0.055 * u, 7.35 + 0.030 * k - 0.015 * u) for u in np.linspace(0, 1, 5)], 2, 0.8)
        stroke(nose, [(s * (0.13 + 0.05 * u), 7.13 - 0.16 * u) for u in np.linspace(0, 1, 8)], 2, 1.0)
        for slant in (-1.6, -0.5, 0.6, 1.7):
            crow = [(s * (0.56 + 0.13 * u), 7.315 + 0.045 * slant * (0.35 + u)) for u in np.linspace(0, 1, 8)]
            stroke(eye, crow, 2, 1.0)
        pouch = [
            (s * (0.24 + 0.27 * u), 7.20 - 0.045 * np.sin(np.pi * (0.15 + 0.7 * u))) for u in np.linspace(0, 1, 12)
        ]
        stroke(eye, pouch, 2, 0.9)
        found |= {"4" + side: brow, "9" + side: nose, "6" + side: eye}
    return {unit: cv2.GaussianBlur(lines, (0, 0), 1.6) for unit, lines in found.items()}


def furrows(strength: float) -> tuple[Furrow, ...]:
    """The furrows of a subject whose skin folds with the given strength, 0..1."""
    found = []
    for unit, lines in _furrow_lines().items():
        rows, columns = (np.flatnonzero((lines > 0.01).any(axis)) for axis in (1, 0))
        box = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
        found.append(Furrow(unit, *box, depth=(strength * 1.6 * lines[box]).astype(np.float32)))
    return tuple(found)
