"""Procedural albedo of skin, hair and eyes, in linear light, on the head's texture map."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from astsvm_lib.rehearsal.canvas import (
    blend,
    fractal_noise,
    grid,
    masks,
    scale,
    smoothstep,
    spot,
    stroke,
    tint,
)
from astsvm_lib.rehearsal.hair import HairStyle, draw_style, paint_hair
from astsvm_lib.rehearsal.head import (
    ATLAS_ROW,
    EYE_COLUMNS,
    EYE_EXTENT,
    EYE_HALF_WIDTH,
    FLAT_COLUMNS,
    TEETH,
    TEXTURE_SIZE,
    TONGUE,
    skin_texel,
)

IRIS_RADIUS = 0.14  # of the eyeball, model units

Colour = tuple[float, float, float]
#: Skin albedo (linear RGB) from lightest to darkest; a tone in 0..1 interpolates between them.
SKIN_TONES = np.array(
    [[0.62, 0.42, 0.32], [0.54, 0.34, 0.24], [0.40, 0.235, 0.15], [0.24, 0.125, 0.075], [0.125, 0.062, 0.040]]
)
DARK_HAIR: Colour = (0.025, 0.018, 0.014)
GREY_HAIR: Colour = (0.36, 0.35, 0.34)
HAIR_COLOURS: tuple[Colour, ...] = ((0.10, 0.055, 0.03), (0.22, 0.13, 0.06), (0.06, 0.035, 0.02), (0.15, 0.06, 0.03))
IRIS_COLOURS: tuple[Colour, ...] = (
    (0.05, 0.028, 0.015), (0.09, 0.05, 0.02), (0.10, 0.12, 0.06), (0.12, 0.20, 0.30), (0.03, 0.018, 0.010),
)  # fmt: skip


@dataclass(frozen=True)
class Appearance:
    """Parameters of a subject's texture; heights are y in model units, widths are cylinder angles in radians."""

    skin: np.ndarray
    pores: float
    blush: float
    shadow_under_eyes: float
    freckles: int
    moles: int
    wrinkles: float
    furrows: float
    stubble: float
    hair: np.ndarray
    style: HairStyle | None
    curtain: bool
    lips: np.ndarray
    lip_strength: float
    brow_colour: np.ndarray
    brow_hairs: int
    brow_height: float
    brow_arch: float
    brow_tilt: float
    brow_width: float
    brow_length: float
    brow_strength: float
    lashes: float
    collar: float
    clothes: np.ndarray
    iris: np.ndarray
    iris_radius: float

    @classmethod
    def draw(cls, rng: np.random.Generator, male: bool, age: float, tone: float) -> Appearance:
        """A random appearance; wrinkles and grey hair increase with age.

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
        step = min(tone * 4, 3.999)
        below = int(step)
        skin = SKIN_TONES[below] * (1 - step + below) + SKIN_TONES[below + 1] * (step - below)
        old = np.clip((age - 25) / 37, 0, 1)
        young_hair = np.array(DARK_HAIR if tone > 0.4 or rng.random() < 0.45 else HAIR_COLOURS[rng.integers(4)])
        grey = float(np.clip((age - 38) / 20 * rng.uniform(0, 1.4), 0, 1))
        hair = young_hair * (1 - grey) + np.array(GREY_HAIR) * grey
        lips = (0.95, 0.60, 0.62) if rng.random() < 0.7 else (0.90, 0.45, 0.47)
        style, curtain = draw_style(rng, male, age, tone)
        brow_colour = np.minimum(young_hair * (1 - 0.5 * grey) + 0.1 * grey, skin * 0.35) * 0.8
        return cls(
            skin=skin,
            pores=rng.uniform(0.02, 0.045),
            blush=rng.uniform(0.1, 0.6) * (1 - 0.6 * tone),
            shadow_under_eyes=rng.uniform(0.05, 0.2) + 0.12 * old,
            freckles=int(rng.integers(0, 140 if tone < 0.4 else 15)),
            moles=int(rng.integers(0, 4)),
            wrinkles=rng.uniform(0.01, 0.05) + 0.17 * old,
            furrows=rng.uniform(0.15, 0.25) + 0.25 * old,
            stubble=rng.uniform(0.08, 0.55) if male and rng.random() < 0.6 else 0.0,
            hair=hair,
            style=style,
            curtain=curtain,
            lips=skin * np.array(lips),
            lip_strength=rng.uniform(0.5, 0.95) * (0.75 if male else 1.0),
            brow_colour=brow_colour,
            brow_hairs=int(rng.integers(260, 560)),
            brow_height=7.435 + rng.normal(0, 0.012),
            brow_arch=rng.uniform(0.02, 0.065),
            brow_tilt=rng.uniform(-0.01, 0.045),
            brow_width=rng.uniform(0.018, 0.042) * (1.15 if male else 0.85),
            brow_length=rng.uniform(0.40, 0.50),
            brow_strength=rng.uniform(0.85, 1.3),
            lashes=rng.uniform(0.5, 0.9) if male else rng.uniform(0.9, 1.3),
            collar=rng.uniform(5.45, 5.75),
            clothes=rng.uniform(0.05, 0.5) * rng.uniform(0.6, 1.2, 3),
            iris=np.array(IRIS_COLOURS[rng.integers(5 if tone < 0.5 else 2)]),
            iris_radius=rng.uniform(0.44, 0.50),
        )


def _dots(rng: np.random.Generator, texture: np.ndarray, count: int, mole: bool) -> None:
    """Paint freckles or moles into the texture, in place."""
    for _ in range(count):
        angle = rng.normal(0, 0.50 if mole else 0.55)
        height = rng.uniform(6.4, 7.9) if mole else rng.normal(6.98, 0.18)
        column, row = (int(v) for v in skin_texel(np.array(angle), np.array(height)))
        radius = rng.uniform(1.2, 2.0) if mole else rng.uniform(0.8, 2.2)
        strength = 0.6 if mole else rng.uniform(0.1, 0.3)
        profile = cv2.getGaussianKernel(13, radius)
        dot = profile @ profile.T / profile.max() ** 2
        texture[row - 6 : row + 7, column - 6 : column + 7] *= (1 - strength * dot)[..., None]


def _wrinkles(rng: np.random.Generator) -> np.ndarray:
    """Forehead, nasolabial, crow's feet, under-eye and frown lines, 0..1."""
    lines = np.zeros((TEXTURE_SIZE, TEXTURE_SIZE), np.float32)
    for k in range(4):
        height = 7.72 + 0.085 * k + rng.normal(0, 0.01)
        across = np.linspace(-0.55, 0.55, 24)
        points = [(x, height + 0.04 * np.cos(2.2 * x) + 0.006 * rng.normal()) for x in across]
        stroke(lines, points, 2, rng.uniform(0.3, 1))
    for s in (-1, 1):
        fold = [(s * (0.20 + 0.20 * u**0.8), 6.97 - 0.26 * u**1.5) for u in np.linspace(0.1, 1, 14)]
        stroke(lines, fold, 2, 0.8)
        for k in (-1, 0, 1):
            stroke(lines, [(s * (0.62 + 0.14 * u), 7.29 + 0.05 * k * u) for u in np.linspace(0, 1, 6)], 1, 0.7)
            if k:
                stroke(lines, [(s * 0.05 + 0.004 * k, 7.52 + 0.09 * u) for u in np.linspace(0, 1, 5)], 1, 0.5)
        under_eye = [(s * (0.24 + 0.22 * u), 7.19 - 0.05 * np.sin(np.pi * u)) for u in np.linspace(0, 1, 10)]
        stroke(lines, under_eye, 1, 0.8)
    return cv2.GaussianBlur(lines, (0, 0), 1.8)


def _stubble(rng: np.random.Generator) -> np.ndarray:
    """Mask of the beard, 0..1."""
    _, _, y, a = grid()
    side = np.abs(a)
    chin = smoothstep(y, 6.88, 6.72) * smoothstep(y, 5.9, 6.1) * smoothstep(side, 1.35, 1.1)
    chin = chin * (1 - 0.75 * spot(0, 6.83, 0.1, 0.05))
    whiskers = smoothstep(side, 0.95, 1.05) * smoothstep(side, 1.4, 1.25)
    whiskers = whiskers * smoothstep(y, 7.3, 7.0) * smoothstep(y, 5.9, 6.1)
    hairs = (fractal_noise(rng, 2, 1) > 0.1).astype(np.float32)
    return cv2.GaussianBlur(np.maximum(chin, whiskers).astype(np.float32) * (0.6 + 0.4 * hairs), (0, 0), 0.8)


def _brows(rng: np.random.Generator, look: Appearance) -> np.ndarray:
    """Mask of the brows, one stroke per hair, 0..0.93."""
    hairs = np.zeros((TEXTURE_SIZE, TEXTURE_SIZE), np.float32)
    for side in (-1, 1):
        for u in rng.beta(0.95, 1.05, look.brow_hairs):
            middle = look.brow_height + look.brow_arch * np.sin(np.pi * min(1, 0.85 * u + 0.05)) - look.brow_tilt * u
            width = look.brow_width * (1 - 0.75 * u**2.2) * (0.65 + 0.35 * min(1, 5 * u))
            x, y = side * (0.17 + look.brow_length * u), middle + rng.uniform(-1, 1) * width
            slope, length = np.deg2rad(75 - 85 * min(1, 1.3 * u)), rng.uniform(0.05, 0.085)
            end = (x + side * 0.9 * length * np.cos(slope), y + 0.6 * length * np.sin(slope))
            stroke(hairs, [(x, y), end], 1, rng.uniform(0.55, 1))
    return np.clip(cv2.GaussianBlur(hairs, (0, 0), 0.7) * look.brow_strength, 0, 0.93)


def _paint_eyes(rng: np.random.Generator, texture: np.ndarray, look: Appearance) -> None:
    """Paint sclera, iris and pupil into the atlas, in place."""
    row, column, _, _ = grid()
    reach = 0.06 * TEXTURE_SIZE
    for eye in EYE_COLUMNS:
        middle = int(ATLAS_ROW * TEXTURE_SIZE), int(eye * TEXTURE_SIZE)
        window = tuple(slice(max(0, int(at - reach) - 2), int(at + reach) + 3) for at in middle)
        dx, dy = column[window] - eye * TEXTURE_SIZE, row[window] - ATLAS_ROW * TEXTURE_SIZE
        here = np.maximum(np.abs(dx), np.abs(dy)) < reach
        radius = np.hypot(dx, dy)[here] / (EYE_HALF_WIDTH * TEXTURE_SIZE) * EYE_EXTENT / IRIS_RADIUS
        fibres = cv2.GaussianBlur(rng.standard_normal((1, 256), np.float32), (0, 0), 1.5)[0]
        fibre = np.interp(np.arctan2(dy[here], dx[here]), np.linspace(-np.pi, np.pi, 256), fibres)
        rim = look.iris_radius
        white = np.array([0.72, 0.67, 0.62]) * (1 - 0.25 * smoothstep(radius, 0.6, 1.1))[:, None]
        iris = look.iris * (1 + 0.35 * fibre - 0.5 * smoothstep(radius, 0.75 * rim, rim))[:, None]
        in_iris = smoothstep(radius, rim + 0.03, rim - 0.03)[:, None]
        outside_pupil = smoothstep(radius, 0.38 * rim, 0.46 * rim)[:, None]
        colour = white * (1 - in_iris) + np.clip(iris, 0, 1) * in_iris
        texture[window][here] = colour * outside_pupil + 0.012 * (1 - outside_pupil)


def paint(look: Appearance, rng: np.random.Generator) -> np.ndarray:
    """Linear albedo of a subject on the head's texture map, (side, side, 3) float32.

    Parameters
    ----------
    look
        Parameters of the texture.
    rng
        Source of noise, spots and strokes.
    """
    _, _, height, _ = grid()
    lips, lids, _, rims = masks()
    texture = np.ones((TEXTURE_SIZE, TEXTURE_SIZE, 3), np.float32) * look.skin.astype(np.float32)
    blotches, redness, pores = fractal_noise(rng, 160, 6, 0.62), fractal_noise(rng, 110), fractal_noise(rng, 6, 2, 0.8)
    scale(texture, 1 + 0.05 * blotches + look.pores * pores)
    tint(texture, 0.045 * redness, (0.25, -0.5, -0.35))
    cheeks = spot(0.6, 6.92, 0.2, 0.16) + spot(-0.6, 6.92, 0.2, 0.16) + 0.8 * spot(0, 6.92, 0.12, 0.1)
    tint(texture, look.blush * cheeks, (0.2, -0.12, -0.1))
    under_eyes = spot(0.36, 7.22, 0.16, 0.09) + spot(-0.36, 7.22, 0.16, 0.09)
    tint(texture, look.shadow_under_eyes * under_eyes, (-0.7, -0.9, -0.8))
    _dots(rng, texture, look.freckles, mole=False)
    _dots(rng, texture, look.moles, mole=True)
    scale(texture, 1 - look.wrinkles * _wrinkles(rng))
    if look.stubble:
        texture = blend(texture, look.stubble * _stubble(rng), 1.1 * look.hair)
    lip_colour = look.lips * (1 + 0.07 * fractal_noise(rng, 6, 2))[..., None]
    texture = blend(texture, look.lip_strength * lips, lip_colour)
    scale(texture, 1 - 0.18 * lids)
    texture = blend(texture, np.clip(look.lashes * rims, 0, 1), 0.25 * look.brow_colour)
    texture = blend(texture, _brows(rng, look), look.brow_colour)
    if look.style is not None:
        texture = blend(texture, *paint_hair(rng, look.style, look.hair))
    cloth = smoothstep(height, look.collar + 0.02, look.collar - 0.02)
    texture = blend(texture, cloth, look.clothes * (1 + 0.05 * fractal_noise(rng, 3, 1))[..., None])
    _paint_eyes(rng, texture, look)
    flat: dict[int, np.ndarray] = {
        TEETH: np.array((0.60, 0.55, 0.48)),
        TONGUE: np.array((0.35, 0.12, 0.12)),
    }
    for code, colour in flat.items():
        left, right = ((FLAT_COLUMNS[code] + d) * TEXTURE_SIZE for d in (-0.03, 0.03))
        texture[int(0.9 * TEXTURE_SIZE) :, int(left) : int(right)] = colour
    return np.clip(texture, 0.004, 1).astype(np.float32)
