"""A face's skin, hair and eyes, painted procedurally: linear albedo on the head's texture map."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from scipy.spatial import cKDTree

from astsvm_lib.rehearsal.head import (
    ATLAS_ROW,
    BOTTOM_Y,
    EYE_COLUMNS,
    EYE_EXTENT,
    EYE_HALF_WIDTH,
    FLAT_COLUMNS,
    SKIN,
    SKIN_ROWS,
    TEETH,
    TEXTURE_SIZE,
    TONGUE,
    TOP_Y,
    Head,
    load_head,
    skin_texel,
)

IRIS_RADIUS = 0.14  # of the eyeball, model units

Colour = tuple[float, float, float]
#: Skin albedo (linear RGB) from lightest to darkest; a tone in 0..1 runs along the list.
SKIN_TONES = np.array(
    [[0.62, 0.42, 0.32], [0.54, 0.34, 0.24], [0.40, 0.235, 0.15], [0.24, 0.125, 0.075], [0.125, 0.062, 0.040]]
)
DARK_HAIR: Colour = (0.025, 0.018, 0.014)
GREY_HAIR: Colour = (0.36, 0.35, 0.34)
HAIR_COLOURS: tuple[Colour, ...] = ((0.10, 0.055, 0.03), (0.22, 0.13, 0.06), (0.06, 0.035, 0.02), (0.15, 0.06, 0.03))
IRIS_COLOURS: tuple[Colour, ...] = (
    (0.05, 0.028, 0.015), (0.09, 0.05, 0.02), (0.10, 0.12, 0.06), (0.12, 0.20, 0.30), (0.03, 0.018, 0.010),
)  # fmt: skip
#: Contraction (decimetres) at which a furrow is as deep as it gets: a full, visible expression.
FURROW_FULL = 0.05


@dataclass(frozen=True)
class HairStyle:
    """Where hair grows and how thick it lies.

    Attributes
    ----------
    line
        Height at which it begins above the forehead, y.
    swing
        How much higher it begins on the subject's left than on the right, per radian.
    temples
        How far it recedes at the temples, y.
    thickness
        Of the layer over the skull, decimetres.
    density
        Share of the skin that it covers, 0..1.
    ragged
        How unevenly it ends, y.
    curl
        Width of a strand's detail over its length: 0 for straight hair.
    """

    line: float
    swing: float
    temples: float
    thickness: float
    density: float
    ragged: float
    curl: float


def _style(rng: np.random.Generator, male: bool, age: float, tone: float) -> tuple[HairStyle | None, bool]:
    """A random haircut, None for a bald head, and whether hair falls behind the face."""
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


@dataclass(frozen=True)
class Appearance:
    """What a subject's texture is painted from; heights are y, widths radians on the cylinder."""

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
        """A random person's appearance; wrinkles and grey hair come with age (years)."""
        step = min(tone * 4, 3.999)
        below = int(step)
        skin = SKIN_TONES[below] * (1 - step + below) + SKIN_TONES[below + 1] * (step - below)
        old = np.clip((age - 25) / 37, 0, 1)
        young_hair = np.array(DARK_HAIR if tone > 0.4 or rng.random() < 0.45 else HAIR_COLOURS[rng.integers(4)])
        grey = float(np.clip((age - 38) / 20 * rng.uniform(0, 1.4), 0, 1))
        hair = young_hair * (1 - grey) + np.array(GREY_HAIR) * grey
        lips = (0.95, 0.60, 0.62) if rng.random() < 0.7 else (0.90, 0.45, 0.47)
        style, curtain = _style(rng, male, age, tone)
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


def smoothstep(x: np.ndarray | float, start: float, end: float) -> np.ndarray:
    """0 before ``start``, 1 after ``end`` (either order), a cubic between."""
    t = np.clip((np.asarray(x) - start) / (end - start), 0, 1)
    return t * t * (3 - 2 * t)


def fractal_noise(rng: np.random.Generator, scale: float, octaves: int = 4, persistence: float = 0.55) -> np.ndarray:
    """Unit-variance noise over the texture whose coarsest detail is ``scale`` texels wide."""
    total, amplitude, power = np.zeros((TEXTURE_SIZE, TEXTURE_SIZE), np.float32), 1.0, 0.0
    for octave in range(octaves):
        cells = int(TEXTURE_SIZE / max(scale / 2**octave, 1)) + 3
        grid = rng.standard_normal((cells, cells), np.float32)
        total += amplitude * cv2.resize(grid, (TEXTURE_SIZE, TEXTURE_SIZE), interpolation=cv2.INTER_CUBIC)
        power += amplitude**2
        amplitude *= persistence
    return total / np.float32(np.sqrt(power))


def _mask_on_texture(head: Head, values: np.ndarray, front: float, sigma: float) -> np.ndarray:
    """A per-vertex mask drawn into the texture, front-facing outer skin only, then blurred."""
    out = np.zeros((TEXTURE_SIZE, TEXTURE_SIZE), np.float32)
    triangles = head.triangles[head.triangle_part == SKIN]
    strength = values[triangles].mean(1)
    chosen = (strength > 0.03) & (head.template[triangles, 2].mean(1) > front)
    order = np.argsort(strength[chosen], kind="stable")  # the strongest is drawn last
    for triangle, value in zip(triangles[chosen][order], strength[chosen][order], strict=True):
        corners = np.round(head.texel[triangle] * 16).astype(np.int32)
        cv2.fillConvexPoly(out, corners, float(value), cv2.LINE_8, 4)
    return cv2.GaussianBlur(out, (0, 0), sigma)


@lru_cache
def _masks() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Lips, eyelids, ears and the lids' rims on the texture: the same for every subject."""
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
def _grid() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Row, column, and the height and cylinder angle of the skin at every texel."""
    row, column = np.mgrid[0:TEXTURE_SIZE, 0:TEXTURE_SIZE].astype(np.float32)
    height = TOP_Y - row / (TEXTURE_SIZE * SKIN_ROWS) * (TOP_Y - BOTTOM_Y)
    angle = (column / (TEXTURE_SIZE - 1) - 0.5) * 2 * np.pi
    return row, column, height.astype(np.float32), angle.astype(np.float32)


def _spot(angle: float, height: float, width: float, tall: float) -> np.ndarray:
    """Gaussian spot on the skin."""
    _, _, y, a = _grid()
    return np.exp(-0.5 * (((a - angle) / width) ** 2 + ((y - height) / tall) ** 2)).astype(np.float32)


def _stroke(image: np.ndarray, points: Iterable[tuple[float, float]], width: int, value: float) -> None:
    """Draw a line through (angle, height) points."""
    angle, height = np.array(list(points)).T
    corners = np.round(np.stack(skin_texel(angle, height), 1) * 16).astype(np.int32)
    cv2.polylines(image, [corners], False, float(value), width, cv2.LINE_AA, 4)


def _blend(texture: np.ndarray, mask: np.ndarray, colour: np.ndarray) -> np.ndarray:
    return texture * (1 - mask[..., None]) + mask[..., None] * colour


def _dots(rng: np.random.Generator, texture: np.ndarray, count: int, mole: bool) -> None:
    """Freckles or moles, in place."""
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
        _stroke(lines, points, 2, rng.uniform(0.3, 1))
    for s in (-1, 1):
        fold = [(s * (0.20 + 0.20 * u**0.8), 6.97 - 0.26 * u**1.5) for u in np.linspace(0.1, 1, 14)]
        _stroke(lines, fold, 2, 0.8)
        for k in (-1, 0, 1):
            _stroke(lines, [(s * (0.62 + 0.14 * u), 7.29 + 0.05 * k * u) for u in np.linspace(0, 1, 6)], 1, 0.7)
            if k:
                _stroke(lines, [(s * 0.05 + 0.004 * k, 7.52 + 0.09 * u) for u in np.linspace(0, 1, 5)], 1, 0.5)
        under_eye = [(s * (0.24 + 0.22 * u), 7.19 - 0.05 * np.sin(np.pi * u)) for u in np.linspace(0, 1, 10)]
        _stroke(lines, under_eye, 1, 0.8)
    return cv2.GaussianBlur(lines, (0, 0), 1.8)


def _stubble(rng: np.random.Generator) -> np.ndarray:
    """Where a beard grows, 0..1."""
    _, _, y, a = _grid()
    side = np.abs(a)
    chin = smoothstep(y, 6.88, 6.72) * smoothstep(y, 5.9, 6.1) * smoothstep(side, 1.35, 1.1)
    chin = chin * (1 - 0.75 * _spot(0, 6.83, 0.1, 0.05))
    whiskers = smoothstep(side, 0.95, 1.05) * smoothstep(side, 1.4, 1.25)
    whiskers = whiskers * smoothstep(y, 7.3, 7.0) * smoothstep(y, 5.9, 6.1)
    hairs = (fractal_noise(rng, 2, 1) > 0.1).astype(np.float32)
    return cv2.GaussianBlur(np.maximum(chin, whiskers).astype(np.float32) * (0.6 + 0.4 * hairs), (0, 0), 0.8)


def _brows(rng: np.random.Generator, look: Appearance) -> np.ndarray:
    """Brow hairs, one stroke each, 0..0.93."""
    hairs = np.zeros((TEXTURE_SIZE, TEXTURE_SIZE), np.float32)
    for side in (-1, 1):
        for u in rng.beta(0.95, 1.05, look.brow_hairs):
            middle = look.brow_height + look.brow_arch * np.sin(np.pi * min(1, 0.85 * u + 0.05)) - look.brow_tilt * u
            width = look.brow_width * (1 - 0.75 * u**2.2) * (0.65 + 0.35 * min(1, 5 * u))
            x, y = side * (0.17 + look.brow_length * u), middle + rng.uniform(-1, 1) * width
            slope, length = np.deg2rad(75 - 85 * min(1, 1.3 * u)), rng.uniform(0.05, 0.085)
            end = (x + side * 0.9 * length * np.cos(slope), y + 0.6 * length * np.sin(slope))
            _stroke(hairs, [(x, y), end], 1, rng.uniform(0.55, 1))
    return np.clip(cv2.GaussianBlur(hairs, (0, 0), 0.7) * look.brow_strength, 0, 0.93)


def _hairline(style: HairStyle, angle: np.ndarray) -> np.ndarray:
    """Height at which hair begins, by cylinder angle: forehead, temples, sideburns, nape."""
    side = np.abs(angle)
    forehead = style.line + style.swing * np.clip(angle, -0.9, 0.9)
    temples = style.temples * np.exp(-0.5 * ((side - 0.62) / 0.2) ** 2)
    drop = 0.35 * smoothstep(side, 0.55, 1.0) + 0.95 * smoothstep(side, 1.02, 1.22)
    return forehead + temples - drop - 0.5 * smoothstep(side, 1.7, 2.1)


def hair_shell(look: Appearance, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """How far each vertex is hair (V,), 0..1, and how thick hair lies on it (V,), decimetres."""
    head = load_head()
    if look.style is None:
        return np.zeros(len(head.mean), np.float32), np.zeros(len(head.mean), np.float32)
    above = head.template[:, 1] - _hairline(look.style, head.angle)
    on_head = (head.part == SKIN) * np.clip(1 - 4 * head.ears, 0, 1)
    hair = smoothstep(above, -0.02, 0.30) * on_head
    phase, cycles = rng.uniform(0, 2 * np.pi, 6), rng.uniform(1.5, 5.0, (6, 2))
    waves = np.sin(head.angle[:, None] * cycles[:, 0] + head.template[:, 1, None] * cycles[:, 1] + phase).mean(1)
    thickness = look.style.thickness * (1 + 0.8 * waves) * smoothstep(above, -0.02, 0.55) * on_head
    return hair.astype(np.float32), thickness.astype(np.float32)


def _hair(rng: np.random.Generator, look: Appearance, style: HairStyle) -> tuple[np.ndarray, np.ndarray]:
    """Mask of the scalp hair, 0..1, and its colour."""
    _, _, y, a = _grid()
    line = _hairline(style, a) + 0.02 * fractal_noise(rng, 40, 2)
    rough = rng.standard_normal((TEXTURE_SIZE, TEXTURE_SIZE), np.float32)
    fringe = cv2.GaussianBlur(rough, (0, 0), sigmaX=1.0, sigmaY=8) * 3.2 * style.ragged
    tufts = cv2.GaussianBlur(rough, (0, 0), sigmaX=5, sigmaY=14) * 8 * style.ragged
    depth = y - line + fringe + tufts
    mask = smoothstep(depth, -0.06, 0.16) * (1 - np.clip(3 * _masks()[2], 0, 1))
    length = max(2, round(24 * (1 - style.curl) ** 2))
    strands = rng.standard_normal((TEXTURE_SIZE // length, TEXTURE_SIZE), np.float32)
    strands = cv2.resize(strands, (TEXTURE_SIZE, TEXTURE_SIZE), interpolation=cv2.INTER_CUBIC)
    strands = cv2.GaussianBlur(strands, (0, 0), 0.7)
    shine = np.clip(1 + 0.4 * strands + 0.25 * fractal_noise(rng, 26, 2), 0.15, 2)
    roots = 0.75 + 0.25 * smoothstep(depth, 0.0, 0.3)
    return mask * style.density, look.hair * (shine * roots)[..., None]


@dataclass(frozen=True)
class Furrow:
    """A patch of texture that darkens while an action unit contracts.

    Attributes
    ----------
    unit
        Name of the unit, such as ``"6L"``.
    rows, columns
        Where the patch lies in the texture.
    depth
        (rows, columns) share of the light that is lost at :data:`FURROW_FULL`, 0..1.
    """

    unit: str
    rows: slice
    columns: slice
    depth: np.ndarray


@lru_cache
def _furrow_lines() -> dict[str, np.ndarray]:
    """Lines of each unit's furrow on the whole texture, 0..1: drawn once, the same for everybody."""
    found = {}
    for side, s in (("L", 1), ("R", -1)):
        brow, nose, eye = (np.zeros((TEXTURE_SIZE, TEXTURE_SIZE), np.float32) for _ in range(3))
        frown = [(s * (0.050 - 0.014 * u + 0.012 * u * u), 7.43 + 0.17 * u) for u in np.linspace(0, 1, 8)]
        _stroke(brow, frown, 2, 1.0)
        _stroke(brow, [(s * 0.085, 7.50 + 0.08 * u) for u in np.linspace(0, 1, 5)], 1, 0.5)
        for k in range(3):
            _stroke(nose, [(s * 0.055 * u, 7.35 + 0.030 * k - 0.015 * u) for u in np.linspace(0, 1, 5)], 2, 0.8)
        _stroke(nose, [(s * (0.13 + 0.05 * u), 7.13 - 0.16 * u) for u in np.linspace(0, 1, 8)], 2, 1.0)
        for k in (-1.6, -0.5, 0.6, 1.7):
            crow = [(s * (0.56 + 0.13 * u), 7.315 + 0.045 * k * (0.35 + u)) for u in np.linspace(0, 1, 8)]
            _stroke(eye, crow, 2, 1.0)
        pouch = [
            (s * (0.24 + 0.27 * u), 7.20 - 0.045 * np.sin(np.pi * (0.15 + 0.7 * u))) for u in np.linspace(0, 1, 12)
        ]
        _stroke(eye, pouch, 2, 0.9)
        found |= {"4" + side: brow, "9" + side: nose, "6" + side: eye}
    return {unit: cv2.GaussianBlur(lines, (0, 0), 1.6) for unit, lines in found.items()}


def furrows(look: Appearance) -> tuple[Furrow, ...]:
    """The furrows that contracting units draw on this subject."""
    found = []
    for unit, lines in _furrow_lines().items():
        rows, columns = (np.flatnonzero((lines > 0.01).any(axis)) for axis in (1, 0))
        box = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
        found.append(Furrow(unit, *box, depth=(look.furrows * 1.6 * lines[box]).astype(np.float32)))
    return tuple(found)


def _paint_eyes(rng: np.random.Generator, texture: np.ndarray, look: Appearance) -> None:
    """Sclera, iris and pupil into the atlas, in place."""
    row, column, _, _ = _grid()
    for eye in EYE_COLUMNS:
        dx, dy = column - eye * TEXTURE_SIZE, row - ATLAS_ROW * TEXTURE_SIZE
        here = np.maximum(np.abs(dx), np.abs(dy)) < 0.06 * TEXTURE_SIZE
        radius = np.hypot(dx, dy)[here] / (EYE_HALF_WIDTH * TEXTURE_SIZE) * EYE_EXTENT / IRIS_RADIUS
        fibres = cv2.GaussianBlur(rng.standard_normal((1, 256), np.float32), (0, 0), 1.5)[0]
        fibre = np.interp(np.arctan2(dy[here], dx[here]), np.linspace(-np.pi, np.pi, 256), fibres)
        rim = look.iris_radius
        white = np.array([0.72, 0.67, 0.62]) * (1 - 0.25 * smoothstep(radius, 0.6, 1.1))[:, None]
        iris = look.iris * (1 + 0.35 * fibre - 0.5 * smoothstep(radius, 0.75 * rim, rim))[:, None]
        in_iris = smoothstep(radius, rim + 0.03, rim - 0.03)[:, None]
        outside_pupil = smoothstep(radius, 0.38 * rim, 0.46 * rim)[:, None]
        colour = white * (1 - in_iris) + np.clip(iris, 0, 1) * in_iris
        texture[here] = colour * outside_pupil + 0.012 * (1 - outside_pupil)


def paint(look: Appearance, rng: np.random.Generator) -> np.ndarray:
    """Linear albedo (side, side, 3) float32 of one subject, on the head's texture map."""
    _, _, height, _ = _grid()
    lips, lids, _, rims = _masks()
    texture = np.ones((TEXTURE_SIZE, TEXTURE_SIZE, 3), np.float32) * look.skin.astype(np.float32)
    blotches, redness, pores = fractal_noise(rng, 160, 6, 0.62), fractal_noise(rng, 110), fractal_noise(rng, 6, 2, 0.8)
    texture *= (1 + 0.05 * blotches + look.pores * pores)[..., None]
    texture *= 1 + 0.045 * redness[..., None] * np.array([0.25, -0.5, -0.35], np.float32)
    cheeks = _spot(0.6, 6.92, 0.2, 0.16) + _spot(-0.6, 6.92, 0.2, 0.16) + 0.8 * _spot(0, 6.92, 0.12, 0.1)
    texture *= 1 + look.blush * cheeks[..., None] * np.array([0.2, -0.12, -0.1], np.float32)
    under_eyes = _spot(0.36, 7.22, 0.16, 0.09) + _spot(-0.36, 7.22, 0.16, 0.09)
    texture *= 1 - look.shadow_under_eyes * under_eyes[..., None] * np.array([0.7, 0.9, 0.8], np.float32)
    _dots(rng, texture, look.freckles, mole=False)
    _dots(rng, texture, look.moles, mole=True)
    texture *= (1 - look.wrinkles * _wrinkles(rng))[..., None]
    if look.stubble:
        texture = _blend(texture, look.stubble * _stubble(rng), 1.1 * look.hair)
    lip_colour = look.lips * (1 + 0.07 * fractal_noise(rng, 6, 2))[..., None]
    texture = _blend(texture, look.lip_strength * lips, lip_colour)
    texture *= (1 - 0.18 * lids)[..., None]
    texture = _blend(texture, np.clip(look.lashes * rims, 0, 1), 0.25 * look.brow_colour)
    texture = _blend(texture, _brows(rng, look), look.brow_colour)
    if look.style is not None:
        texture = _blend(texture, *_hair(rng, look, look.style))
    cloth = smoothstep(height, look.collar + 0.02, look.collar - 0.02)
    texture = _blend(texture, cloth, look.clothes * (1 + 0.05 * fractal_noise(rng, 3, 1))[..., None])
    _paint_eyes(rng, texture, look)
    flat: dict[int, np.ndarray] = {
        TEETH: np.array((0.60, 0.55, 0.48)),
        TONGUE: np.array((0.35, 0.12, 0.12)),
    }
    for code, colour in flat.items():
        left, right = ((FLAT_COLUMNS[code] + d) * TEXTURE_SIZE for d in (-0.03, 0.03))
        texture[int(0.9 * TEXTURE_SIZE) :, int(left) : int(right)] = colour
    return np.clip(texture, 0.004, 1).astype(np.float32)
