"""Designs of the rendered data sets: subjects, emotions, difficulty and recording conditions.

These designs are *rehearsal v1*. They were calibrated once, only with the public baseline (see the chapter "The
rehearsal corpus"), and are not adjusted to later results.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from astsvm_lib.rehearsal.capture import Capture

Units = dict[str, float]

#: Combinations of action units of each emotion. Emotions of different classes share units, as in the codings of
#: CASME II (Yan et al. 2014) and SAMM (Davison et al. 2018). Unilateral units ("14L") are mirrored at random.
COMBINATIONS: dict[str, tuple[Units, ...]] = {
    "disgust": (
        {"4": 1.0}, {"4": 1.0, "7": 0.7}, {"9": 1.0}, {"9": 0.8, "10": 0.7}, {"4": 0.8, "9": 0.7},
        {"10": 1.0}, {"4": 0.8, "7": 0.5, "10": 0.6}, {"7": 1.0, "10": 0.6},
    ),
    "repression": (
        {"14": 1.0}, {"15": 1.0}, {"17": 1.0}, {"15": 0.8, "17": 0.7}, {"14": 0.8, "17": 0.6}, {"24": 1.0},
        {"17": 0.7, "24": 0.8}, {"12": 0.6, "15": 0.7}, {"23": 1.0},
    ),
    "anger": (
        {"4": 1.0}, {"4": 1.0, "7": 0.7}, {"4": 0.8, "5": 0.6}, {"7": 1.0}, {"7": 0.6, "23": 0.8},
        {"4": 0.6, "24": 0.8}, {"17": 0.8, "23": 0.6},
    ),
    "fear": (
        {"1": 0.8, "2": 0.6, "4": 0.8}, {"1": 0.8, "4": 0.8}, {"20": 1.0}, {"1": 0.7, "20": 0.8},
        {"5": 0.8, "20": 0.7},
    ),
    "contempt": ({"14L": 1.0}, {"12L": 0.7, "14L": 0.8}, {"12L": 1.0}, {"14": 0.8}),
    "sadness": ({"1": 1.0}, {"1": 0.8, "4": 0.7}, {"15": 1.0}, {"1": 0.6, "15": 0.8}, {"15": 0.8, "17": 0.7}),
    "happiness": (
        {"12": 1.0}, {"6": 0.7, "12": 1.0}, {"6": 0.8, "7": 0.5, "12": 0.7}, {"12": 0.9, "25": 0.5},
        {"12": 0.7, "14": 0.5}, {"12L": 1.0, "12R": 0.4}, {"6": 1.0},
    ),
    "surprise": (
        {"1": 1.0, "2": 0.9}, {"1": 0.8, "2": 0.8, "5": 0.6}, {"2": 1.0}, {"1": 0.8, "2": 0.8, "25": 0.6},
        {"1": 0.7, "2": 0.8, "26": 0.6}, {"5": 1.0}, {"1": 1.0}, {"25": 0.7, "26": 0.7},
    ),
}  # fmt: skip

#: Emotion -> class of the composite (reading R15).
CLASS_OF = {
    "disgust": "negative", "repression": "negative", "anger": "negative", "fear": "negative",
    "contempt": "negative", "sadness": "negative", "happiness": "positive", "surprise": "surprise",
}  # fmt: skip

#: Content of the unscored clips, which have no expression.
NO_EXPRESSION = ("blink", "gaze", "head", "neutral")


@dataclass(frozen=True)
class Difficulty:
    """Difficulty of the rendered clips; calibrated only with the public baseline.

    Attributes
    ----------
    peak_px, peak_spread
        Median of the peak motion in pixels of the 192-pixel crop; standard deviation of its logarithm.
    unit_spread
        Standard deviation of the logarithm of each unit's intensity.
    side_spread
        Standard deviation of the logarithm of the left-right asymmetry, in addition to the subject's own.
    stray
        Fraction of clips with one additional action unit.
    stray_share
        Largest intensity of the additional unit, relative to the expression.
    blink, gaze
        Fraction of clips with a blink, or with a gaze shift.
    head_px
        Largest head motion within a clip, in pixels of the crop.
    """

    peak_px: float = 0.65
    peak_spread: float = 0.55
    unit_spread: float = 0.45
    side_spread: float = 0.3
    stray: float = 0.6
    stray_share: float = 0.8
    blink: float = 0.2
    gaze: float = 0.2
    head_px: float = 0.9


@dataclass(frozen=True)
class Design:
    """Design of a rendered data set, from which its clips are sampled.

    Attributes
    ----------
    id, prefix, digits
        Identifier; prefix and number of digits of subject names.
    emotions
        Emotion -> number of clips.
    coarse
        True if the annotation contains only the class, not the emotion.
    fps, frames, size
        Frames per second; smallest and largest number of frames from onset to offset; side of the frame in pixels.
    apex
        False if the annotation has no apex.
    capture
        Largest value of each condition. Each clip has a random value up to it, with random sign for ``drift`` and
        ``light_turn``; noise, gamma and colour are the same for all clips.
    difficulty, seed
        See :class:`Difficulty`; seed of all random values.
    """

    id: str
    prefix: str
    digits: int
    emotions: dict[str, int]
    coarse: bool
    fps: float
    frames: tuple[int, int]
    size: int
    apex: bool
    capture: Capture
    difficulty: Difficulty
    seed: int

    @property
    def people(self) -> tuple[int, ...]:
        """Seeds of the subjects."""
        return people()[self.id]


DESIGNS = {
    design.id: design
    for design in (
        Design(
            id="rehearsal-mini", prefix="", digits=2,
            emotions={"disgust": 12, "anger": 12, "happiness": 12, "surprise": 12},
            coarse=False, fps=100, frames=(20, 36), size=300, apex=True,
            capture=Capture(drift=0.01, flicker=0.003, head_px=0.3),
            difficulty=Difficulty(peak_px=1.2, peak_spread=0.3, stray=0.2, blink=0.0, gaze=0.0, head_px=0.3), seed=2024,
        ),
        Design(
            id="rehearsal-casme2", prefix="", digits=2,
            emotions={"disgust": 61, "repression": 27, "happiness": 32, "surprise": 25},
            coarse=False, fps=200, frames=(31, 126), size=440, apex=True,
            capture=Capture(drift=0.004, light_turn=0.2, flicker=0.001, read_noise=0.001, shot_noise=0.006),
            difficulty=Difficulty(), seed=2014,
        ),
        Design(  # development data: the design of rehearsal-casme2 with other people and other clips
            id="rehearsal-dev", prefix="", digits=2,
            emotions={"disgust": 61, "repression": 27, "happiness": 32, "surprise": 25},
            coarse=False, fps=200, frames=(31, 126), size=440, apex=True,
            capture=Capture(drift=0.004, light_turn=0.2, flicker=0.001, read_noise=0.001, shot_noise=0.006),
            difficulty=Difficulty(), seed=2026,
        ),
        Design(
            id="rehearsal-smic", prefix="s", digits=2,
            emotions={"disgust": 24, "fear": 16, "sadness": 16, "anger": 14, "happiness": 51, "surprise": 43},
            coarse=True, fps=100, frames=(11, 58), size=300, apex=False,
            capture=Capture(drift=0.012, light_turn=0.8, flicker=0.010, read_noise=0.003, shot_noise=0.014),
            difficulty=Difficulty(), seed=2013,
        ),
        Design(
            id="rehearsal-samm", prefix="", digits=3,
            emotions={
                "anger": 57, "contempt": 12, "disgust": 9, "fear": 8, "sadness": 6, "happiness": 26, "surprise": 15,
            },
            coarse=False, fps=200, frames=(30, 101), size=570, apex=True,
            capture=Capture(
                drift=0.004, light_turn=0.2, flicker=0.001, read_noise=0.0015, shot_noise=0.008, colour=False,
            ),
            difficulty=Difficulty(), seed=2018,
        ),
    )
}  # fmt: skip


@lru_cache
def _chosen_people() -> dict[str, Any]:
    text = files("astsvm_lib.rehearsal").joinpath("assets/people.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def people() -> dict[str, tuple[int, ...]]:
    """Seeds of the subjects of each data set, selected by ``tools/choose_people.py``."""
    return {dataset: tuple(seeds) for dataset, seeds in _chosen_people()["people"].items()}


def selection() -> dict[str, float]:
    """Statistics of the selection: number of candidates, number with one detected face, embedding distances."""
    return {name: value for name, value in _chosen_people().items() if name != "people"}
