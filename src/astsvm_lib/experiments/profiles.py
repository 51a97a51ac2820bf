"""Profiles: how many subjects, clips, epochs and folds an experiment uses."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from astsvm_lib.errors import CompanionError

if TYPE_CHECKING:
    from astsvm_lib.datasets.clip import Clip, Dataset


@dataclass(frozen=True)
class Profile:
    """A named amount of work.

    Attributes
    ----------
    name
        Name on the command line and in records.
    epochs
        Number of epochs of the paper's network, fixed in advance.
    share
        Fraction of the number of epochs given in another method's paper.
    subjects
        Number of subjects, those with clips of the most classes first, then by name; None for all.
    clips_per_subject
        Number of clips per subject, taken from the classes in turn; None for all.
    purpose
        One line for help texts.
    folds
        Number of folds, each of several subjects; None for one fold per subject.
    """

    name: str
    epochs: int
    share: float
    subjects: int | None
    clips_per_subject: int | None
    purpose: str
    folds: int | None = None

    def choose(self, dataset: Dataset) -> tuple[Clip, ...]:
        """The clips that are used, in the data set's order."""
        if self.subjects is None and self.clips_per_subject is None:
            return dataset.clips
        shown = {group: {clip.label for clip in dataset if clip.group == group} for group in dataset.groups}
        groups = sorted(shown, key=lambda group: (-len(shown[group]), group))[: self.subjects]
        chosen: set[str] = set()
        for group in groups:
            by_label: dict[str, list[Clip]] = defaultdict(list)
            for clip in dataset:
                if clip.group == group:
                    by_label[clip.label].append(clip)
            in_turn = sorted(
                ((i, label, clip.key) for label, clips in by_label.items() for i, clip in enumerate(clips)),
                key=lambda item: item[:2],
            )
            chosen.update(key for _, _, key in in_turn[: self.clips_per_subject])
        return tuple(clip for clip in dataset if clip.key in chosen)


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("smoke", 2, 0.05, 4, 4, "4 subjects, 4 clips each, 2 epochs: under a minute; its scores mean nothing"),
        Profile("paper", 15, 1.0, None, None, "all clips, one fold per subject, 15 epochs"),
        Profile("development", 15, 1.0, None, None, "all clips, 4 folds, 15 epochs: for choices on rehearsal-dev", 4),
        Profile("convergence", 40, 1.0, None, None, "all clips, 4 folds, 40 epochs: for the number of epochs", 4),
        Profile(
            "multiverse", 15, 1.0, None, None, "all clips, 3 folds, 15 epochs: for many recipes on rehearsal-dev", 3
        ),
    )
}


def profile_named(name: str) -> Profile:
    """The profile with this name.

    Raises
    ------
    CompanionError
        If there is no such profile; the message lists the names.
    """
    if name not in PROFILES:
        raise CompanionError(f"unknown profile '{name}'; expected one of {', '.join(PROFILES)}")
    return PROFILES[name]
