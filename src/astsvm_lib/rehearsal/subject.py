"""One rehearsal subject: a face of its own, its light, its camera, and how its muscles move."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from astsvm_lib.rehearsal.albedo import Appearance, hairline_drop, paint, smoothstep
from astsvm_lib.rehearsal.head import SKIN, load_head
from astsvm_lib.rehearsal.raster import vertex_normals

CAMERA_DISTANCE = 14.0  # decimetres
FRAME_WIDTH = 2.45  # decimetres that the frame spans at the face
NECK = (5.3, 6.1)  # heights between which the head's motion fades out
PIVOT = np.array([0, 5.9, 0], np.float32)


def rotation(angles: np.ndarray) -> np.ndarray:
    """Rotation matrix for pitch, yaw and roll in radians, applied in that order."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return (about_z @ about_y @ about_x).astype(np.float32)


@dataclass(frozen=True)
class Subject:
    """A person of the corpus, the same for the same seed.

    Attributes
    ----------
    points
        (V, 3) resting face.
    texture
        (side, side, 3) linear albedo.
    hair_volume
        (V,) how far each vertex is hair, 0..1: hair does not shine like skin.
    light
        Unit vector towards the key light.
    ambient, gloss, background, exposure
        Strength of the ambient light, of the skin's highlight, grey of the wall, camera exposure.
    pose
        Resting pitch, yaw and roll, radians.
    gains
        Name of an action unit ("12L") -> how strongly this subject's muscle answers; left and
        right differ.
    """

    seed: int
    points: np.ndarray = field(repr=False)
    texture: np.ndarray = field(repr=False)
    hair_volume: np.ndarray = field(repr=False)
    light: np.ndarray
    ambient: float
    gloss: float
    background: float
    exposure: float
    pose: np.ndarray
    gains: dict[str, float] = field(repr=False)

    def move(self, units: dict[str, float], turn: np.ndarray, shift: np.ndarray) -> np.ndarray:
        """Positions (V, 3) with action units contracted, the head turned (radians) and shifted."""
        head = load_head()
        points = self.points
        for name, amount in units.items():
            points = points + np.float32(amount) * head.units[name]
        turned = (points - PIVOT) @ rotation(self.pose + turn).T + PIVOT + np.asarray(shift, np.float32)
        weight = smoothstep(head.template[:, 1], *NECK)[:, None].astype(np.float32)
        return points * (1 - weight) + turned * weight

    def project(self, points: np.ndarray, size: int) -> np.ndarray:
        """Perspective projection: (V, 3) of column, row (pixels of a size x size frame), distance."""
        depth = CAMERA_DISTANCE - (points[:, 2] - self._aim[2])
        scale = CAMERA_DISTANCE * size / FRAME_WIDTH / depth
        column = size / 2 + (points[:, 0] - self._aim[0]) * scale
        row = size / 2 - (points[:, 1] - self._aim[1]) * scale
        return np.stack([column, row, depth], 1).astype(np.float32)

    @property
    def _aim(self) -> np.ndarray:
        template = load_head().template
        face = (load_head().part == SKIN) & (template[:, 2] > 0.5) & (template[:, 1] > 6.2)
        return np.array([0, self.points[face, 1].mean() + 0.12, 0.3], np.float32)


@lru_cache(maxsize=16)
def make_subject(seed: int) -> Subject:
    """The subject with this seed; equal seeds give equal people."""
    head = load_head()
    rng = np.random.default_rng([seed, 77])
    coefficients = np.clip(rng.normal(0, 0.8, len(head.identity)), -1.7, 1.7).astype(np.float32)
    points = head.mean + np.tensordot(coefficients, head.identity, 1)
    look = Appearance.draw(rng)
    texture = paint(look, rng)
    line = look.hairline - hairline_drop(head.angle)
    hair = smoothstep(head.template[:, 1] - line, -0.02, 0.3) * (head.part == SKIN) * (head.ears < 0.2) * look.has_hair
    points = points + (hair * rng.uniform(0.04, 0.16))[:, None] * vertex_normals(points, head.triangles)
    light = np.array([rng.uniform(-0.7, 0.7), rng.uniform(0.25, 0.6), 1.0])
    gains = {name: float(np.exp(rng.normal(0, 0.25))) for name in head.units}
    return Subject(
        seed=seed,
        points=points.astype(np.float32),
        texture=texture,
        hair_volume=hair.astype(np.float32),
        light=light / np.linalg.norm(light),
        ambient=rng.uniform(0.38, 0.6),
        gloss=rng.uniform(0.02, 0.07),
        background=rng.uniform(0.18, 0.6),
        exposure=0.7344 / float(np.dot(look.skin, [0.3, 0.59, 0.11])) ** 0.32,
        pose=np.deg2rad(rng.normal(0, [2.5, 2.5, 1.5])),
        gains=gains,
    )
