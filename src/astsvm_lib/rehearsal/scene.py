"""A subject in front of the camera: frames in linear light, and the true motion between any two poses."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files

import cv2
import numpy as np

from astsvm_lib.rehearsal.furrow import FURROW_FULL
from astsvm_lib.rehearsal.head import EYE, SKIN, load_head
from astsvm_lib.rehearsal.raster import Hits, rasterise, shade, vertex_normals
from astsvm_lib.rehearsal.subject import Subject

SUPERSAMPLING = 2
WRAP = 0.18  # wrap of the diffuse light beyond the terminator
#: Depth (decimetres) behind the visible surface from which a point is hidden: by its own part, or another (a lid).
HIDDEN, HIDDEN_BY_OTHER = 0.02, 0.001
STILL = np.zeros(3)


@dataclass(frozen=True)
class Pose:
    """Expression, head pose and gaze in one frame.

    Attributes
    ----------
    units
        Action unit -> contraction, in model units (decimetres of skin motion).
    turn, shift
        Head rotation (pitch, yaw, roll; radians) and translation (decimetres), relative to rest.
    gaze
        Rotation of the eyes to the subject's left and up, in radians.
    """

    units: dict[str, float] = field(default_factory=dict)
    turn: np.ndarray = field(default_factory=lambda: STILL)
    shift: np.ndarray = field(default_factory=lambda: STILL)
    gaze: np.ndarray = field(default_factory=lambda: STILL[:2])

    def expression(self) -> Pose:
        """The same expression with the head at rest."""
        return Pose(self.units, STILL, STILL, self.gaze)

    def head(self, units: dict[str, float], gaze: np.ndarray) -> Pose:
        """The same head pose with another expression.

        Parameters
        ----------
        units
            Action unit -> contraction, in decimetres.
        gaze
            (2,) rotation of the eyes to the subject's left and up, in radians.
        """
        return Pose(units, self.turn, self.shift, gaze)


class Scene:
    """Renders one subject at one frame size, and computes the true motion.

    Parameters
    ----------
    subject
        Subject to render.
    size
        Side of the square frame in pixels.
    """

    def __init__(self, subject: Subject, size: int) -> None:
        self.subject = subject
        self.size = size
        self.head = load_head()
        self.fine = size * SUPERSAMPLING
        self._wall = _wall(subject, self.fine)
        self.texture = subject.texture.copy()
        self._triangles = self.head.triangles

    def positions(self, pose: Pose) -> np.ndarray:
        """Vertex positions, (V, 3), in model coordinates."""
        return self.subject.move(pose.units, pose.turn, pose.shift, pose.gaze)

    def see(self, pose: Pose) -> Hits:
        """The visible surface point at each pixel of the supersampled frame."""
        return self._hits(self.positions(pose))

    def _hits(self, points: np.ndarray) -> Hits:
        projected = self.subject.project(points, self.fine)
        return rasterise(projected, self._triangles, self.fine, self.fine)

    def restrict(self, poses: list[Pose]) -> None:
        """Keep only the triangles visible in these poses and two rings around them: same result, faster."""
        seen = np.zeros(len(self.head.triangles), bool)
        self._triangles = self.head.triangles
        for pose in poses:
            shown = self.see(pose).triangle
            seen[shown[shown >= 0]] = True
        for _ in range(2):
            near = np.zeros(len(self.head.mean), bool)
            near[self.head.triangles[seen]] = True
            seen = near[self.head.triangles].any(1)
        self._triangles = np.ascontiguousarray(self.head.triangles[seen])

    def frame(self, pose: Pose, gain: float = 1.0, light: np.ndarray | None = None) -> np.ndarray:
        """Linear light, (size, size, 3) float32.

        Parameters
        ----------
        pose
            Expression, head pose and gaze.
        gain
            Factor on all light.
        light
            Unit vector towards the key light; the subject's own by default.
        """
        subject, head = self.subject, self.head
        points = self.positions(pose)
        normals = vertex_normals(points, self._triangles)
        key = (subject.light if light is None else light).astype(np.float32)
        diffuse = np.clip((normals @ key + WRAP) / (1 + WRAP), 0, None)
        towards_fill = np.array([-0.6 * np.sign(key[0]), 0.1, 0.8], np.float32)
        fill = 0.28 * np.clip(normals @ towards_fill + 0.2, 0, None)
        ambient = subject.ambient * (0.75 + 0.25 * normals[:, 1])
        irradiance = 1.05 * diffuse * (0.35 + 0.65 * head.occlusion) + (fill + ambient) * head.occlusion
        self._furrow(pose.units)
        halfway = key + np.array([0, 0, 1], np.float32)
        mirror = np.clip(normals @ (halfway / np.linalg.norm(halfway)), 0, None)
        highlight = subject.gloss * mirror**14 * head.occlusion * (1 - 0.8 * subject.hair)
        highlight = np.where(head.part == EYE, 0.9 * mirror**90, highlight)
        image = shade(
            self._hits(points),
            self._triangles,
            head.texel,
            (gain * irradiance).astype(np.float32),
            (gain * highlight).astype(np.float32),
            self.texture,
            self._wall,
            np.float32(gain),
            SUPERSAMPLING,
        )
        return image * np.float32(subject.exposure)

    def _furrow(self, units: dict[str, float]) -> None:
        """Darken the furrows of the texture according to the contraction of their units."""
        for furrow in self.subject.furrows:
            level = np.float32(np.clip(units.get(furrow.unit, 0.0) / FURROW_FULL, 0, 1))
            patch = self.subject.texture[furrow.rows, furrow.columns]
            self.texture[furrow.rows, furrow.columns] = patch * (1 - level * furrow.depth)[..., None]

    def flow(self, start: Pose, end: Pose, seen: Hits | None = None) -> np.ndarray:
        """True motion of each surface point visible at ``start``, (size, size, 2) pixels: right, down.

        The background has zero motion.

        Parameters
        ----------
        start, end
            The two poses.
        seen
            ``self.see(start)``, if already computed.
        """
        seen = self.see(start) if seen is None else seen
        motion = self._projected(end) - self._projected(start)
        return _box(seen.interpolate(self._triangles, motion[:, :2]))

    def visible(self, start: Pose, end: Pose) -> np.ndarray:
        """Fraction of each pixel at ``start`` whose surface is also visible at ``end``, (size, size), 0..1.

        Parameters
        ----------
        start, end
            The two poses.
        """
        seen, later = self.see(start), self.see(end)
        target = self._projected(end) * np.array([SUPERSAMPLING, SUPERSAMPLING, 1], np.float32)
        place = seen.interpolate(self._triangles, target, fill=np.nan)
        column, row = (np.nan_to_num(place[..., k], nan=-1.0).astype(int) for k in (0, 1))
        inside = (column >= 0) & (column < self.fine) & (row >= 0) & (row < self.fine)
        there = np.clip(row, 0, self.fine - 1), np.clip(column, 0, self.fine - 1)
        nearest = later.interpolate(self._triangles, target[:, 2:], fill=np.inf)[..., 0][there]
        part = self.head.part[self._triangles[:, 0]]
        same = part[seen.triangle] == part[later.triangle[there]]
        shown = inside & (seen.triangle >= 0) & (place[..., 2] < nearest + np.where(same, HIDDEN, HIDDEN_BY_OTHER))
        return _box(shown.astype(np.float32)[..., None])[..., 0]

    def skin(self, pose: Pose) -> np.ndarray:
        """Fraction of each pixel that shows skin, (size, size), 0..1."""
        seen = self.see(pose)
        is_skin = (self.head.part == SKIN).astype(np.float32)[:, None]
        return _box(seen.interpolate(self._triangles, is_skin))[..., 0]

    def landmarks(self, pose: Pose) -> np.ndarray:
        """True landmarks, (68, 2) pixels: column and row; pixel centres have integer coordinates."""
        return self._projected(pose)[landmark_vertices(), :2] - np.float32(0.5)

    def _projected(self, pose: Pose) -> np.ndarray:
        return self.subject.project(self.positions(pose), self.size)


def _wall(subject: Subject, side: int) -> np.ndarray:
    """Background in linear light, (side, side, 3): a plain wall, and hair that falls behind the face."""
    rows = np.linspace(1.06, 0.90, side, dtype=np.float32)[:, None, None]
    columns = np.linspace(0.97, 1.03, side, dtype=np.float32)[:, None]
    wall = np.full((side, side, 3), np.float32(0.62 * subject.background / subject.exposure)) * rows * columns
    if subject.curtain is None:
        return wall
    rng = np.random.default_rng([subject.seed, 78])
    head = load_head()
    head_points = (head.part == SKIN) & (head.template[:, 1] > 6.6)
    place = subject.project(subject.move({}, STILL, STILL, STILL[:2]), side)[head_points]
    left, right = place[:, 0].min(), place[:, 0].max()
    middle, half = (left + right) / 2, (right - left) / 2 * rng.uniform(0.98, 1.14)
    top, length = place[:, 1].min(), rng.uniform(0.95, 1.7) * (right - left)
    widest = top + 0.62 * (right - left)
    row, column = np.mgrid[0:side, 0:side].astype(np.float32)
    strands = cv2.GaussianBlur(rng.standard_normal((side, side), np.float32), (0, 0), sigmaX=1.2, sigmaY=side / 16)
    strands /= strands.std()
    dome = np.sqrt(np.clip(1 - np.clip((widest - row) / (widest - top), 0, 1) ** 2, 0, 1))
    width = half * dome * (1 - 0.12 * np.clip((row - widest) / length, 0, 1.2)) * (1 + 0.02 * strands)
    inside = np.clip((width - np.abs(column - middle)) / (0.012 * side), 0, 1)
    inside *= np.clip((top + length - row + 0.03 * side * strands) / (0.03 * side), 0, 1)
    colour = subject.curtain * (0.34 + 0.12 * strands)[..., None]
    return (wall * (1 - inside[..., None]) + colour * inside[..., None]).astype(np.float32)


def _box(image: np.ndarray) -> np.ndarray:
    """Mean over the subpixels of each pixel."""
    side = image.shape[0] // SUPERSAMPLING
    return image.reshape(side, SUPERSAMPLING, side, SUPERSAMPLING, -1).mean((1, 3))


@lru_cache
def landmark_vertices() -> np.ndarray:
    """Vertex index of each landmark, (68,), determined by ``tools/build_landmarks.py``."""
    with files("astsvm_lib.rehearsal").joinpath("assets/landmarks.npy").open("rb") as stream:
        vertices: np.ndarray = np.load(stream)
    return vertices
