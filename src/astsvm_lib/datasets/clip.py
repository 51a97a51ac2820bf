"""Clips and data sets, as all other packages use them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
import pandas as pd

from astsvm_lib.datasets.manifest import Manifest
from astsvm_lib.errors import CompanionError
from astsvm_lib.stages import stage_versions
from astsvm_lib.storage import digest


class FrameLoader(Protocol):
    """Function that reads or renders the frames of one clip: all, or those with the given numbers."""

    def __call__(self, chosen: Sequence[int] | None = None, /) -> np.ndarray: ...


@dataclass(frozen=True)
class Clip:
    """One micro-expression, from onset to offset, with its annotation.

    Attributes
    ----------
    dataset, subject, name
        Text identifiers, which together form the clip's key. Leading zeros of a subject are significant ("006").
    label
        Class, such as ``"positive"``.
    emotion
        Label by the database's own coders, such as ``"happiness"``.
    action_units
        FACS coding, such as ``"4+7"`` or ``"L14"``; empty if there is none.
    fps
        Frames per second.
    onset, apex, offset
        Frame numbers; 0 is the first frame that :attr:`load_frames` returns. The apex is None if unknown.
    hash_frames
        Computes :attr:`fingerprint`; called at most once, on demand.
    load_frames
        Returns the frames, (T, H, W, 3) or (T, H, W) uint8: all from onset to offset, or those with the given
        numbers.
    stages
        Computing stages that produce the frames: ``("rendering",)`` for a rendered clip, none for a recorded one.
    load_maps
        Returns onset-apex maps, (28, 28, 3) float32: u, v and strain, each stretched to 0..1. Only for a clip that is
        published as maps, without frames; its :attr:`fps` is 0.
    load_landmarks
        Returns known landmarks of the onset, (68, 2): column and row, in pixels of the frame; then none are detected.
    alignment
        Affine map (2, 3), in pixels of the crop, that follows the registration of onset and apex and so imitates
        another crop. None for the crop of the registration.
    """

    dataset: str
    subject: str
    name: str
    label: str
    fps: float
    onset: int
    apex: int | None
    offset: int
    hash_frames: Callable[[], str] = field(repr=False, compare=False)
    load_frames: FrameLoader = field(repr=False, compare=False)
    emotion: str = ""
    action_units: str = ""
    stages: tuple[str, ...] = ()
    load_maps: Callable[[], np.ndarray] | None = field(default=None, repr=False, compare=False)
    load_landmarks: Callable[[], np.ndarray] | None = field(default=None, repr=False, compare=False)
    alignment: tuple[tuple[float, float, float], ...] | None = field(default=None, repr=False)

    @property
    def key(self) -> str:
        """``dataset/subject/name``, the unique identifier of the clip."""
        return f"{self.dataset}/{self.subject}/{self.name}"

    @property
    def group(self) -> str:
        """``dataset/subject``, the group that LOSO leaves out."""
        return f"{self.dataset}/{self.subject}"

    @cached_property
    def fingerprint(self) -> str:
        """Digest of the frames of a recorded clip, or of the specification of a rendered one."""
        return self.hash_frames()

    @property
    def content(self) -> str:
        """Fingerprint and versions of the producing stages: part of the key of every cache entry."""
        versions = [f"{stage} {version}" for stage, version in stage_versions(self.stages).items()]
        return ", ".join([self.fingerprint, *versions])

    @property
    def middle(self) -> int:
        """Frame number of the apex; if there is no annotated apex, of the middle of the clip."""
        return (self.onset + self.offset) // 2 if self.apex is None else self.apex

    @property
    def length(self) -> int:
        """Number of frames, onset and offset included."""
        return self.offset - self.onset + 1


def fingerprint_of(clips: Iterable[Clip]) -> str:
    """Digest of key, label, onset, apex, offset, frame rate and content of clips.

    Parameters
    ----------
    clips
        Clips in a fixed order.
    """
    return digest(
        [[clip.key, clip.label, clip.onset, clip.apex, clip.offset, clip.fps, clip.fingerprint] for clip in clips]
    )


@dataclass(frozen=True)
class Dataset:
    """A declared data set and its clips, in a fixed order.

    Attributes
    ----------
    manifest
        Its declaration.
    clips
        The scored clips, in the order of iteration.
    unscored
        Clips that are not part of the experiment, such as blinks.
    errors
        Errors that the loader found, one line each; each line begins with the clip or file concerned.
    notes
        Irregularities that the loader could handle, one line each.
    """

    manifest: Manifest
    clips: tuple[Clip, ...]
    unscored: tuple[Clip, ...] = ()
    errors: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        twice = [key for key, count in Counter(clip.key for clip in (*self.clips, *self.unscored)).items() if count > 1]
        if twice:
            raise CompanionError(f"{self.manifest.id}: clip keys must be unique; found twice: {', '.join(twice[:5])}")

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

    @cached_property
    def fingerprint(self) -> str:
        """Digest of annotation and content of every scored clip."""
        return fingerprint_of(self.clips)

    def __len__(self) -> int:
        return len(self.clips)

    def __iter__(self) -> Iterator[Clip]:
        return iter(self.clips)

    def __getitem__(self, key: str) -> Clip:
        """The clip with this key, ``dataset/subject/name``, scored or unscored."""
        for clip in (*self.clips, *self.unscored):
            if clip.key == key:
                return clip
        raise CompanionError(f"{self.id}: no clip '{key}'; the first keys are {[c.key for c in self.clips[:3]]}")

    def example(self, label: str, action_units: str = "") -> Clip:
        """The first clip of a class with the given action units; if there is none, the first clip of the class.

        Parameters
        ----------
        label
            Class, such as ``"positive"``.
        action_units
            Part of the FACS coding, such as ``"6+12"``.

        Raises
        ------
        CompanionError
            If the class has no clips.
        """
        clips = [clip for clip in self.clips if clip.label == label]
        if not clips:
            raise CompanionError(f"{self.id}: no clip of class '{label}'; expected one of {', '.join(self.classes)}")
        return next((clip for clip in clips if f"+{action_units}+" in f"+{clip.action_units}+"), clips[0])

    def table(self) -> pd.DataFrame:
        """One row per scored clip: identifiers, annotation, frame numbers, length and duration in milliseconds."""
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
                    "milliseconds": 1000 * clip.length / clip.fps if clip.fps else float("nan"),
                }
                for clip in self.clips
            ]
        )

    def deviations(self) -> list[str]:
        """Errors and deviations from the manifest, one line each; empty if the data set is as declared."""
        found = list(self.errors)
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
