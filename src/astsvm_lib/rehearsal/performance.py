"""A clip's script, and its performance: frames, and the truth about every one of them."""

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

#: Pixels of the method's 192-pixel crop per decimetre of the mean face: what a peak is measured in.
CROP_SCALE = 112.0
PROBE = 0.01  # decimetres: the small contraction from which the peak's amplitude is solved
PROBE_SIZE = 200  # pixels of the frame in which it is solved
FASTEST = 99.5  # percentile of the skin's speed that counts as the peak

Part = Literal["all", "expression", "head"]


@dataclass(frozen=True)
class Timing:
    """Onset to apex, plateau, apex to offset, in milliseconds; what is left at the offset, 0..1.

    A rise that is shorter than the fall skews the curve, as most expressions are.
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
        """Frame in the middle of the plateau, counted from the onset."""
        return round((self.rise_ms + self.hold_ms / 2) * fps / 1000)


def _smoother(x: np.ndarray) -> np.ndarray:
    """Quintic step with zero velocity and acceleration at both ends."""
    t = np.clip(x, 0, 1)
    return t**3 * (t * (6 * t - 15) + 10)


@dataclass(frozen=True)
class ClipScript:
    """Everything a rendered clip is made from: equal scripts give equal frames.

    Attributes
    ----------
    subject
        Seed of the subject.
    units
        FACS action unit -> relative intensity: ``{"6": 0.6, "12": 1}`` moves both sides, each by the
        subject's own gain; ``{"12L": 1, "12R": 0.4}`` says how much on each.
    peak_px
        Motion of the fastest skin at the apex (99.5th percentile), in pixels of a face as large as
        the method's 192-pixel crop, whatever the size of the frame.
    timing
        Its course in time.
    capture
        Light, camera and head motion.
    blink_ms
        When the eyes begin to blink, if they do.
    gaze_ms, gaze
        When the gaze shifts, if it does, and by how many degrees to the subject's left and up.
    seed
        Of noise, head motion and flicker phase.
    size, fps
        Side of the square frame in pixels; frames a second.
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

    @property
    def fingerprint(self) -> str:
        """Digest of the script."""
        return digest(asdict(self))


def _blink(time: np.ndarray, start: float) -> np.ndarray:
    """How far the eye is closed, 0..1: 80 ms down, 30 ms shut, 160 ms up (milliseconds)."""
    return np.minimum(_smoother((time - start) / 80), _smoother((start + 270 - time) / 160))


@lru_cache(maxsize=64)
def contraction_for(subject: int, weights: tuple[tuple[str, float], ...]) -> float:
    """Contraction (decimetres) of these units that moves the fastest skin by one pixel of the crop."""
    scene = Scene(make_subject(subject), PROBE_SIZE)
    flow = scene.flow(Pose(), Pose({name: PROBE * weight for name, weight in weights}))
    speed = np.linalg.norm(flow, axis=2)[scene.skin(Pose()) > 0.99]
    moving = speed[speed > 0.02 * speed.max()]
    return PROBE * PROBE_SIZE / FRAME_WIDTH / CROP_SCALE / float(np.percentile(moving, FASTEST))


class Performance:
    """Performs a script: renders its frames and tells the truth about them.

    Attributes
    ----------
    curve
        (T,) intensity of the expression in each frame, 0..1.
    gain
        (T,) factor on the light in each frame.
    scale
        Pixels of the frame per pixel of the method's 192-pixel crop.

    Raises
    ------
    CompanionError
        If the script names an action unit that the head does not have.
    """

    def __init__(self, script: ClipScript) -> None:
        self.script = script
        self.subject = make_subject(script.subject)
        self.scene = Scene(self.subject, script.size)
        self.scale = script.size / FRAME_WIDTH / CROP_SCALE
        self._weights = self._sided(script.units)
        self.curve = script.timing.curve(script.fps)
        time = np.arange(len(self.curve)) * 1000 / script.fps
        rng = np.random.default_rng([script.seed, script.subject, 1])
        capture = script.capture
        self.gain = light_gain(capture, len(self.curve), script.fps, rng.uniform(0, 2 * np.pi))
        self._lamp = rng.uniform(0, 2 * np.pi)
        self._turn, self._shift = self._head_motion(slow_motion(rng, len(self.curve), script.fps))
        self.blink = np.zeros(len(time)) if script.blink_ms is None else _blink(time, script.blink_ms)
        shift = np.zeros(len(time)) if script.gaze_ms is None else _smoother((time - script.gaze_ms) / 40)
        self._gaze = shift[:, None] * np.deg2rad(script.gaze)
        self._closing = {side: self.subject.closing(side) for side in "LR"} if script.blink_ms is not None else {}

    def _sided(self, units: dict[str, float]) -> dict[str, float]:
        known = load_head().units
        weights: dict[str, float] = {}
        for unit, intensity in units.items():
            names = [name for name in (unit, unit + "L", unit + "R") if name in known]
            if not names:
                listed = ", ".join(dict.fromkeys(name.rstrip("LR") for name in known))
                raise CompanionError(f"unknown action unit '{unit}'; the rehearsal head has {listed}")
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
        factor = self.script.capture.head_px / CROP_SCALE / largest
        return turn * factor, shift * factor

    @property
    def apex(self) -> int:
        """Frame of the apex."""
        return self.script.timing.apex(self.script.fps)

    @cached_property
    def amplitude(self) -> float:
        """Contraction (decimetres) that gives the script's peak motion."""
        if not self._weights or not self.script.peak_px:
            return 0.0
        return self.script.peak_px * contraction_for(self.script.subject, tuple(self._weights.items()))

    def contractions(self, frame: int) -> dict[str, float]:
        """Contraction of every unit in a frame, millimetres, by sided name ("12L")."""
        return {name: 100 * amount for name, amount in self.pose(frame).units.items()}

    def pose(self, frame: int) -> Pose:
        """What the face does in a frame, counted from the onset."""
        level = self.amplitude * self.curve[frame] if self._weights else 0.0
        units = {name: level * weight for name, weight in self._weights.items()}
        for side, closing in self._closing.items():
            units["45" + side] = units.get("45" + side, 0.0) + closing * self.blink[frame]
        return Pose(units, self._turn[frame], self._shift[frame], self._gaze[frame])

    def light(self, frame: int) -> np.ndarray:
        """Unit vector towards the key light in a frame: it wanders by the capture's ``light_turn``."""
        share = frame / max(len(self.curve) - 1, 1)
        angle = np.deg2rad(self.script.capture.light_turn) * share
        turned = rotation(angle * np.array([np.sin(self._lamp), np.cos(self._lamp), 0.0])) @ self.subject.light
        return np.asarray(turned / np.linalg.norm(turned))

    def linear(self, frame: int) -> np.ndarray:
        """A frame before the camera, (size, size, 3) float32: linear light without the gain."""
        return self.scene.frame(self.pose(frame), 1.0, self.light(frame))

    def develop(self, linear: np.ndarray, frame: int) -> np.ndarray:
        """What the camera makes of linear light in a frame: gain, noise, tone curve, 8 bits."""
        rng = np.random.default_rng([self.script.seed, self.script.subject, 2, frame])
        return expose(linear * np.float32(self.gain[frame]), self.script.capture, rng)

    def iterate(self, chosen: Sequence[int] | None = None) -> Iterator[np.ndarray]:
        """Frames one by one, each (size, size, 3) or (size, size) uint8; all of them by default."""
        chosen = range(len(self.curve)) if chosen is None else chosen
        if len(chosen) > 3:
            self.scene.restrict([self.pose(i) for i in (0, self.apex, len(self.curve) - 1)])
        for frame in chosen:
            yield self.develop(self.linear(frame), frame)

    def frames(self, chosen: Sequence[int] | None = None) -> np.ndarray:
        """Frames (T, size, size, 3) uint8 RGB, or (T, size, size) grey; frame 0 is the onset.

        A frame does not depend on which others are asked for.
        """
        numbers = range(len(self.curve)) if chosen is None else chosen
        shape = (self.script.size, self.script.size, 3)[: 3 if self.script.capture.colour else 2]
        found = np.empty((len(numbers), *shape), np.uint8)
        for place, frame in enumerate(self.iterate(numbers)):
            found[place] = frame
        return found

    def flow(self, start: int, end: int, part: Part = "all") -> np.ndarray:
        """True motion from one frame to another, (size, size, 2) pixels (right, down).

        Parameters
        ----------
        start, end
            Frames, counted from the onset.
        part
            ``"expression"``: what the face does with the head at rest; ``"head"``: the rigid motion
            of the face as it is at ``start``; ``"all"``: both together.
        """
        first, last = self.pose(start), self.pose(end)
        if part == "expression":
            first, last = first.expression(), last.expression()
        elif part == "head":
            last = last.head(first.units, first.gaze)
        return self.scene.flow(first, last)

    def visible(self, start: int, end: int) -> np.ndarray:
        """Share of each pixel (size, size) whose surface, seen in one frame, is seen in another, 0..1."""
        return self.scene.visible(self.pose(start), self.pose(end))

    def landmarks(self, frame: int) -> np.ndarray:
        """True landmarks (68, 2) in a frame, in pixels (column, row)."""
        return self.scene.landmarks(self.pose(frame))

    def skin(self, frame: int) -> np.ndarray:
        """Share of each pixel that is skin in a frame, (size, size), 0..1."""
        return self.scene.skin(self.pose(frame))
