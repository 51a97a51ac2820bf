"""Rendered clips of onset and apex in any number, whose people, recording and alignment vary widely.

A classifier that is trained on them and tested on other data cannot rely on one camera, one light or one crop (domain
randomisation, Tobin et al. 2017).
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from astsvm_lib.datasets.clip import Clip, Dataset
from astsvm_lib.datasets.manifest import Manifest
from astsvm_lib.rehearsal.capture import Capture
from astsvm_lib.rehearsal.clip_renderer import ClipRenderer, ClipSpec, Timing
from astsvm_lib.rehearsal.corpus import coding, draw_intensities
from astsvm_lib.rehearsal.design import CLASS_OF, COMBINATIONS, Difficulty
from astsvm_lib.storage import digest

#: Two frames, onset and apex: 100 ms apart, the offset of the expression follows at once.
PAIR = Timing(100, 0, 1)
PAIR_FPS = 10.0
CLIPS_PER_SUBJECT = 10
#: Step of the additive recurrence that spreads the classes evenly, the golden ratio less one.
GOLDEN = (5**0.5 - 1) / 2
#: Side of the method's crop, in pixels.
CROP = 192
#: Seed of the first subject; those of the other rendered data sets are below.
FIRST_SUBJECT = 1_000_000


@dataclass(frozen=True)
class Variation:
    """How much the clips vary; standard deviations, unless a range is given.

    Attributes
    ----------
    crop_scale, crop_aspect
        Of the logarithm of the size of the face in the crop, and of its ratio of width to height.
    crop_shift, crop_turn
        Of the position of the face in the crop, as a share of its side, and of its rotation in degrees.
    size
        Smallest and largest side of the frame, in pixels.
    drift, light_turn, flicker
        Largest change of the light from onset to apex; see :class:`~astsvm_lib.rehearsal.capture.Capture`.
    noise
        Smallest and largest factor of the sensor's noise.
    blur
        Smallest and largest blur of the lens, in pixels of the frame.
    grey
        Fraction of clips from a greyscale camera.
    weak
        Fraction of clips with a tenth of their motion.
    mislabelled
        Fraction of clips with a random label.
    """

    crop_scale: float = 0.08
    crop_aspect: float = 0.06
    crop_shift: float = 0.04
    crop_turn: float = 2.0
    size: tuple[int, int] = (180, 460)
    drift: float = 0.015
    light_turn: float = 1.0
    flicker: float = 0.008
    noise: tuple[float, float] = (0.4, 2.5)
    blur: tuple[float, float] = (0.5, 1.4)
    grey: float = 0.3
    weak: float = 0.05
    mislabelled: float = 0.03


@dataclass(frozen=True)
class WideDesign:
    """Design of a data set of pairs of frames, from which any number of clips can be drawn; see :data:`WIDE`.

    Attributes
    ----------
    id
        Identifier.
    clips
        Largest number of clips.
    classes
        Relative frequency of each class.
    difficulty, variation
        How expressions, and how recording and alignment vary.
    seed
        Seed of all random values.
    """

    id: str
    clips: int
    classes: dict[str, int]
    difficulty: Difficulty
    variation: Variation
    seed: int


WIDE = {
    design.id: design
    for design in (
        WideDesign(
            "rehearsal-wide", 10_000, {"negative": 250, "positive": 109, "surprise": 83},
            Difficulty(peak_px=0.8, peak_spread=0.6, head_px=1.0), Variation(), seed=3001,
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class PairEntry:
    """One clip of a wide design: annotation, specification and alignment (2, 3) in pixels of the crop."""

    subject: str
    name: str
    emotion: str
    label: str
    spec: ClipSpec
    alignment: tuple[tuple[float, float, float], ...]


def _class_of(design: WideDesign, number: int) -> str:
    """Class of a clip; of the first N clips, for any N, each class has about its share (additive recurrence)."""
    place = (number + 0.5) * GOLDEN % 1 * sum(design.classes.values())
    limits = np.cumsum(list(design.classes.values()))
    return list(design.classes)[int(np.searchsorted(limits, place, side="right"))]


def _alignment(options: Variation, rng: np.random.Generator) -> tuple[tuple[float, float, float], ...]:
    """A random affine map of the crop around its centre."""
    scale, stretch = math.exp(rng.normal(0, options.crop_scale)), math.exp(rng.normal(0, options.crop_aspect) / 2)
    angle = np.deg2rad(rng.normal(0, options.crop_turn))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    linear = turn @ np.diag([scale * stretch, scale / stretch])
    centre = np.full(2, (CROP - 1) / 2)
    shift = centre - linear @ centre + CROP * rng.normal(0, options.crop_shift, 2)
    rows = np.column_stack([linear, shift]).round(6).tolist()
    return tuple((float(a), float(b), float(c)) for a, b, c in rows)


def _capture(options: Variation, head_px: float, rng: np.random.Generator) -> Capture:
    low, high = options.noise
    noise = math.exp(rng.uniform(math.log(low), math.log(high)))
    return Capture(
        drift=options.drift * rng.uniform(-1, 1),
        light_turn=options.light_turn * rng.uniform(-1, 1),
        flicker=options.flicker * rng.uniform(0, 1),
        read_noise=0.0015 * noise,
        shot_noise=0.008 * noise,
        head_px=head_px * rng.uniform(0.05, 1),
        blur_px=rng.uniform(*options.blur),
        colour=bool(rng.random() >= options.grey),
    )


def draw_pair(design: WideDesign, number: int) -> PairEntry:
    """The clip with this number; it does not depend on how many clips are drawn.

    Parameters
    ----------
    design
        Design of the data set.
    number
        Number of the clip, from 0. Ten successive clips show the same subject.
    """
    rng = np.random.default_rng([design.seed, number])
    options, person = design.difficulty, number // CLIPS_PER_SUBJECT
    classes = tuple(design.classes)
    emotions = [emotion for emotion, label in CLASS_OF.items() if label == _class_of(design, number)]
    emotion = str(rng.choice(emotions))
    combinations = COMBINATIONS[emotion]
    peak = float(np.clip(options.peak_px * math.exp(rng.normal(0, options.peak_spread)), 0.25, 3.5))
    spec = ClipSpec(
        subject=FIRST_SUBJECT + person,
        units=draw_intensities(combinations[rng.integers(len(combinations))], options, rng),
        peak_px=peak * (0.1 if rng.random() < design.variation.weak else 1.0),
        timing=PAIR,
        capture=_capture(design.variation, options.head_px, rng),
        blink_ms=float(rng.uniform(-150, 80)) if rng.random() < options.blink / 2 else None,
        gaze_ms=float(rng.uniform(0, 100)) if rng.random() < options.gaze / 2 else None,
        gaze=(float(rng.normal(0, 5)), float(rng.normal(0, 3))),
        seed=design.seed * 1_000_000 + number,
        size=int(rng.integers(design.variation.size[0], design.variation.size[1] + 1)),
        fps=PAIR_FPS,
    )
    label = CLASS_OF[emotion]
    if rng.random() < design.variation.mislabelled:
        label = str(rng.choice(classes))
    alignment = _alignment(design.variation, rng)
    return PairEntry(f"p{person + 1:04d}", f"c{number + 1:05d}", emotion, label, spec, alignment)


@lru_cache
def pairs(dataset: str) -> tuple[PairEntry, ...]:
    """All clips of a wide data set."""
    design = WIDE[dataset]
    return tuple(draw_pair(design, number) for number in range(design.clips))


def _render(spec: ClipSpec, chosen: object = None) -> np.ndarray:
    return ClipRenderer(spec).frames(chosen)  # type: ignore[arg-type]


def _landmarks(spec: ClipSpec) -> np.ndarray:
    return ClipRenderer(spec).landmarks(0)


def load_wide(manifest: Manifest, root: Path | None, read_frames: bool) -> Dataset:
    """A data set of pairs of frames, onset and apex, which are rendered on demand.

    Parameters
    ----------
    manifest
        Declaration of the data set.
    root, read_frames
        Ignored: part of the interface of loaders, without meaning for generated data.
    """
    clips = tuple(
        Clip(
            dataset=manifest.id,
            subject=entry.subject,
            name=entry.name,
            label=entry.label,
            emotion=entry.emotion,
            action_units=coding(entry.spec.units),
            fps=PAIR_FPS,
            onset=0,
            apex=1,
            offset=1,
            hash_frames=partial(digest, [manifest.version, asdict(entry.spec), entry.alignment]),
            stages=("rendering",),
            load_frames=partial(_render, entry.spec),
            load_landmarks=partial(_landmarks, entry.spec),
            alignment=entry.alignment,
        )
        for entry in pairs(manifest.id)
    )
    return Dataset(manifest, clips)
