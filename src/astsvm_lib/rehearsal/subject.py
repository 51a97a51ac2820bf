"""Rehearsal subjects: face, light, camera and muscle response."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import numpy as np
from scipy.ndimage import maximum_filter1d

from astsvm_lib.rehearsal.albedo import Appearance, paint
from astsvm_lib.rehearsal.canvas import smoothstep
from astsvm_lib.rehearsal.furrow import Furrow, furrows
from astsvm_lib.rehearsal.hair import hair_shell
from astsvm_lib.rehearsal.head import EYE, SKIN, load_head
from astsvm_lib.rehearsal.raster import vertex_normals

CAMERA_DISTANCE = 14.0  # decimetres
FRAME_WIDTH = 2.45  # width of the frame at the face, in decimetres
NECK = (5.3, 6.1)  # heights between which the head's motion fades out
PIVOT = np.array([0, 5.9, 0], np.float32)
LIDS_MEET = 0.97  # fraction of the gap between the lids after which they stop
LID_CLEARANCE = 1.03  # smallest distance of a lid from the eye's centre, in eyeball radii
YOUNGEST, OLDEST = 18, 62

#: Standard deviation of each unit's contraction in the resting face, in decimetres; resting faces are not neutral.
RESTING = {"1": 0.012, "4": 0.014, "7": 0.008, "10": 0.006, "12": 0.014, "15": 0.010, "17": 0.010, "20": 0.008}


def rotation(angles: np.ndarray) -> np.ndarray:
    """Rotation matrix, (3, 3) float32, for pitch, yaw and roll in radians, applied in this order."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return (about_z @ about_y @ about_x).astype(np.float32)


@dataclass(frozen=True)
class Subject:
    """A subject of the corpus, determined by its seed.

    Attributes
    ----------
    male, age, tone
        Sex, age in years, and skin tone from 0 (lightest) to 1, from which shape and appearance are sampled.
    points
        (V, 3) vertices of the resting face.
    texture
        (side, side, 3) linear albedo.
    furrows
        Patches of the texture that darken with the contraction of an action unit.
    hair
        (V,) degree to which each vertex is covered by hair, 0..1; hair has less highlight than skin.
    curtain
        Linear colour of hair that falls behind the face, or None.
    light
        Unit vector towards the key light.
    ambient, gloss, background, exposure
        Strength of the ambient light and of the skin's highlight, grey value of the wall, exposure of the camera.
    pose
        Resting pitch, yaw and roll, in radians.
    gains
        Name of an action unit ("12L") -> factor on its contraction in this subject; left and right differ.
    tempo
        Factor on the duration of this subject's expressions.
    """

    seed: int
    male: bool
    age: float
    tone: float
    points: np.ndarray = field(repr=False)
    texture: np.ndarray = field(repr=False)
    furrows: tuple[Furrow, ...] = field(repr=False)
    hair: np.ndarray = field(repr=False)
    curtain: np.ndarray | None = field(repr=False)
    light: np.ndarray
    ambient: float
    gloss: float
    background: float
    exposure: float
    pose: np.ndarray
    gains: dict[str, float] = field(repr=False)
    tempo: float

    def contract(self, units: dict[str, float]) -> np.ndarray:
        """Displacement, (V, 3), by contracted units (decimetres); lids stop on contact and slide over the eyeball."""
        return _contract(self.points, units)

    def move(self, units: dict[str, float], turn: np.ndarray, shift: np.ndarray, gaze: np.ndarray) -> np.ndarray:
        """Vertex positions, (V, 3), of a pose.

        Parameters
        ----------
        units
            Action unit -> contraction, in decimetres.
        turn, shift
            (3,) head rotation (pitch, yaw, roll; radians) and translation (decimetres), relative to rest.
        gaze
            (2,) rotation of the eyes to the subject's left and up, in radians.
        """
        head = load_head()
        points = self.points + self.contract(units)
        if np.any(gaze):
            turned = rotation(np.array([gaze[1], gaze[0], 0.0]))
            for eye in _eyes():
                centre = self.points[eye].mean(0)
                points[eye] = (points[eye] - centre) @ turned.T + centre
        turned = (points - PIVOT) @ rotation(self.pose + turn).T + PIVOT + np.asarray(shift, np.float32)
        weight = smoothstep(head.template[:, 1], *NECK)[:, None].astype(np.float32)
        return points * (1 - weight) + turned * weight

    def closing(self, side: str) -> float:
        """Contraction of AU 45 that closes the eye on a side ("L" or "R")."""
        upper, lower = lid_rims(side)
        unit = load_head().units["45" + side]
        gap = self.points[upper, 1] - self.points[lower, 1]
        return 1.05 * float((gap / np.maximum(unit[lower, 1] - unit[upper, 1], 0.25)).max())

    def project(self, points: np.ndarray, size: int) -> np.ndarray:
        """Perspective projection, (V, 3) float32: column and row in pixels, distance in decimetres.

        Parameters
        ----------
        points
            (V, 3) positions in model coordinates.
        size
            Side of the square frame, in pixels.
        """
        depth = CAMERA_DISTANCE - (points[:, 2] - self._aim[2])
        scale = CAMERA_DISTANCE * size / FRAME_WIDTH / depth
        column = size / 2 + (points[:, 0] - self._aim[0]) * scale
        row = size / 2 - (points[:, 1] - self._aim[1]) * scale
        return np.stack([column, row, depth], 1).astype(np.float32)

    @cached_property
    def _aim(self) -> np.ndarray:
        template = load_head().template
        face = (load_head().part == SKIN) & (template[:, 2] > 0.5) & (template[:, 1] > 6.2)
        return np.array([0, self.points[face, 1].mean() + 0.12, 0.3], np.float32)


@lru_cache
def _eyes() -> tuple[np.ndarray, np.ndarray]:
    """Vertex indices of the left and of the right eyeball."""
    head = load_head()
    is_eye, x = head.part == EYE, head.template[:, 0]
    return np.flatnonzero(is_eye & (x > 0)), np.flatnonzero(is_eye & (x < 0))


@lru_cache
def lid_rims(side: str) -> tuple[np.ndarray, np.ndarray]:
    """Vertex indices of the upper and of the lower lid rim on a side ("L" or "R"), sorted by x, without the corners."""
    head = load_head()
    gap = head.template[head.lid_pairs[:, 0], 1] - head.template[head.lid_pairs[:, 1], 1]
    pairs = head.lid_pairs[gap > 0.35 * gap.max()]
    pairs = pairs[np.argsort(head.template[pairs[:, 0], 0], kind="stable")]
    left = head.template[pairs[:, 0], 0] > 0
    upper, lower = pairs[left if side == "L" else ~left].T
    return upper, lower


@lru_cache
def _eye_skin() -> tuple[np.ndarray, np.ndarray]:
    """Indices of the skin vertices near the left and near the right eyeball."""
    head = load_head()
    found = []
    for eye in _eyes():
        near = np.linalg.norm(head.template - head.template[eye].mean(0), axis=1) < 0.26
        found.append(np.flatnonzero(near & (head.part == SKIN)))
    return found[0], found[1]


def _contract(points: np.ndarray, units: dict[str, float]) -> np.ndarray:
    head = load_head()
    move = np.zeros_like(points)
    for name, amount in units.items():
        if amount:
            move += np.float32(amount) * head.units[name]
    for side, sign in (("L", 1), ("R", -1)):
        upper, lower = lid_rims(side)
        gap = np.maximum(points[upper, 1] - points[lower, 1], 1e-3)
        closing = (move[lower, 1] - move[upper, 1]) / gap
        if closing.max() > LIDS_MEET:
            most = maximum_filter1d(closing, 5, mode="nearest")  # the rim has several rows: the first to meet decides
            share = np.minimum(1, LIDS_MEET / np.maximum(most, LIDS_MEET))
            along = np.interp(head.template[:, 0], head.template[upper, 0], share)
            here = head.lid_weight * (head.template[:, 0] * sign > 0)
            move *= (1 - here * (1 - along)).astype(np.float32)[:, None]
    for eye, lid in zip(_eyes(), _eye_skin(), strict=True):
        centre = points[eye].mean(0)
        radius = np.linalg.norm(points[eye] - centre, axis=1).max()
        rest = np.linalg.norm(points[lid] - centre, axis=1)
        offset = points[lid] + move[lid] - centre
        now = np.linalg.norm(offset, axis=1)
        floor = np.minimum(rest, LID_CLEARANCE * radius)
        move[lid] = centre + offset * np.maximum(1, floor / now)[:, None] - points[lid]
    return move


def _sided(unit: str) -> tuple[str, ...]:
    """Names of a unit in the head model, one per side or one for both."""
    units = load_head().units
    return tuple(name for name in (unit, unit + "L", unit + "R") if name in units)


def _gains(rng: np.random.Generator) -> dict[str, float]:
    """Random gain of each unit, with a difference between its sides."""
    found = {}
    for unit in dict.fromkeys(name.rstrip("LR") for name in load_head().units):
        strength, tilt = rng.normal(0, 0.3), rng.normal(0, 0.15)
        for name in _sided(unit):
            found[name] = float(np.exp(strength + {"L": tilt, "R": -tilt}.get(name[-1], 0.0)))
    return found


def tempo_of(seed: int) -> float:
    """Factor on the duration of a subject's expressions, by the subject's seed."""
    return float(np.exp(np.random.default_rng([seed, 79]).normal(0, 0.12)))


@lru_cache(maxsize=8)
def make_subject(seed: int) -> Subject:
    """The subject with this seed; equal seeds give equal subjects."""
    head = load_head()
    rng = np.random.default_rng([seed, 77])
    male, age, tone = bool(rng.random() < 0.5), float(rng.uniform(YOUNGEST, OLDEST)), float(rng.uniform())
    african, asian, _ = rng.dirichlet([0.15 + 2 * tone**2, 0.6, 0.15 + 1.5 * (1 - tone) ** 2])
    attributes = np.array([0.9 if male else 0.1, (age - YOUNGEST) / 55, african, asian])
    drawn = rng.normal(0, 0.85, len(head.identity)) * head.attribute_rest
    coefficients = np.clip(drawn + (attributes - head.attribute_mean) @ head.attribute_slope, -2.2, 2.2)
    points = (head.mean + np.tensordot(coefficients.astype(np.float32), head.identity, 1)).astype(np.float32)
    look = Appearance.draw(rng, male, age, tone)
    texture = paint(look, rng)
    hair, thickness = hair_shell(look.style, rng)
    points = points + thickness[:, None] * vertex_normals(points, head.triangles)
    resting = {unit: rng.normal(0, spread) for unit, spread in RESTING.items()}
    points = points + _contract(points, {name: amount for unit, amount in resting.items() for name in _sided(unit)})
    light = np.array([rng.uniform(-0.7, 0.7), rng.uniform(0.25, 0.6), 1.0])
    return Subject(
        seed=seed,
        male=male,
        age=age,
        tone=tone,
        points=points.astype(np.float32),
        texture=texture,
        furrows=furrows(look.furrows),
        hair=hair,
        curtain=look.hair if look.curtain else None,
        light=light / np.linalg.norm(light),
        ambient=rng.uniform(0.38, 0.6),
        gloss=rng.uniform(0.02, 0.07),
        background=rng.uniform(0.18, 0.6),
        exposure=0.7344 / float(np.dot(look.skin, [0.3, 0.59, 0.11])) ** 0.32,
        pose=np.deg2rad(rng.normal(0, [2.5, 2.5, 1.5])),
        gains=_gains(rng),
        tempo=tempo_of(seed),
    )
