"""The two nouns that the rest of the library knows data by: a clip and a data set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd

from astsvm_lib.datasets.manifest import Manifest
from astsvm_lib.errors import CompanionError
from astsvm_lib.storage import digest


class FrameLoader(Protocol):
    """Reads or renders the frames of one clip."""

    def __call__(self, chosen: Sequence[int] | None = None, /) -> np.ndarray: ...


@dataclass(frozen=True)
class Clip:
    """One micro-expression, from onset to offset, with its annotation.

    Attributes
    ----------
    dataset, subject, name
        Text identifiers; together they are the clip's key. A subject's zeros matter ("006").
    label
        Class, such as ``"positive"``.
    emotion
        The label that the database's own coders gave, such as ``"happiness"``.
    action_units
        FACS coding, such as ``"4+7"`` or ``"L14"``; empty where there is none.
    fps
        Frames a second.
    onset, apex, offset
        Frame numbers counted from the first frame of :attr:`frames`; the apex may be unknown.
    fingerprint
        Digest of what the frames are made of: a cache entry made from other frames is stale.
    load_frames
        Gives the frames, (T, H, W, 3) or (T, H, W) uint8: all from onset to offset, or only those
        whose numbers it is given.
    renderer
        Digest of the code that draws the frames of a rendered clip: caches depend on it, records do
        not.
    """

    dataset: str
    subject: str
    name: str
    label: str
    fps: float
    onset: int
    apex: int | None
    offset: int
    fingerprint: str
    load_frames: FrameLoader = field(repr=False, compare=False)
    emotion: str = ""
    action_units: str = ""
    renderer: str = field(default="", repr=False, compare=False)

    @property
    def key(self) -> str:
        """``dataset/subject/name``: what scores are joined by."""
        return f"{self.dataset}/{self.subject}/{self.name}"

    @property
    def group(self) -> str:
        """``dataset/subject``: what LOSO leaves out."""
        return f"{self.dataset}/{self.subject}"

    @property
    def content(self) -> str:
        """What a cache entry made from the frames depends on."""
        return f"{self.fingerprint} {self.renderer}".strip()

    @property
    def middle(self) -> int:
        """The apex; where the annotation has none, the middle of the clip."""
        return (self.onset + self.offset) // 2 if self.apex is None else self.apex

    @property
    def length(self) -> int:
        """Number of frames, onset and offset included."""
        return self.offset - self.onset + 1


@dataclass(frozen=True)
class Dataset:
    """A declared data set and its clips, in a fixed order.

    Attributes
    ----------
    manifest
        What is declared of it.
    clips
        The scored clips: what iterating over the data set gives.
    unscored
        Clips outside the experiment, such as blinks.
    faults
        What the loader found wrong, one line each, beginning with what it is about.
    notes
        What it found and could cope with.
    """

    manifest: Manifest
    clips: tuple[Clip, ...]
    unscored: tuple[Clip, ...] = ()
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        twice = [key for key, count in Counter(clip.key for clip in (*self.clips, *self.unscored)).items() if count > 1]
        if twice:
            raise CompanionError(f"{self.manifest.id}: clip keys must differ; found twice: {', '.join(twice[:5])}")

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names, in the order of confusion matrices."""
        return tuple(self.manifest.classes)

    @property
    def groups(self) -> tuple[str, ...]:
        """``dataset/subject`` of every subject, in order of first appearance."""
        return tuple(dict.fromkeys(clip.group for clip in self.clips))

    @property
    def fingerprint(self) -> str:
        """Digest of every clip's key, label and content."""
        return digest([[clip.key, clip.label, clip.fingerprint] for clip in self.clips])

    def __len__(self) -> int:
        return len(self.clips)

    def __iter__(self) -> Iterator[Clip]:
        return iter(self.clips)

    def __getitem__(self, key: str) -> Clip:
        """The clip with this key, ``dataset/subject/name``, scored or not."""
        for clip in (*self.clips, *self.unscored):
            if clip.key == key:
                return clip
        raise CompanionError(f"{self.id}: no clip '{key}'; the first keys are {[c.key for c in self.clips[:3]]}")

    def example(self, label: str, action_units: str = "") -> Clip:
        """The first clip of a class whose coding contains these action units; else the first of the class."""
        clips = [clip for clip in self.clips if clip.label == label]
        if not clips:
            raise CompanionError(f"{self.id}: no clip of class '{label}'; expected one of {', '.join(self.classes)}")
        return next((clip for clip in clips if f"+{action_units}+" in f"+{clip.action_units}+"), clips[0])

    def table(self) -> pd.DataFrame:
        """One row a clip: key, subject, label, frame numbers, length and duration in milliseconds."""
        return pd.DataFrame(
            [
                {
                    "key": clip.key,
                    "subject": clip.subject,
                    "clip": clip.name,
                    "label": clip.label,
                    "emotion": clip.emotion,
                    "action_units": clip.action_units,
                    "onset": clip.onset,
                    "apex": clip.apex,
                    "offset": clip.offset,
                    "frames": clip.length,
                    "fps": clip.fps,
                    "milliseconds": 1000 * clip.length / clip.fps,
                }
                for clip in self.clips
            ]
        )

    def deviations(self) -> list[str]:
        """What differs from the manifest, one line each; empty when all is as declared."""
        found = list(self.faults)
        counts = Counter(clip.label for clip in self.clips)
        for what, expected, actual in (
            ("subjects", self.manifest.subjects, len(self.groups)),
            ("clips", sum(self.manifest.classes.values()), len(self.clips)),
            *((f"clips of class {label}", n, counts[label]) for label, n in self.manifest.classes.items()),
        ):
            if expected != actual:
                found.append(f"{self.id}: expected {expected} {what}, found {actual}")
        for clip in self.clips:
            apex = clip.onset if clip.apex is None else clip.apex
            if not clip.onset <= apex <= clip.offset:
                found.append(
                    f"{clip.key}: expected onset <= apex <= offset, found {clip.onset}, {clip.apex}, {clip.offset}"
                )
            fewest, most = self.manifest.lengths
            if not fewest <= clip.length <= most:
                found.append(
                    f"{clip.key}: expected {fewest} to {most} frames from onset to offset, found {clip.length}"
                )
        return found
