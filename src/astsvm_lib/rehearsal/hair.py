"""Hair: style, distribution on the head and on the texture, and thickness."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from astsvm_lib.rehearsal.canvas import fractal_noise, grid, masks, smoothstep
from astsvm_lib.rehearsal.head import SKIN, TEXTURE_SIZE, load_head


@dataclass(frozen=True)
class HairStyle:
    """Distribution and thickness of the hair.

    Attributes
    ----------
    line
        Height y of the hairline above the forehead.
    swing
        Slope of the hairline, positive if higher on the subject's left; y per radian.
    temples
        Recession at the temples, y.
    thickness
        Thickness of the layer over the skull, in decimetres.
    density
        Fraction of the skin that is covered, 0..1.
    ragged
        Irregularity of the hairline, y.
    curl
        Ratio of width to length of a strand's detail; 0 for straight hair.
    """

    line: float
    swing: float
    temples: float
    thickness: float
    density: float
    ragged: float
    curl: float


def draw_style(rng: np.random.Generator, male: bool, age: float, tone: float) -> tuple[HairStyle | None, bool]:
    """A random hair style, None for a bald head, and whether hair falls behind the face.

    Parameters
    ----------
    rng
        Source of all random values.
    male
        Sex of the subject.
    age
        In years.
    tone
        Skin tone from 0 (lightest) to 1.
    """
    if male and rng.random() < 0.10 + 0.25 * max(0, (age - 35) / 30):
        return None, False
    kind = rng.choice(
        ["short", "swept", "fringe", "cropped"], p=[0.35, 0.3, 0.1, 0.25] if male else [0.15, 0.5, 0.3, 0.05]
    )
    recede = max(0.0, (age - 28) / 34) * rng.uniform(0, 1) if male else 0.0
    line = {"short": 8.02, "swept": 8.06, "fringe": 7.84, "cropped": 8.05}[kind] + rng.normal(0, 0.03) + 0.12 * recede
    style = HairStyle(
        line=line,
        swing=rng.choice([-1, 1]) * rng.uniform(0.05, 0.22) if kind == "swept" else rng.normal(0, 0.02),
        temples=0.12 * rng.random() + 0.3 * recede,
        thickness=0.015 if kind == "cropped" else rng.uniform(0.05, 0.16),
        density=rng.uniform(0.55, 0.8) if kind == "cropped" else rng.uniform(0.9, 1.0),
        ragged=rng.uniform(0.03, 0.09) if kind in ("short", "swept") else 0.05,
        curl=float(rng.uniform(0.5, 1)) if tone > 0.72 else float(rng.random() < 0.2) * 0.3,
    )
    return style, not male and bool(rng.random() < 0.7)


def _hairline(style: HairStyle, angle: np.ndarray) -> np.ndarray:
    """Height of the hairline by cylinder angle: forehead, temples, sideburns, nape."""
    side = np.abs(angle)
    forehead = style.line + style.swing * np.clip(angle, -0.9, 0.9)
    temples = style.temples * np.exp(-0.5 * ((side - 0.62) / 0.2) ** 2)
    drop = 0.35 * smoothstep(side, 0.55, 1.0) + 0.95 * smoothstep(side, 1.02, 1.22)
    return forehead + temples - drop - 0.5 * smoothstep(side, 1.7, 2.1)


def hair_shell(style: HairStyle | None, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Degree to which each vertex is covered by hair, (V,), 0..1, and thickness of the hair, (V,) decimetres.

    Parameters
    ----------
    style
        Hair style; None for a bald head.
    rng
        Source of the variation in thickness.
    """
    head = load_head()
    if style is None:
        return np.zeros(len(head.mean), np.float32), np.zeros(len(head.mean), np.float32)
    above = head.template[:, 1] - _hairline(style, head.angle)
    on_head = (head.part == SKIN) * np.clip(1 - 4 * head.ears, 0, 1)
    hair = smoothstep(above, -0.02, 0.30) * on_head
    phase, cycles = rng.uniform(0, 2 * np.pi, 6), rng.uniform(1.5, 5.0, (6, 2))
    waves = np.sin(head.angle[:, None] * cycles[:, 0] + head.template[:, 1, None] * cycles[:, 1] + phase).mean(1)
    thickness = style.thickness * (1 + 0.8 * waves) * smoothstep(above, -0.02, 0.55) * on_head
    return hair.astype(np.float32), thickness.astype(np.float32)


def paint_hair(rng: np.random.Generator, style: HairStyle, colour: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mask of the scalp hair, (side, side), 0..1, and its colour, (side, side, 3) linear RGB.

    Parameters
    ----------
    rng
        Source of the strands and of the hairline.
    style
        Hair style.
    colour
        (3,) linear RGB.
    """
    _, _, y, a = grid()
    line = _hairline(style, a) + 0.02 * fractal_noise(rng, 40, 2)
    rough = rng.standard_normal((TEXTURE_SIZE, TEXTURE_SIZE), np.float32)
    fringe = cv2.GaussianBlur(rough, (0, 0), sigmaX=1.0, sigmaY=8) * 3.2 * style.ragged
    tufts = cv2.GaussianBlur(rough, (0, 0), sigmaX=5, sigmaY=14) * 8 * style.ragged
    depth = y - line + fringe + tufts
    mask = smoothstep(depth, -0.06, 0.16) * (1 - np.clip(3 * masks()[2], 0, 1))
    length = max(2, round(24 * (1 - style.curl) ** 2))
    strands = rng.standard_normal((TEXTURE_SIZE // length, TEXTURE_SIZE), np.float32)
    strands = cv2.resize(strands, (TEXTURE_SIZE, TEXTURE_SIZE), interpolation=cv2.INTER_CUBIC)
    strands = cv2.GaussianBlur(strands, (0, 0), 0.7)
    shine = np.clip(1 + 0.4 * strands + 0.25 * fractal_noise(rng, 26, 2), 0.15, 2)
    roots = 0.75 + 0.25 * smoothstep(depth, 0.0, 0.3)
    return mask * style.density, colour * (shine * roots)[..., None]
