"""The scripts of ``rehearsal-mini``, and the data set made from them."""

from __future__ import annotations

from functools import partial

import numpy as np

from astsvm_lib.datasets.clip import Clip, Dataset
from astsvm_lib.datasets.manifest import Manifest
from astsvm_lib.errors import CompanionError
from astsvm_lib.rehearsal.capture import Capture
from astsvm_lib.rehearsal.performance import ClipScript, Performance, Timing
from astsvm_lib.storage import Cache, code_digest, digest

#: Action-unit combinations of each class, several per class and overlapping between classes, as in
#: the codings of CASME II (Yan et al. 2014) and SAMM (Davison et al. 2018).
COMBINATIONS: dict[str, tuple[dict[str, float], ...]] = {
    "negative": (
        {"4": 1.0},
        {"4": 0.8, "7": 0.6},
        {"9": 0.8, "10": 0.5},
        {"15": 1.0, "17": 0.6},
        {"4": 0.7, "9": 0.6},
        {"1": 0.5, "4": 0.8, "15": 0.4},
    ),
    "positive": ({"12": 1.0}, {"6": 0.6, "12": 1.0}, {"6": 1.0, "12": 0.5}),
    "surprise": ({"1": 1.0, "2": 0.9}, {"1": 0.8, "2": 0.8, "25": 0.6}, {"2": 1.0, "5": 0.6}),
}
SEED = 2024
#: Subject seeds; on each of them dlib finds exactly one face.
SUBJECTS = (1, 8, 10, 12, 14, 20, 22, 23)


def _labels(subject: int) -> list[str]:
    """Classes of one subject's six clips: three negative, the other three shared unevenly."""
    positive = 2 - subject % 2
    return ["negative"] * 3 + ["positive"] * positive + ["surprise"] * (3 - positive)


def mini_scripts() -> dict[tuple[str, str, str], ClipScript]:
    """Script of every clip of ``rehearsal-mini``, by (subject, clip, label)."""
    rng = np.random.default_rng(SEED)
    scripts = {}
    for index, subject in enumerate(SUBJECTS):
        for number, label in enumerate(_labels(index), start=1):
            combinations = COMBINATIONS[label]
            units = combinations[rng.integers(len(combinations))]
            timing = Timing(
                rise_ms=rng.uniform(90, 150),
                hold_ms=rng.uniform(10, 50),
                fall_ms=rng.uniform(100, 160),
                residual=rng.uniform(0, 0.3),
            )
            capture = Capture(
                drift=rng.uniform(-0.01, 0.01),
                flicker=rng.uniform(0, 0.003),
                head_turn=rng.uniform(0, 0.10),
                head_shift=rng.uniform(0, 0.003),
            )
            name = f"{label[:3]}_{number:02d}"
            scripts[f"{index + 1:02d}", name, label] = ClipScript(
                subject=subject,
                units=units,
                peak_px=rng.uniform(0.6, 2.0),
                timing=timing,
                capture=capture,
                seed=1000 * index + number,
            )
    return scripts


def clip_frames(script: ClipScript, cache: Cache | None = None) -> np.ndarray:
    """Frames of a script, rendered once and then read from the cache."""
    key = {"script": script.fingerprint, "code": code_digest("rehearsal")}
    return (cache or Cache()).get("frames", key, lambda: {"frames": Performance(script).frames()})["frames"]


def load_mini(manifest: Manifest) -> Dataset:
    """The data set ``rehearsal-mini``; frames are rendered when first asked for."""
    clips = []
    for (subject, name, label), script in mini_scripts().items():
        timing = script.timing
        clips.append(
            Clip(
                dataset=manifest.id,
                subject=subject,
                name=name,
                label=label,
                fps=script.fps,
                onset=0,
                apex=timing.apex(script.fps),
                offset=timing.frames(script.fps) - 1,
                fingerprint=digest([manifest.version, script.fingerprint]),
                load_frames=partial(clip_frames, script),
            )
        )
    return Dataset(manifest, tuple(clips))


def script_of(clip: Clip) -> ClipScript:
    """The script behind a clip of ``rehearsal-mini``: ``Performance(script_of(clip))`` knows its truth.

    Raises
    ------
    CompanionError
        If the clip is not one of them.
    """
    for (subject, name, _), script in mini_scripts().items():
        if (subject, name) == (clip.subject, clip.name):
            return script
    raise CompanionError(f"no script for {clip.key}: only clips of rehearsal-mini have one")
