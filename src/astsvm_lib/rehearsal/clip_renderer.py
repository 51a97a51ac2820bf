"""Specification of a rendered clip, and its renderer: frames and their ground truth."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np

from astsvm_lib.errors import CompanionError
from astsvm_lib.rehearsal.capture import Capture, expose, light_gain, slow_motion
from astsvm_lib.rehearsal.head import load_head
from astsvm_lib.rehearsal.scene import Pose, Scene, landmark_vertices
from astsvm_lib.rehearsal.subject import FRAME_WIDTH, make_subject, rotation
from astsvm_lib.storage import digest

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1

#: Pixels of the method's 192-pixel crop per decimetre of the mean face; the unit of the peak motion.
CROP_SCALE = 112.0
PROBE = 0.01  # decimetres: small contraction from which the amplitude of the peak motion is computed
PROBE_SIZE = 200  # side of the frame for this computation, in pixels
FASTEST = 99.5  # percentile of the skin's motion that defines the peak

Part = Literal["all", "expression", "head"]


@dataclass(frozen=True)
class Timing:
    """Time course of an expression: rise, plateau and fall in milliseconds; residual intensity at the offset, 0..1.

    The rise is usually shorter than the fall, as in most expressions.
    """

    rise_ms: float
    hold_ms: float
    fall_ms: float
    residual: float = 0.0

    def frames(self, fps: float) -> int:
        """Number of frames from onset to offset, both included."""
        return round((self.rise_ms + self.hold_ms + self.fall_ms) * fps / 1000) + 1

    def curve(self, fps: float) -> np.ndarray:
        """Intensity 0..1 in each frame: 0 at the onset, 1 on the plateau, ``residual`` at the offset."""
        time = np.arange(self.frames(fps)) * 1000 / fps
        up = _smoother(time / self.rise_ms)
        down = _smoother((self.rise_ms + self.hold_ms + self.fall_ms - time) / self.fall_ms)
        return np.minimum(up, self.residual + (1 - self.residual) * down)

    def apex(self, fps: float) -> int:
        """Frame number of the apex, in the middle of the plateau; the onset is 0."""
        return round((self.rise_ms + self.hold_ms / 2) * fps / 1000)


def _smoother(x: np.ndarray) -> np.ndarray:
    """Quintic step with zero velocity and acceleration at both ends."""
    t = np.clip(x, 0, 1)
    return t**3 * (t * (6 * t - 15) + 10)


@dataclass(frozen=True)
class ClipSpec:
    """Complete specification of a rendered clip: equal specifications give equal frames.

    Attributes
    ----------
    subject
        Seed of the subject.
    units
        FACS action unit -> relative intensity: ``{"6": 0.6, "12": 1}`` for both sides, each multiplied by the
        subject's gain; ``{"12L": 1, "12R": 0.4}`` for each side separately.
    peak_px
        Motion of the skin at the apex (99.5th percentile), in pixels of the method's 192-pixel crop, independent
        of the frame size.
    timing
        Time course of the expression.
    capture
        Light, camera and head motion.
    blink_ms
        Start of a blink; None without a blink.
    gaze_ms, gaze
        Time of a gaze shift, None without one; its angles to the subject's left and up, in degrees.
    seed
        Of noise, head motion and flicker phase.
    size, fps
        Side of the square frame in pixels; frames per second.
    """

    subject: int
    units: dict[str, float]
    peak_px: float
    timing: Timing
    capture: Capture = field(default_factory=Capture)
    blink_ms: float | None = None
    gaze_ms: float | None = None
    gaze: tuple[float, float] = (0.0, 0.0)
    seed: int = 0
    size: int = 300
    fps: float = 100.0

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the specification, computed once."""
        return digest(asdict(self))


def _blink(time: np.ndarray, start: float) -> np.ndarray:
    """Closure of the eye, 0..1: 80 ms closing, 30 ms closed, 160 ms opening; arguments in milliseconds."""
    return np.minimum(_smoother((time - start) / 80), _smoother((start + 270 - time) / 160))


@lru_cache(maxsize=64)
def contraction_for(subject: int, weights: tuple[tuple[str, float], ...]) -> float:
    """Contraction of action units that gives a peak motion of one pixel of the crop, in decimetres.

    Parameters
    ----------
    subject
        Seed of the subject.
    weights
        Sided name and relative intensity of each unit.
    """
    scene = Scene(make_subject(subject), PROBE_SIZE)
    flow = scene.flow(Pose(), Pose({name: PROBE * weight for name, weight in weights}))
    speed = np.linalg.norm(flow, axis=2)[scene.skin(Pose()) > 0.99]
    moving = speed[speed > 0.02 * speed.max()]
    return PROBE * PROBE_SIZE / FRAME_WIDTH / CROP_SCALE / float(np.percentile(moving, FASTEST))


class ClipRenderer:
    """Renders the frames of a specification and computes their ground truth.

    Parameters
    ----------
    spec
        Specification of the clip.

    Attributes
    ----------
    curve
        (T,) intensity of the expression in each frame, 0..1.
    gain
        (T,) relative light intensity of each frame.
    scale
        Pixels of the frame per pixel of the method's 192-pixel crop.
    blink
        (T,) closure of the eyes in each frame, 0..1.

    Raises
    ------
    CompanionError
        If the specification contains an action unit that the head does not have.
    """

    def __init__(self, spec: ClipSpec) -> None:
        self.spec = spec
        self.subject = make_subject(spec.subject)
        self.scene = Scene(self.subject, spec.size)
        self.scale = spec.size / FRAME_WIDTH / CROP_SCALE
        self._weights = self._sided(spec.units)
        self.curve = spec.timing.curve(spec.fps)
        time = np.arange(len(self.curve)) * 1000 / spec.fps
        rng = np.random.default_rng([spec.seed, spec.subject, 1])
        capture = spec.capture
        self.gain = light_gain(capture, len(self.curve), spec.fps, rng.uniform(0, 2 * np.pi))
        self._lamp = rng.uniform(0, 2 * np.pi)
        self._turn, self._shift = self._head_motion(slow_motion(rng, len(self.curve), spec.fps))
        self.blink = np.zeros(len(time)) if spec.blink_ms is None else _blink(time, spec.blink_ms)
        shift = np.zeros(len(time)) if spec.gaze_ms is None else _smoother((time - spec.gaze_ms) / 40)
        self._gaze = shift[:, None] * np.deg2rad(spec.gaze)
        self._closing = {side: self.subject.closing(side) for side in "LR"} if spec.blink_ms is not None else {}

    def _sided(self, units: dict[str, float]) -> dict[str, float]:
        known = load_head().units
        weights: dict[str, float] = {}
        for unit, intensity in units.items():
            names = [name for name in (unit, unit + "L", unit + "R") if name in known]
            if not names:
                listed = ", ".join(dict.fromkeys(name.rstrip("LR") for name in known))
                raise CompanionError(f"unknown action unit '{unit}'; expected one of {listed}")
            for name in names:
                weights[name] = intensity * self.subject.gains[name]
        return weights

    def _head_motion(self, path: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Turn (T, 3) in radians and shift (T, 3) in decimetres, scaled to the capture's ``head_px``."""
        turn, shift = path[:, :3] * np.deg2rad(0.3), path[:, 3:] * 0.008
        rest = self.subject.points[landmark_vertices()]
        largest = 1e-9
        for angles, offset in zip(turn, shift, strict=True):
            moved = rest @ rotation(angles).T + offset
            lever = moved - rest - (rotation(angles) @ [0, 5.9, 0] - [0, 5.9, 0])
            largest = max(largest, float(np.hypot(lever[:, 0], lever[:, 1]).max()))
        factor = self.spec.capture.head_px / CROP_SCALE / largest
        return turn * factor, shift * factor

    @property
    def apex(self) -> int:
        """Frame number of the apex; the onset is 0."""
        return self.spec.timing.apex(self.spec.fps)

    @cached_property
    def amplitude(self) -> float:
        """Contraction that gives the specified peak motion, in decimetres."""
        if not self._weights or not self.spec.peak_px:
            return 0.0
        return self.spec.peak_px * contraction_for(self.spec.subject, tuple(self._weights.items()))

    def contractions(self, frame: int) -> dict[str, float]:
        """Contraction of each action unit in a frame, in millimetres, by sided name ("12L")."""
        return {name: 100 * amount for name, amount in self.pose(frame).units.items()}

    def pose(self, frame: int) -> Pose:
        """Pose of the face in a frame; the onset is frame 0."""
        level = self.amplitude * self.curve[frame] if self._weights else 0.0
        units = {name: level * weight for name, weight in self._weights.items()}
        for side, closing in self._closing.items():
            units["45" + side] = units.get("45" + side, 0.0) + closing * self.blink[frame]
        return Pose(units, self._turn[frame], self._shift[frame], self._gaze[frame])

    def light(self, frame: int) -> np.ndarray:
        """Unit vector towards the key light in a frame, (3,); it rotates by the capture's ``light_turn``."""
        share = frame / max(len(self.curve) - 1, 1)
        angle = np.deg2rad(self.spec.capture.light_turn) * share
        turned = rotation(angle * np.array([np.sin(self._lamp), np.cos(self._lamp), 0.0])) @ self.subject.light
        return np.asarray(turned / np.linalg.norm(turned))

    def linear(self, frame: int) -> np.ndarray:
        """Linear light in front of the camera in a frame, (size, size, 3) float32, without :attr:`gain`."""
        return self.scene.frame(self.pose(frame), 1.0, self.light(frame))

    def develop(self, linear: np.ndarray, frame: int) -> np.ndarray:
        """Recorded frame, uint8, from linear light: gain, lens blur, noise and tone curve.

        Parameters
        ----------
        linear
            (size, size, 3); see :meth:`linear`.
        frame
            Frame number, which determines gain and noise.
        """
        rng = np.random.default_rng([self.spec.seed, self.spec.subject, 2, frame])
        return expose(linear * np.float32(self.gain[frame]), self.spec.capture, rng)

    def iterate(self, chosen: Sequence[int] | None = None) -> Iterator[np.ndarray]:
        """Iterate over frames, each (size, size, 3) or (size, size) uint8: all, or those with the given numbers."""
        chosen = range(len(self.curve)) if chosen is None else chosen
        if len(chosen) > 3:
            self.scene.restrict([self.pose(i) for i in (0, self.apex, len(self.curve) - 1)])
        for frame in chosen:
            yield self.develop(self.linear(frame), frame)

    def frames(self, chosen: Sequence[int] | None = None) -> np.ndarray:
        """Frames, (T, size, size, 3) uint8 RGB or (T, size, size) grey: all, or those with the given numbers.

        Frame 0 is the onset. A frame does not depend on which other frames are rendered.
        """
        numbers = range(len(self.curve)) if chosen is None else chosen
        shape = (self.spec.size, self.spec.size, 3)[: 3 if self.spec.capture.colour else 2]
        found = np.empty((len(numbers), *shape), np.uint8)
        for place, frame in enumerate(self.iterate(numbers)):
            found[place] = frame
        return found

    def flow(self, start: int, end: int, part: Part = "all") -> np.ndarray:
        """True motion from one frame to another, (size, size, 2) pixels: right, down.

        Parameters
        ----------
        start, end
            Frame numbers; the onset is 0.
        part
            ``"expression"``: motion of the face with the head at rest; ``"head"``: rigid head motion with the
            expression at ``start``; ``"all"``: both.
        """
        first, last = self.pose(start), self.pose(end)
        if part == "expression":
            first, last = first.expression(), last.expression()
        elif part == "head":
            last = last.head(first.units, first.gaze)
        return self.scene.flow(first, last)

    def visible(self, start: int, end: int) -> np.ndarray:
        """Fraction of each pixel whose surface is visible in both frames, (size, size), 0..1.

        Parameters
        ----------
        start
            Frame number, in whose pixels the result is given.
        end
            Frame number in which the surface is tested for visibility.
        """
        return self.scene.visible(self.pose(start), self.pose(end))

    def landmarks(self, frame: int) -> np.ndarray:
        """True landmarks in a frame, (68, 2) pixels: column and row."""
        return self.scene.landmarks(self.pose(frame))

    def skin(self, frame: int) -> np.ndarray:
        """Fraction of each pixel that shows skin in a frame, (size, size), 0..1."""
        return self.scene.skin(self.pose(frame))
