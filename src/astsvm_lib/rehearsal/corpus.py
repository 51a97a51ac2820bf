"""Rendered data sets: from the design to the specifications of its clips, and to the clips."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from scipy.stats import beta

from astsvm_lib.datasets.clip import Clip, Dataset
from astsvm_lib.datasets.manifest import Manifest
from astsvm_lib.errors import CompanionError
from astsvm_lib.rehearsal.capture import Capture
from astsvm_lib.rehearsal.clip_renderer import ClipRenderer, ClipSpec, Timing
from astsvm_lib.rehearsal.design import (
    CLASS_OF,
    COMBINATIONS,
    DESIGNS,
    NO_EXPRESSION,
    Design,
    Difficulty,
    Units,
)
from astsvm_lib.rehearsal.subject import tempo_of
from astsvm_lib.storage import digest


@dataclass(frozen=True)
class Entry:
    """One clip of a design: its annotation and its specification."""

    subject: str
    name: str
    emotion: str
    label: str
    spec: ClipSpec


def _mirrored(units: Units, rng: np.random.Generator) -> Units:
    """The units, with left and right exchanged at random."""
    if rng.random() < 0.5:
        return units
    other = {"L": "R", "R": "L"}
    return {name[:-1] + other[name[-1]] if name[-1] in other else name: share for name, share in units.items()}


def draw_intensities(units: Units, options: Difficulty, rng: np.random.Generator) -> Units:
    """Units with random intensities for each side, and sometimes one additional unit.

    Parameters
    ----------
    units
        Relative intensity of each action unit of a combination.
    options
        ``unit_spread``, ``side_spread``, ``stray`` and ``stray_share``.
    rng
        Source of the variation.

    Returns
    -------
    dict of str to float
        Relative intensity by sided name; the largest is 1.
    """
    chosen = _mirrored(units, rng)
    if rng.random() < options.stray:
        known = sorted({unit for combinations in COMBINATIONS.values() for found in combinations for unit in found})
        stray = str(rng.choice([unit for unit in known if unit not in chosen]))
        chosen = chosen | {stray: options.stray_share * rng.uniform(0.5, 1)}
    found: Units = {}
    for unit, share in chosen.items():
        level = share * math.exp(rng.normal(0, options.unit_spread))
        tilt = rng.normal(0, options.side_spread)
        if unit[-1] in "LR" or unit in ("17", "23", "24", "25", "26"):
            found[unit] = found.get(unit, 0) + level
        else:
            found[unit + "L"], found[unit + "R"] = level * math.exp(tilt), level * math.exp(-tilt)
    strongest = max(found.values())
    return {unit: round(level / strongest, 3) for unit, level in found.items()}


def _capture(largest: Capture, head_px: float, rng: np.random.Generator) -> Capture:
    """Random recording conditions of one clip, up to the largest values."""
    return replace(
        largest,
        drift=largest.drift * rng.uniform(-1, 1),
        light_turn=largest.light_turn * rng.uniform(-1, 1),
        flicker=largest.flicker * rng.uniform(0.3, 1),
        head_px=head_px * rng.uniform(0.1, 1),
    )


def _timing(frames: int, fps: float, rng: np.random.Generator) -> Timing:
    """A random time course of the given number of frames, with a plateau; the rise is faster than the fall."""
    total = (frames - 1) * 1000 / fps
    rise, hold = np.clip(rng.normal(0.36, 0.07), 0.2, 0.55), rng.uniform(0.05, 0.22)
    return Timing(rise * total, hold * total, (1 - rise - hold) * total, residual=rng.uniform(0, 0.4))


def _lengths(design: Design, subjects: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """Number of frames of each clip, over the whole range of the design; slow subjects have longer clips."""
    low, high = design.frames
    share = beta.ppf(np.linspace(0, 1, len(subjects)), 1.7, 2.9)
    lengths = np.sort(np.round(low + (high - low) * share).astype(int))
    tempo = np.array([tempo_of(seed) for seed in subjects]) * np.exp(rng.normal(0, 0.25, len(subjects)))
    return lengths[np.argsort(np.argsort(tempo, kind="stable"), kind="stable")]


def _assign(design: Design, rng: np.random.Generator) -> list[tuple[int, str]]:
    """Subject number and emotion of each clip; every subject has at least one clip."""
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
    return draw_entries(DESIGNS[dataset])


def draw_entries(design: Design) -> tuple[Entry, ...]:
    """The scored clips of a design; equal designs give equal clips."""
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
        spec = ClipSpec(
            subject=design.people[subject],
            units=draw_intensities(combinations[rng.integers(len(combinations))], options, rng),
            peak_px=float(np.clip(options.peak_px * math.exp(rng.normal(0, options.peak_spread)), 0.3, 3.0)),
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
        found.append(Entry(_subject_name(design, subject), name, shown, label, spec))
    return tuple(found)


def _subject_name(design: Design, number: int) -> str:
    return f"{design.prefix}{number + 1:0{design.digits}d}"


@lru_cache
def others(dataset: str) -> tuple[Entry, ...]:
    """Unscored clips without an expression, one of each kind per subject."""
    design = DESIGNS[dataset]
    rng = np.random.default_rng([design.seed, 1])
    found = []
    for number, person in enumerate(design.people):
        for kind in NO_EXPRESSION:
            frames = int(rng.integers(max(design.frames[0], round(0.3 * design.fps)), design.frames[1] + 1))
            capture = _capture(design.capture, design.difficulty.head_px, rng)
            spec = ClipSpec(
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
            found.append(Entry(_subject_name(design, number), f"{kind}_01", kind, "none", spec))
    return tuple(found)


def _render(spec: ClipSpec, chosen: Sequence[int] | None = None) -> np.ndarray:
    return ClipRenderer(spec).frames(chosen)


def coding(units: Units) -> str:
    """FACS coding, such as ``"4+L14"``; a unilateral action unit has the letter of its side."""
    codes = []
    for unit in sorted({name.rstrip("LR") for name in units}, key=int):
        sides = [side for side in "LR" if unit + side in units]
        codes.append(sides[0] + unit if len(sides) == 1 else unit)
    return "+".join(codes)


def make_clip(manifest: Manifest, design: Design, entry: Entry) -> Clip:
    """A clip of a rendered data set; its frames are rendered on demand.

    Parameters
    ----------
    manifest
        Declaration of the data set.
    design
        Design of the data set.
    entry
        Annotation and specification of the clip.
    """
    timing, spec = entry.spec.timing, entry.spec
    expressive = bool(spec.units)
    return Clip(
        dataset=design.id,
        subject=entry.subject,
        name=entry.name,
        label=entry.label,
        emotion=entry.emotion,
        action_units=coding(spec.units),
        fps=spec.fps,
        onset=0,
        apex=timing.apex(spec.fps) if design.apex and expressive else None,
        offset=timing.frames(spec.fps) - 1,
        hash_frames=partial(digest, [manifest.version, spec.fingerprint]),
        stages=("rendering",),
        load_frames=partial(_render, spec),
    )


def load_rehearsal(manifest: Manifest, root: Path | None, read_frames: bool) -> Dataset:
    """A rendered data set; its frames are rendered on demand and not stored.

    Parameters
    ----------
    manifest
        Declaration of the data set.
    root, read_frames
        Ignored: part of the interface of loaders, without meaning for generated data.
    """
    design = DESIGNS[manifest.id]
    return Dataset(
        manifest,
        tuple(make_clip(manifest, design, entry) for entry in entries(design.id)),
        tuple(make_clip(manifest, design, entry) for entry in others(design.id)),
    )


def spec_of(clip: Clip) -> ClipSpec:
    """Specification of a rendered clip; ``ClipRenderer(spec_of(clip))`` provides its ground truth.

    Raises
    ------
    CompanionError
        If the clip does not belong to a rendered data set.
    """
    if clip.dataset in DESIGNS:
        for entry in (*entries(clip.dataset), *others(clip.dataset)):
            if (entry.subject, entry.name) == (clip.subject, clip.name):
                return entry.spec
    raise CompanionError(f"no specification of {clip.key}: expected a clip of a rendered data set")
