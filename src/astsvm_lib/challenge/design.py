"""The clips of a challenge: other people and other clips for each seed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from astsvm_lib.errors import CompanionError
from astsvm_lib.preprocessing.detection import find_box
from astsvm_lib.rehearsal.capture import Capture
from astsvm_lib.rehearsal.clip_renderer import ClipRenderer, ClipSpec, Timing
from astsvm_lib.rehearsal.corpus import Entry, coding, draw_entries
from astsvm_lib.rehearsal.design import CLASS_OF, Design, Difficulty

CLASSES = ("negative", "positive", "surprise")
#: Seeds of the subjects are at least this, so that nobody of the published rendered data sets is among them.
FIRST_SUBJECT = 10_000_000
#: Subjects that are drawn, at most, to find one whose face the detector finds.
TRIES = 50


class Options(BaseModel):
    """Size and difficulty of a challenge.

    Attributes
    ----------
    train_subjects, test_subjects
        Number of subjects with and without labels; no subject is in both parts.
    clips
        Number of clips per subject, on average.
    motion
        Median of the peak motion, in pixels of the method's 192-pixel crop.
    light
        Largest change of the light from the first frame to the last, as a fraction.
    fps
        Frames per second.
    size
        Side of the frame in pixels.
    """

    model_config = ConfigDict(extra="forbid")

    train_subjects: int = Field(12, ge=2, le=200)
    test_subjects: int = Field(8, ge=2, le=200)
    clips: int = Field(8, ge=1, le=50)
    motion: float = Field(0.9, ge=0.3, le=3)
    light: float = Field(0.01, ge=0, le=0.2)
    fps: float = Field(100.0, ge=25, le=400)
    size: int = Field(240, ge=160, le=600)


@dataclass(frozen=True)
class ChallengeDesign(Design):
    """Design of one part of a challenge, whose subjects are given."""

    seeds: tuple[int, ...] = ()

    @property
    def people(self) -> tuple[int, ...]:
        """Seeds of the subjects."""
        return self.seeds


@dataclass(frozen=True)
class ChallengeClip:
    """A clip of a challenge: public name and subject, and what the instructor alone knows."""

    part: str
    name: str
    subject: str
    label: str
    emotion: str
    spec: ClipSpec

    @property
    def action_units(self) -> str:
        """FACS coding."""
        return coding(self.spec.units)


def _face_is_found(subject: int, size: int) -> bool:
    """Whether the detector finds the face of a subject in a frame without an expression."""
    still = ClipSpec(subject, {}, 0.0, Timing(50, 0, 50), Capture(colour=False), size=size)
    try:
        find_box(ClipRenderer(still).frames([0])[0])
    except CompanionError:
        return False
    return True


def draw_subjects(count: int, size: int, rng: np.random.Generator) -> list[int]:
    """Seeds of subjects, all different, whose faces the detector finds.

    Parameters
    ----------
    count
        Number of subjects.
    size
        Side of the frame in pixels.
    rng
        Source of the seeds.

    Raises
    ------
    CompanionError
        If the detector finds too few of the faces that are drawn.
    """
    found: list[int] = []
    for subject in map(int, rng.integers(FIRST_SUBJECT, 2**31, count + TRIES)):
        if subject not in found and _face_is_found(subject, size):
            found.append(subject)
        if len(found) == count:
            return found
    raise CompanionError(
        f"challenge: expected {count} subjects whose faces are detected, found {len(found)}; choose a larger --size"
    )


def _emotions(clips: int) -> dict[str, int]:
    """Number of clips of each emotion: the same for each class, up to one, and for the emotions of a class likewise."""
    counts = {}
    for number, label in enumerate(CLASSES):
        members = [emotion for emotion, own in CLASS_OF.items() if own == label]
        share = clips // len(CLASSES) + (number < clips % len(CLASSES))
        for place, emotion in enumerate(members):
            counts[emotion] = share // len(members) + (place < share % len(members))
    return counts


def _entries(part: str, subjects: Iterable[int], options: Options, seed: int) -> tuple[Entry, ...]:
    people = tuple(subjects)
    shortest, longest = 0.16, 0.34  # seconds from onset to offset
    return draw_entries(
        ChallengeDesign(
            id=f"challenge-{part}", prefix="", digits=3, emotions=_emotions(options.clips * len(people)), coarse=False,
            fps=options.fps, frames=(round(shortest * options.fps), round(longest * options.fps)), size=options.size,
            apex=True, capture=Capture(drift=options.light, light_turn=50 * options.light, flicker=0.1 * options.light,
                                       colour=False),
            difficulty=Difficulty(peak_px=options.motion, peak_spread=0.4, stray=0.4), seed=seed, seeds=people,
        )
    )  # fmt: skip


def draw_clips(options: Options, seed: int) -> list[ChallengeClip]:
    """The clips of both parts, in random order; names tell neither subject nor class.

    Parameters
    ----------
    options
        Size and difficulty.
    seed
        Equal seeds and options give equal clips.

    Raises
    ------
    CompanionError
        As for :func:`draw_subjects`.
    """
    rng = np.random.default_rng([seed, 0])
    counts = {"train": options.train_subjects, "test": options.test_subjects}
    people = draw_subjects(sum(counts.values()), options.size, rng)
    names: Iterator[int] = iter(rng.permutation(sum(counts.values())))
    clips = []
    for part, subjects in (("train", people[: counts["train"]]), ("test", people[counts["train"] :])):
        public = {f"{number + 1:03d}": f"p{next(names) + 1:03d}" for number in range(len(subjects))}
        drawn = _entries(part, subjects, options, int(rng.integers(2**31)))
        order = rng.permutation(len(drawn))
        for number, place in enumerate(order):
            entry = drawn[place]
            name = f"{part}{number + 1:04d}"
            clips.append(ChallengeClip(part, name, public[entry.subject], entry.label, entry.emotion, entry.spec))
    return clips
