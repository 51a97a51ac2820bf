"""The image difference sequence feature, IDSF (section III.A.3, equation 1, reading R6)."""

from __future__ import annotations

import numpy as np

from astsvm_lib.recipe import Difference

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1

DEFAULT = Difference()


def match_light(frame: np.ndarray, onset: np.ndarray, rounds: int = 10) -> np.ndarray:
    """``gain * frame + level``, (H, W) float32: the frame with its illumination matched to the onset's.

    Gain and level are fitted by iteratively reweighted least squares with Tukey's biweight at
    4.685 robust standard deviations, so that a moving mouth is not mistaken for a change of light.

    Parameters
    ----------
    frame, onset
        (H, W) grey values.
    rounds
        Largest number of iterations.
    """
    x, y = frame.ravel().astype(np.float64), onset.ravel().astype(np.float64)
    weight = np.ones_like(x)
    gain, level = 1.0, 0.0
    for _ in range(rounds):
        total = weight.sum()
        mx, my = (weight * x).sum() / total, (weight * y).sum() / total
        spread = (weight * (x - mx) ** 2).sum()
        gain = float((weight * (x - mx) * (y - my)).sum() / spread) if spread > 0 else 1.0
        level = float(my - gain * mx)
        residual = np.abs(y - gain * x - level)
        limit = 4.685 * 1.4826 * np.median(residual)
        if limit < 1e-9:
            break
        weight = np.clip(1 - (residual / limit) ** 2, 0, None) ** 2
    return (gain * frame + level).astype(np.float32)


def difference_sequence(frames: np.ndarray, options: Difference = DEFAULT) -> np.ndarray:
    r"""IDSF of a prepared clip, float32: :math:`D_i = I_i - I_{onset}` (equation 1).

    Parameters
    ----------
    frames
        (N, H, W) prepared grey values 0..255, the onset first.
    options
        ``sign``, ``grey_range``, ``onset``, ``standardise``, ``light``.

    Returns
    -------
    numpy.ndarray
        (N, H, W), of which the first map is zero; (N - 1, H, W) with ``onset="excluded"``.
    """
    onset = frames[0]
    if options.light == "affine":
        frames = np.stack([onset, *(match_light(frame, onset) for frame in frames[1:])])
    difference = (frames - onset).astype(np.float32)
    if options.grey_range == "0-1":
        difference = difference / np.float32(255)
    if options.onset == "excluded":
        difference = difference[1:]
    if options.sign == "absolute":
        difference = np.abs(difference)
    if options.standardise:
        deviation = float(difference.std())
        difference = difference / deviation if deviation > 0 else difference
    return difference
