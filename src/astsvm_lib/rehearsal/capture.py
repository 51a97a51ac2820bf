"""The camera and the lamp: drift, mains flicker, noise, tone curve, 8 bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Capture:
    """Conditions of one recording; every field is one number that can be swept.

    Attributes
    ----------
    drift
        Relative change of the light from the first frame to the last (0.03: 3% brighter).
    flicker
        Relative amplitude of the lamp's flicker.
    flicker_hz
        Its frequency: twice the mains', so 100 or 120, slightly off in a real network.
    read_noise, shot_noise
        Standard deviation of the noise in display units of 0..1: constant part, and part that
        grows with the square root of the signal. Zero for both: a perfect sensor.
    head_turn
        Standard deviation of slow involuntary head rotation, degrees.
    head_shift
        The same for translation, decimetres.
    """

    drift: float = 0.0
    flicker: float = 0.0
    flicker_hz: float = 100.3
    read_noise: float = 0.004
    shot_noise: float = 0.010
    head_turn: float = 0.0
    head_shift: float = 0.0


def light_gain(capture: Capture, frames: int, fps: float, phase: float) -> np.ndarray:
    """Factor on the light in each frame, (frames,); 1 in the first."""
    time = np.arange(frames) / fps
    drift = 1 + capture.drift * np.linspace(0, 1, frames)
    wave = capture.flicker * np.sin(2 * np.pi * capture.flicker_hz * time + phase)
    return drift * (1 + wave) / (1 + wave[0])


def slow_motion(rng: np.random.Generator, frames: int, fps: float, deviation: float) -> np.ndarray:
    """Smooth random motion (frames, 3) from rest; correlated over about 0.1 s."""
    width = max(0.1 * fps, 1.0)
    reach = int(np.ceil(4 * width))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    kernel /= np.sqrt((kernel**2).sum())
    noise = rng.standard_normal((frames + 2 * reach, 3))
    path = np.stack([np.convolve(noise[:, k], kernel, "valid") for k in range(3)], 1)
    return deviation * (path - path[0])


def tone_curve(linear: np.ndarray) -> np.ndarray:
    """Linear light to display values 0..1: a soft shoulder, then gamma 2.2."""
    light = np.clip(linear, 0, None)
    return np.clip(light * (1 + light / 6) / (1 + 0.55 * light), 0, 1) ** np.float32(1 / 2.2)


def expose(linear: np.ndarray, capture: Capture, rng: np.random.Generator) -> np.ndarray:
    """One frame as the sensor stores it: uint8, same shape."""
    display = tone_curve(linear)
    if capture.read_noise or capture.shot_noise:
        spread = np.sqrt(capture.read_noise**2 + capture.shot_noise**2 * display)
        display = display + rng.standard_normal(display.shape, np.float32) * spread
    return np.clip(display * 255 + 0.5, 0, 255).astype(np.uint8)
