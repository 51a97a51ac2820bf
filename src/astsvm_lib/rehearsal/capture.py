"""Camera and lamp: lens blur, drift, mains flicker, noise, tone curve and 8-bit quantisation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numba
import numpy as np

READINGS = 16384
BRIGHTEST = 2.0  # linear light at which the sensor saturates


@dataclass(frozen=True)
class Capture:
    """Recording conditions of a clip.

    Attributes
    ----------
    drift
        Relative change of the light intensity from the first frame to the last (0.03: 3% brighter).
    light_turn
        Rotation of the lamp around the face from the first frame to the last, in degrees.
    flicker
        Relative amplitude of the lamp's flicker.
    flicker_hz
        Frequency of the flicker: twice the mains frequency, with the small deviation of a real network.
    read_noise, shot_noise
        Standard deviation of the noise in linear light, where white paper is about 1: constant, and proportional
        to the square root of the light. Both zero for a noise-free sensor.
    gamma
        Exponent of the tone curve from light to grey values.
    head_px
        Largest displacement of a landmark by slow involuntary head motion, in pixels of the method's 192-pixel
        crop.
    blur_px
        Standard deviation of the lens's point spread function, in pixels of the frame.
    colour
        False for a greyscale camera.
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
    """Relative light intensity of each frame, (frames,), by drift and flicker; 1 in the first.

    Parameters
    ----------
    capture
        ``drift``, ``flicker`` and ``flicker_hz``.
    frames
        Number of frames.
    fps
        Frames per second.
    phase
        Phase of the flicker in the first frame, in radians.
    """
    time = np.arange(frames) / fps
    drift = 1 + capture.drift * np.linspace(0, 1, frames)
    wave = capture.flicker * np.sin(2 * np.pi * capture.flicker_hz * time + phase)
    return drift * (1 + wave) / (1 + wave[0])


def slow_motion(rng: np.random.Generator, frames: int, fps: float) -> np.ndarray:
    """Smooth random motion, (frames, 6), zero in the first frame: about unit variance, correlated over about 0.1 s.

    Parameters
    ----------
    rng
        Source of the noise.
    frames
        Number of frames.
    fps
        Frames per second.
    """
    width = max(0.1 * fps, 1.0)
    reach = int(np.ceil(4 * width))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    kernel /= np.sqrt((kernel**2).sum())
    noise = rng.standard_normal((frames + 2 * reach, 6))
    path = np.stack([np.convolve(noise[:, k], kernel, "valid") for k in range(6)], 1)
    return path - path[0]


@lru_cache
def tone_table(gamma: float) -> np.ndarray:
    """Grey value of each reading of a 14-bit sensor, (16384,) uint8: soft highlight compression, then gamma."""
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
    """One recorded frame, uint8: lens blur, noise in linear light, tone curve.

    Parameters
    ----------
    linear
        (H, W, 3) linear light.
    capture
        ``blur_px``, ``read_noise``, ``shot_noise``, ``gamma`` and ``colour``.
    rng
        Source of the noise.

    Returns
    -------
    numpy.ndarray
        (H, W, 3) uint8 RGB; (H, W) for a greyscale camera.
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
