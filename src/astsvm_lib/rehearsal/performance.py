"""A clip's script, and its performance: frames, and the truth about every one of them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import cached_property

import numpy as np

from astsvm_lib.errors import CompanionError
from astsvm_lib.rehearsal.capture import Capture, expose, light_gain, slow_motion
from astsvm_lib.rehearsal.head import load_head
from astsvm_lib.rehearsal.scene import Pose, Scene
from astsvm_lib.rehearsal.subject import make_subject
from astsvm_lib.storage import digest

PROBE = 0.02  # decimetres: the small contraction from which the peak's amplitude is solved


@dataclass(frozen=True)
class Timing:
    """Onset to apex, plateau, apex to offset, in milliseconds; what is left at the offset, 0..1."""

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
        """First frame of the plateau, counted from the onset."""
        return round(self.rise_ms * fps / 1000)


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
        FACS action unit -> relative intensity, such as ``{"6": 0.6, "12": 1}``. A unit with two
        sides moves both, each by the subject's own gain.
    peak_px
        Motion of the fastest skin at the apex, in pixels of the frame (99.9th percentile).
    timing
        Its course in time.
    capture
        Light, camera and head motion.
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
    seed: int = 0
    size: int = 300
    fps: float = 100.0

    @property
    def fingerprint(self) -> str:
        """Digest of the script."""
        return digest(asdict(self))


class Performance:
    """Performs a script: renders its frames and tells the truth about them.

    Raises
    ------
    CompanionError
        If the script names an action unit that the head does not have.
    """

    def __init__(self, script: ClipScript) -> None:
        self.script = script
        self.subject = make_subject(script.subject)
        self.scene = Scene(self.subject, script.size)
        self._weights = self._sided(script.units)
        rng = np.random.default_rng([script.seed, script.subject, 1])
        self.curve = script.timing.curve(script.fps)
        capture = script.capture
        self.gain = light_gain(capture, len(self.curve), script.fps, rng.uniform(0, 2 * np.pi))
        self._turn = slow_motion(rng, len(self.curve), script.fps, np.deg2rad(capture.head_turn))
        self._shift = slow_motion(rng, len(self.curve), script.fps, capture.head_shift)

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

    @property
    def apex(self) -> int:
        """Frame of the apex."""
        return self.script.timing.apex(self.script.fps)

    @cached_property
    def amplitude(self) -> float:
        """Contraction (decimetres) that gives the script's peak motion."""
        if not self._weights:
            return 0.0
        rest, probe = Pose.at_rest(), self._expression(PROBE)
        speed = np.linalg.norm(self.scene.flow(rest, probe), axis=2)
        return PROBE * self.script.peak_px / float(np.percentile(speed[self.scene.skin(rest) > 0.99], 99.9))

    def _expression(self, contraction: float) -> Pose:
        return Pose({name: contraction * w for name, w in self._weights.items()}, np.zeros(3), np.zeros(3))

    def pose(self, frame: int) -> Pose:
        """What the face does in a frame, counted from the onset."""
        expression = self._expression(self.amplitude * self.curve[frame])
        return Pose(expression.units, self._turn[frame], self._shift[frame])

    def frames(self) -> np.ndarray:
        """All frames, (T, size, size, 3) uint8 RGB; frame 0 is the onset."""
        poses = [self.pose(i) for i in range(len(self.curve))]
        self.scene.restrict([poses[0], poses[self.apex], poses[-1]])
        rng = np.random.default_rng([self.script.seed, self.script.subject, 2])
        return np.stack(
            [
                expose(self.scene.frame(pose, gain), self.script.capture, rng)
                for pose, gain in zip(poses, self.gain, strict=True)
            ]
        )

    def flow(self, start: int, end: int) -> np.ndarray:
        """True motion from one frame to another, (size, size, 2) pixels (right, down)."""
        return self.scene.flow(self.pose(start), self.pose(end))

    def landmarks(self, frame: int) -> np.ndarray:
        """True landmarks (68, 2) in a frame, in pixels (column, row)."""
        return self.scene.landmarks(self.pose(frame))

    def skin(self, frame: int) -> np.ndarray:
        """Share of each pixel that is skin in a frame, (size, size), 0..1."""
        return self.scene.skin(self.pose(frame))
