r"""Eulerian video magnification (Wu et al. 2012), reading R3.

A Laplacian pyramid decomposes each frame into spatial bands. In each band, the temporal variation between
``low_hz`` and ``high_hz`` is multiplied by :math:`\alpha_l` and added to the frame:

.. math:: \tilde I = I + \sum_l \alpha_l \, B[I_l], \qquad
          \alpha_l = \min\Bigl(\alpha - 1,\; \max\bigl(0, \tfrac{\lambda_l}{\lambda_c}\alpha - 1\bigr)\Bigr)

Here :math:`\alpha` is the magnification factor of motion in the temporal band, so :math:`\alpha = 1` has no
effect. A spatial band of wavelength :math:`\lambda_l < \lambda_c` is magnified less, as in the original.

The band-passed variation :math:`B` has a mean of zero over the clip, so that it is not zero at the onset: the
magnified onset shows the expression's opposite. With ``anchor="onset"``, :math:`B(t) - B(t_1)` is added instead,
and the onset stays as recorded.
"""

from __future__ import annotations

import warnings

import cv2
import numpy as np
from scipy.fft import dct, idct

from astsvm_lib.errors import CompanionError
from astsvm_lib.recipe import Magnification

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 2


def ideal_band(series: np.ndarray, fps: float, low_hz: float, high_hz: float) -> np.ndarray:
    """Temporal variation (T, ...) in a frequency band: ideal filter, zero phase, even reflection at the ends.

    The cosine transform (DCT-II) is the Fourier transform of the evenly reflected series; the frequency of
    bin k is ``k * fps / (2 T)``. Bins outside the band and the mean are set to zero.

    Parameters
    ----------
    series
        (T, ...) values over time.
    fps
        Frames per second.
    low_hz, high_hz
        Edges of the band, inclusive.
    """
    length = len(series)
    frequency = np.arange(length) * fps / (2 * length)
    keep = (frequency >= low_hz) & (frequency <= high_hz) & (frequency > 0)
    spectrum = dct(series, axis=0, norm="ortho")
    spectrum[~keep] = 0
    return np.asarray(idct(spectrum, axis=0, norm="ortho"))


def iir_band(series: np.ndarray, fps: float, low_hz: float, high_hz: float) -> np.ndarray:
    """Temporal variation (T, ...) in a frequency band: causal difference of two first-order low-pass filters.

    Parameters
    ----------
    series
        (T, ...) values over time, floating point.
    fps
        Frames per second.
    low_hz, high_hz
        Cut-off frequencies of the two filters.
    """
    rates = [1 - np.exp(-2 * np.pi * hz / fps) for hz in (high_hz, low_hz)]
    fast, slow = series[0].copy(), series[0].copy()
    out = np.zeros_like(series)
    for i, frame in enumerate(series):
        fast += rates[0] * (frame - fast)
        slow += rates[1] * (frame - slow)
        out[i] = fast - slow
    return out


def laplacian_pyramid(image: np.ndarray, levels: int) -> list[np.ndarray]:
    """Laplacian pyramid: the bands, finest first, then the low-pass residual; :func:`collapse` is the inverse.

    Parameters
    ----------
    image
        (H, W) float32.
    levels
        Number of bands.
    """
    bands = []
    for _ in range(levels):
        smaller = cv2.pyrDown(image)
        bands.append(image - cv2.pyrUp(smaller, dstsize=image.shape[::-1]))
        image = smaller
    return [*bands, image]


def collapse(bands: list[np.ndarray]) -> np.ndarray:
    """The image, (H, W), reconstructed from its Laplacian pyramid."""
    image = bands[-1]
    for band in bands[-2::-1]:
        image = band + cv2.pyrUp(image, dstsize=band.shape[::-1])
    return image


def level_gains(levels: int, alpha: float, lambda_c: float) -> np.ndarray:
    r"""Gain :math:`\alpha_l` of each spatial band, (levels,).

    Band l of the pyramid contains wavelengths around 4 * 2^l pixels. The finest band is mostly noise; its
    gain is 0.

    Parameters
    ----------
    levels
        Number of bands.
    alpha
        Magnification factor.
    lambda_c
        Cut-off wavelength, in pixels.
    """
    wavelength = 4.0 * 2.0 ** np.arange(levels)
    gains = np.clip(wavelength / lambda_c * alpha - 1, 0, alpha - 1)
    gains[0] = 0
    return gains


def magnify(frames: np.ndarray, fps: float, options: Magnification, where: str = "clip") -> np.ndarray:
    """Frames with small motion magnified, (T, H, W) float32; grey values are not clipped.

    Parameters
    ----------
    frames
        (T, H, W) registered grey values.
    fps
        Frames per second.
    options
        ``alpha`` (1: off), ``lambda_c``, ``low_hz``, ``high_hz``, ``temporal``, ``anchor``.
    where
        Name of the clip in messages.

    Warns
    -----
    UserWarning
        If the clip is so short that none of its frequencies is in the band; it is then returned unchanged.

    Raises
    ------
    CompanionError
        If ``low_hz`` is not below ``high_hz``, or ``fps`` is not positive.

    Notes
    -----
    Section III.A.1 ("we use Eulerian Video Magnification"); chapter "Preprocessing".
    """
    frames = frames.astype(np.float32)
    if not fps > 0:
        raise CompanionError(f"{where}: expected a positive frame rate, found {fps}")
    if options.low_hz >= options.high_hz:
        raise CompanionError(
            f"magnification: expected low_hz < high_hz, found {options.low_hz:g} and {options.high_hz:g}"
        )
    if options.alpha == 1:
        return frames
    step = fps / (2 * len(frames))
    if options.temporal == "ideal" and np.floor(options.high_hz / step) < max(1, np.ceil(options.low_hz / step)):
        warnings.warn(
            f"{where}: {len(frames)} frames at {fps:g} fps resolve multiples of {step:.3g} Hz, none of them in "
            f"the band {options.low_hz:g}-{options.high_hz:g} Hz; the clip is not magnified",
            stacklevel=2,
        )
        return frames
    band = ideal_band if options.temporal == "ideal" else iir_band
    levels = max(1, int(np.log2(min(frames.shape[1:]))) - 3)
    gains = level_gains(levels, options.alpha, options.lambda_c)
    pyramids = [laplacian_pyramid(frame, levels) for frame in frames]
    added = [np.zeros_like(np.stack([p[-1] for p in pyramids]))]
    for level in range(levels - 1, -1, -1):
        variation = np.stack([p[level] for p in pyramids])
        if gains[level]:
            variation = np.float32(gains[level]) * band(variation, fps, options.low_hz, options.high_hz)
            if options.anchor == "onset":
                variation = variation - variation[0]
        else:
            variation = np.zeros_like(variation)
        added.insert(0, variation.astype(np.float32))
    return frames + np.stack([collapse([a[t] for a in added]) for t in range(len(frames))])
