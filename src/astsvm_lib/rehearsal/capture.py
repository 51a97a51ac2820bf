"""The camera and the lamp: lens, drift, mains flicker, noise, tone curve, 8 bits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numba
import numpy as np

READINGS = 16384
BRIGHTEST = 2.0  # linear light at which the sensor is full


@dataclass(frozen=True)
class Capture:
    """Conditions of one recording; every field is one number that can be swept.

    Attributes
    ----------
    drift
        Relative change of the light's strength from the first frame to the last (0.03: 3% brighter).
    light_turn
        How far the lamp wanders round the face from the first frame to the last, degrees.
    flicker
        Relative amplitude of the lamp's flicker.
    flicker_hz
        Its frequency: twice the mains', so 100 or 120, slightly off in a real network.
    read_noise, shot_noise
        Standard deviation of the noise in linear light, where white paper is about 1: a constant
        part, and a part that grows with the square root of the light. Zero for both: a perfect sensor.
    gamma
        Exponent of the tone curve that turns light into grey values.
    head_px
        Largest motion of a landmark by slow involuntary head motion, in pixels of a face as large as
        the method's 192-pixel crop.
    blur_px
        Standard deviation of the lens's point spread, in pixels of the frame.
    colour
        False for a camera that records grey values alone.
    """

    drift: float = 0.0
    light_turn: float = 0.0
    flicker: float = 0.0
    flicker_hz: float = 100.3
    read_noise: float = 0.0015
    shot_noise: float = 0.008
    gamma: float = 2.2
    head_px: float = 0.0
    blur_px: float = 0.7
    colour: bool = True


def light_gain(capture: Capture, frames: int, fps: float, phase: float) -> np.ndarray:
    """Factor on the light in each frame, (frames,); 1 in the first."""
    time = np.arange(frames) / fps
    drift = 1 + capture.drift * np.linspace(0, 1, frames)
    wave = capture.flicker * np.sin(2 * np.pi * capture.flicker_hz * time + phase)
    return drift * (1 + wave) / (1 + wave[0])


def slow_motion(rng: np.random.Generator, frames: int, fps: float) -> np.ndarray:
    """Smooth random motion (frames, 6) from rest: about unit size, correlated over about 0.1 s."""
    width = max(0.1 * fps, 1.0)
    reach = int(np.ceil(4 * width))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    kernel /= np.sqrt((kernel**2).sum())
    noise = rng.standard_normal((frames + 2 * reach, 6))
    path = np.stack([np.convolve(noise[:, k], kernel, "valid") for k in range(6)], 1)
    return path - path[0]


@lru_cache
def tone_table(gamma: float) -> np.ndarray:
    """Grey value (16384,) uint8 of each reading of a 14-bit sensor: a soft shoulder, then gamma."""
    light = np.linspace(0, BRIGHTEST, READINGS)
    level = np.clip(light * (1 + light / 6) / (1 + 0.55 * light), 0, 1)
    return np.round(255 * level ** (1 / gamma)).astype(np.uint8)


@numba.njit(cache=True)
def _expose(linear, noise, read_noise, shot_noise, table, out):  # type: ignore[no-untyped-def]
    read = np.float32(read_noise * read_noise)
    shot = np.float32(shot_noise * shot_noise)
    scale = np.float32((READINGS - 1) / BRIGHTEST)
    for i in range(linear.size):
        light = max(linear[i], np.float32(0))
        light = light + noise[i] * np.sqrt(read + shot * light)
        reading = int(light * scale + np.float32(0.5))
        out[i] = table[min(max(reading, 0), READINGS - 1)]


def expose(linear: np.ndarray, capture: Capture, rng: np.random.Generator) -> np.ndarray:
    """One frame as the sensor stores it, uint8: lens, noise in linear light, tone curve.

    Parameters
    ----------
    linear
        (H, W, 3) light; (H, W) comes out where the camera records grey values alone.
    capture
        Its blur, noise, gamma and colour.
    rng
        Of the noise.
    """
    if capture.blur_px:
        linear = cv2.GaussianBlur(linear, (0, 0), capture.blur_px)
    if not capture.colour:
        linear = linear @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    noisy = capture.read_noise > 0 or capture.shot_noise > 0
    noise = rng.standard_normal(linear.size, np.float32) if noisy else np.zeros(linear.size, np.float32)
    out = np.empty(linear.size, np.uint8)
    light = np.ascontiguousarray(linear, np.float32).ravel()
    _expose(light, noise, capture.read_noise, capture.shot_noise, tone_table(capture.gamma), out)
    return out.reshape(linear.shape)
