"""The rendered data sets: who is in them, what they do, under which light, and the clips made from that.

Every data set is a :class:`Design`, and every design becomes scripts in the same way. The designs are
called *rehearsal v1*: they were fixed once, by the public baseline alone (see the chapter "The rehearsal
corpus"), and do not change under the results.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from importlib.resources import files

import numpy as np
from scipy.stats import beta

from astsvm_lib.datasets.clip import Clip, Dataset
from astsvm_lib.datasets.manifest import Manifest, load
from astsvm_lib.errors import CompanionError
from astsvm_lib.rehearsal.capture import Capture
from astsvm_lib.rehearsal.performance import ClipScript, Performance, Timing
from astsvm_lib.rehearsal.subject import make_subject
from astsvm_lib.storage import code_digest, digest

Units = dict[str, float]

#: Action units of each emotion, several per emotion and overlapping between emotions of different
#: classes, after the codings that accompany CASME II (Yan et al. 2014) and SAMM (Davison et al. 2018).
#: A side ("14L") stands for either: scripts mirror it at random.
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
    "fear": ({"1": 0.8, "2": 0.6, "4": 0.8}, {"1": 0.8, "4": 0.8}, {"20": 1.0}, {"1": 0.7, "20": 0.8}, {"5": 0.8, "20": 0.7}),
    "contempt": ({"14L": 1.0}, {"12L": 0.7, "14L": 0.8}, {"12L": 1.0}, {"14": 0.8}),
    "sadness": ({"1": 1.0}, {"1": 0.8, "4": 0.7}, {"15": 1.0}, {"1": 0.6, "15": 0.8}, {"15": 0.8, "17": 0.7}),
    "happiness": (
        {"12": 1.0}, {"6": 0.7, "12": 1.0}, {"6": 0.8, "7": 0.5, "12": 0.7}, {"12": 0.9, "25": 0.5}, {"12": 0.7, "14": 0.5},
        {"12L": 1.0, "12R": 0.4}, {"6": 1.0},
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
CLASSES = ("negative", "positive", "surprise")

#: What the clips outside the scored set show instead of an expression.
NO_EXPRESSION = ("blink", "gaze", "head", "neutral")


@dataclass(frozen=True)
class Difficulty:
    """What makes a rendered clip hard, in numbers; fixed by the public baseline and by nothing else.

    Attributes
    ----------
    peak_px, peak_spread
        Median of the peak motion in pixels of the 192-pixel crop, and spread of its logarithm.
    unit_spread
        Spread of the logarithm of each unit's share in a clip.
    side_spread
        The same for left against right, beside the subject's own asymmetry.
    stray
        Share of clips in which one more unit, of any kind, moves a little.
    stray_share
        How much it moves, against the expression.
    blink, gaze
        Share of clips in which the eyes blink, or the gaze shifts.
    head_px
        Largest head motion inside a clip, pixels of the crop.
    """

    peak_px: float = 0.75
    peak_spread: float = 0.55
    unit_spread: float = 0.45
    side_spread: float = 0.3
    stray: float = 0.55
    stray_share: float = 0.8
    blink: float = 0.2
    gaze: float = 0.2
    head_px: float = 0.9


@dataclass(frozen=True)
class Design:
    """One rendered data set before anything is drawn.

    Attributes
    ----------
    id, prefix, digits
        Identifier; how subject names begin, and how many digits they have.
    emotions
        Clips of each emotion.
    coarse
        True where the annotation names the class alone, not the emotion.
    fps, frames, size
        Frames a second; fewest and most frames of a clip, onset to offset; side of the frame, pixels.
    apex
        False where the annotation has no apex.
    capture
        Largest value of each condition; a clip draws its own between zero and that, with random sign
        for ``drift`` and ``light_turn``. Noise, gamma and colour are the same for all.
    difficulty, seed
        See :class:`Difficulty`; seed of everything drawn.
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
            id="rehearsal-mini", prefix="", digits=2, emotions={"disgust": 12, "anger": 12, "happiness": 12, "surprise": 12},
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
        Design(
            id="rehearsal-smic", prefix="s", digits=2,
            emotions={"disgust": 24, "fear": 16, "sadness": 16, "anger": 14, "happiness": 51, "surprise": 43},
            coarse=True, fps=100, frames=(11, 58), size=300, apex=False,
            capture=Capture(drift=0.012, light_turn=0.8, flicker=0.010, read_noise=0.003, shot_noise=0.014),
            difficulty=Difficulty(), seed=2013,
        ),
        Design(
            id="rehearsal-samm", prefix="", digits=3,
            emotions={"anger": 57, "contempt": 12, "disgust": 9, "fear": 8, "sadness": 6, "happiness": 26, "surprise": 15},
            coarse=False, fps=200, frames=(30, 101), size=570, apex=True,
            capture=Capture(drift=0.004, light_turn=0.2, flicker=0.001, read_noise=0.0015, shot_noise=0.008, colour=False),
            difficulty=Difficulty(), seed=2018,
        ),
    )
}  # fmt: skip

#: The composite, and what it is made of.
COMPOSITE = {"rehearsal-megc": ("rehearsal-casme2", "rehearsal-smic", "rehearsal-samm")}


@lru_cache
def people() -> dict[str, tuple[int, ...]]:
    """Subject seeds of each data set (chosen by ``tools/choose_people.py``)."""
    text = files("astsvm_lib.rehearsal").joinpath("assets/people.json").read_text(encoding="utf-8")
    return {dataset: tuple(seeds) for dataset, seeds in json.loads(text).items()}


@dataclass(frozen=True)
class Entry:
    """One clip of a design: what the annotation says, and the script behind it."""

    subject: str
    name: str
    emotion: str
    label: str
    script: ClipScript


def _mirrored(units: Units, rng: np.random.Generator) -> Units:
    """The same units, left and right exchanged in half of the cases."""
    if rng.random() < 0.5:
        return units
    other = {"L": "R", "R": "L"}
    return {name[:-1] + other[name[-1]] if name[-1] in other else name: share for name, share in units.items()}


def _intensities(units: Units, options: Difficulty, rng: np.random.Generator) -> Units:
    """Units with intensities of this clip alone, each side its own; now and then one more unit."""
    chosen = _mirrored(units, rng)
    if rng.random() < options.stray:
        everything = sorted(
            {unit for combinations in COMBINATIONS.values() for found in combinations for unit in found}
        )
        stray = str(rng.choice([unit for unit in everything if unit not in chosen]))
        chosen = chosen | {stray: options.stray_share * rng.uniform(0.5, 1)}
    found: Units = {}
    for unit, share in chosen.items():
        level = share * float(np.exp(rng.normal(0, options.unit_spread)))
        tilt = rng.normal(0, options.side_spread)
        if unit[-1] in "LR" or unit in ("17", "23", "24", "25", "26"):
            found[unit] = found.get(unit, 0) + level
        else:
            found[unit + "L"], found[unit + "R"] = level * float(np.exp(tilt)), level * float(np.exp(-tilt))
    strongest = max(found.values())
    return {unit: round(level / strongest, 3) for unit, level in found.items()}


def _capture(largest: Capture, head_px: float, rng: np.random.Generator) -> Capture:
    """Conditions of one clip, within the largest."""
    return replace(
        largest,
        drift=largest.drift * rng.uniform(-1, 1),
        light_turn=largest.light_turn * rng.uniform(-1, 1),
        flicker=largest.flicker * rng.uniform(0.3, 1),
        head_px=head_px * rng.uniform(0.1, 1),
    )


def _timing(frames: int, fps: float, rng: np.random.Generator) -> Timing:
    """A course of exactly this many frames: faster up than down, with a plateau."""
    total = (frames - 1) * 1000 / fps
    rise, hold = np.clip(rng.normal(0.36, 0.07), 0.2, 0.55), rng.uniform(0.05, 0.22)
    return Timing(rise * total, hold * total, (1 - rise - hold) * total, residual=rng.uniform(0, 0.4))


def _lengths(design: Design, subjects: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """Frames of each clip: both ends of the design's range, and long clips for slow subjects."""
    low, high = design.frames
    share = beta.ppf(np.linspace(0, 1, len(subjects)), 1.7, 2.9)
    lengths = np.sort(np.round(low + (high - low) * share).astype(int))
    tempo = np.array([make_subject(seed).tempo for seed in subjects]) * np.exp(rng.normal(0, 0.25, len(subjects)))
    return lengths[np.argsort(np.argsort(tempo, kind="stable"), kind="stable")]


def _assign(design: Design, rng: np.random.Generator) -> list[tuple[int, str]]:
    """Subject number and emotion of every clip; everybody has one at least, some many more."""
    emotions = [emotion for emotion, count in design.emotions.items() for _ in range(count)]
    rng.shuffle(emotions)
    count = len(design.people)
    spread = np.ones(count) if design.id == "rehearsal-mini" else rng.dirichlet(np.full(count, 2.0)) * count
    extra = rng.choice(count, len(emotions) - count, p=spread / spread.sum())
    if design.id == "rehearsal-mini":  # six clips each
        extra = np.arange(len(emotions) - count) % count
    return sorted(zip([*range(count), *map(int, extra)], emotions, strict=True), key=lambda item: item[0])


@lru_cache
def entries(dataset: str) -> tuple[Entry, ...]:
    """The scored clips of a rendered data set."""
    design = DESIGNS[dataset]
    rng = np.random.default_rng(design.seed)
    assigned = _assign(design, rng)
    lengths = _lengths(design, [design.people[subject] for subject, _ in assigned], rng)
    counters: dict[tuple[int, str], int] = {}
    found = []
    for number, ((subject, emotion), frames) in enumerate(zip(assigned, lengths, strict=True)):
        options = design.difficulty
        combinations = COMBINATIONS[emotion]
        timing = _timing(int(frames), design.fps, rng)
        total = timing.rise_ms + timing.hold_ms + timing.fall_ms
        script = ClipScript(
            subject=design.people[subject],
            units=_intensities(combinations[rng.integers(len(combinations))], options, rng),
            peak_px=float(np.clip(options.peak_px * np.exp(rng.normal(0, options.peak_spread)), 0.3, 3.0)),
            timing=timing,
            capture=_capture(design.capture, options.head_px, rng),
            blink_ms=float(rng.uniform(0, total)) if rng.random() < options.blink else None,
            gaze_ms=float(rng.uniform(0, total)) if rng.random() < options.gaze else None,
            gaze=(float(rng.normal(0, 5)), float(rng.normal(0, 3))),
            seed=1000 * design.seed + number,
            size=design.size,
            fps=design.fps,
        )
        label = CLASS_OF[emotion]
        stem = label[:3] if design.coarse else emotion[:3]
        counters[subject, stem] = counters.get((subject, stem), 0) + 1
        name = f"{stem}_{counters[subject, stem]:02d}"
        shown = label if design.coarse else emotion
        found.append(Entry(_subject_name(design, subject), name, shown, label, script))
    return tuple(found)


def _subject_name(design: Design, number: int) -> str:
    return f"{design.prefix}{number + 1:0{design.digits}d}"


@lru_cache
def others(dataset: str) -> tuple[Entry, ...]:
    """Clips that show no expression, one of each kind a subject: outside the scored set."""
    design = DESIGNS[dataset]
    rng = np.random.default_rng([design.seed, 1])
    found = []
    for number, person in enumerate(design.people):
        for kind in NO_EXPRESSION:
            frames = int(rng.integers(max(design.frames[0], round(0.3 * design.fps)), design.frames[1] + 1))
            capture = _capture(design.capture, design.difficulty.head_px, rng)
            script = ClipScript(
                subject=person,
                units={},
                peak_px=0.0,
                timing=_timing(frames, design.fps, rng),
                capture=replace(capture, head_px=float(rng.uniform(1, 3))) if kind == "head" else capture,
                blink_ms=20.0 if kind == "blink" else None,
                gaze_ms=40.0 if kind == "gaze" else None,
                gaze=(float(rng.choice([-1, 1]) * rng.uniform(5, 15)), float(rng.uniform(-6, 6))),
                seed=1000 * design.seed + 500 + 4 * number + NO_EXPRESSION.index(kind),
                size=design.size,
                fps=design.fps,
            )
            found.append(Entry(_subject_name(design, number), f"{kind}_01", kind, "none", script))
    return tuple(found)


def _render(script: ClipScript, chosen: Sequence[int] | None = None) -> np.ndarray:
    return Performance(script).frames(chosen)


def coding(units: Units) -> str:
    """Units as a FACS coder writes them, "4+L14": a unit with both sides once, one side with its letter."""
    both = sorted({name.rstrip("LR") for name in units}, key=int)
    words = []
    for unit in both:
        sides = [side for side in "LR" if unit + side in units]
        words.append(sides[0] + unit if len(sides) == 1 else unit)
    return "+".join(words)


def _clip(manifest: Manifest, design: Design, entry: Entry) -> Clip:
    timing, script = entry.script.timing, entry.script
    expressive = bool(script.units)
    return Clip(
        dataset=design.id,
        subject=entry.subject,
        name=entry.name,
        label=entry.label,
        emotion=entry.emotion,
        action_units=coding(script.units),
        fps=script.fps,
        onset=0,
        apex=timing.apex(script.fps) if design.apex and expressive else None,
        offset=timing.frames(script.fps) - 1,
        fingerprint=digest([manifest.version, script.fingerprint]),
        renderer=code_digest("rehearsal"),
        load_frames=partial(_render, script),
    )


def load_rehearsal(manifest: Manifest) -> Dataset:
    """A rendered data set; frames are rendered when they are asked for, and not kept."""
    parts = COMPOSITE.get(manifest.id)
    if parts:
        loaded = [load(part) for part in parts]
        return Dataset(
            manifest,
            tuple(clip for part in loaded for clip in part),
            tuple(clip for part in loaded for clip in part.unscored),
        )
    design = DESIGNS[manifest.id]
    return Dataset(
        manifest,
        tuple(_clip(manifest, design, entry) for entry in entries(design.id)),
        tuple(_clip(manifest, design, entry) for entry in others(design.id)),
    )


def script_of(clip: Clip) -> ClipScript:
    """The script behind a rendered clip: ``Performance(script_of(clip))`` knows its truth.

    Raises
    ------
    CompanionError
        If the clip is of no rendered data set.
    """
    if clip.dataset in DESIGNS:
        for entry in (*entries(clip.dataset), *others(clip.dataset)):
            if (entry.subject, entry.name) == (clip.subject, clip.name):
                return entry.script
    raise CompanionError(f"no script for {clip.key}: only clips of rendered data sets have one")
