"""A subject in front of the camera: linear-light frames, and the true motion between any two."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from astsvm_lib.rehearsal.head import EYE, SKIN, load_head
from astsvm_lib.rehearsal.raster import Hits, rasterise, shade, vertex_normals
from astsvm_lib.rehearsal.subject import Subject

SUPERSAMPLING = 2
WRAP = 0.18  # how far the key light reaches round the terminator


@dataclass(frozen=True)
class Pose:
    """What the face does in one frame.

    Attributes
    ----------
    units
        Action unit -> contraction, in model units (decimetres of skin motion).
    turn, shift
        Head rotation (pitch, yaw, roll; radians) and translation (decimetres), beyond rest.
    """

    units: dict[str, float]
    turn: np.ndarray
    shift: np.ndarray

    @classmethod
    def at_rest(cls) -> Pose:
        return cls({}, np.zeros(3), np.zeros(3))


class Scene:
    """Renders one subject at one frame size, and tells the true motion.

    Parameters
    ----------
    subject
        Who is seen.
    size
        Side of the square frame in pixels.
    """

    def __init__(self, subject: Subject, size: int) -> None:
        self.subject = subject
        self.size = size
        self.head = load_head()
        self.fine = size * SUPERSAMPLING
        rows = np.linspace(1.06, 0.90, self.fine, dtype=np.float32)[:, None]
        columns = np.linspace(0.97, 1.03, self.fine, dtype=np.float32)
        self._wall = np.float32(0.62 * subject.background / subject.exposure) * rows * columns
        self._triangles = self.head.triangles

    def positions(self, pose: Pose) -> np.ndarray:
        """Vertices (V, 3) in model coordinates."""
        return self.subject.move(pose.units, pose.turn, pose.shift)

    def see(self, pose: Pose) -> Hits:
        """What each pixel of the supersampled frame sees."""
        return self._hits(self.positions(pose))

    def _hits(self, points: np.ndarray) -> Hits:
        projected = self.subject.project(points, self.fine)
        return rasterise(projected, self._triangles, self.fine, self.fine)

    def restrict(self, poses: list[Pose]) -> None:
        """Keep only triangles that these poses show, and two rings around them: same pixels, faster."""
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
        """Linear light (size, size, 3) float32.

        Parameters
        ----------
        pose
            What the face does.
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
        halfway = key + np.array([0, 0, 1], np.float32)
        mirror = np.clip(normals @ (halfway / np.linalg.norm(halfway)), 0, None)
        highlight = subject.gloss * mirror**14 * head.occlusion * (1 - 0.8 * subject.hair_volume)
        highlight = np.where(head.part == EYE, 0.9 * mirror**90, highlight)
        image = shade(
            self._hits(points),
            self._triangles,
            head.texel,
            (gain * irradiance).astype(np.float32),
            (gain * highlight).astype(np.float32),
            subject.texture,
            self._wall * np.float32(gain),
            SUPERSAMPLING,
        )
        return image * np.float32(subject.exposure)

    def flow(self, start: Pose, end: Pose, seen: Hits | None = None) -> np.ndarray:
        """True motion (size, size, 2), pixels: where each surface point seen at ``start`` goes.

        ``seen`` may give ``self.see(start)``, when several ends share it. Background is 0.
        """
        seen = self.see(start) if seen is None else seen
        motion = self._projected(end) - self._projected(start)
        return _box(seen.interpolate(self._triangles, motion[:, :2]))

    def skin(self, pose: Pose) -> np.ndarray:
        """Share of each pixel (size, size) that is skin, 0..1."""
        seen = self.see(pose)
        is_skin = (self.head.part == SKIN).astype(np.float32)[:, None]
        return _box(seen.interpolate(self._triangles, is_skin))[..., 0]

    def landmarks(self, pose: Pose) -> np.ndarray:
        """True 68 landmarks (68, 2): column and row of each, in pixel coordinates (centres whole)."""
        return self._projected(pose)[landmark_vertices(), :2] - np.float32(0.5)

    def _projected(self, pose: Pose) -> np.ndarray:
        return self.subject.project(self.positions(pose), self.size)


def _box(image: np.ndarray) -> np.ndarray:
    """Mean over the supersampled pixels of each pixel."""
    side = image.shape[0] // SUPERSAMPLING
    return image.reshape(side, SUPERSAMPLING, side, SUPERSAMPLING, -1).mean((1, 3))


@lru_cache
def landmark_vertices() -> np.ndarray:
    """Vertex number of each of the 68 landmarks (built by ``tools/build_landmarks.py``)."""
    with files("astsvm_lib.rehearsal").joinpath("assets/landmarks.npy").open("rb") as stream:
        vertices: np.ndarray = np.load(stream)
    return vertices
