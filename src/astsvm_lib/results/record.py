"""What is kept of a run: one data set, one method with all its choices, one seed; every clip's scores."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.scores import Scores, score
from astsvm_lib.evaluation.statistics import by_subject
from astsvm_lib.stages import outdated_stages


class Part(BaseModel):
    """A part of a record: read-only, and without fields that nobody declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class HeadResult(Part):
    """Prediction of one classifier for a clip.

    ``scores`` holds a number for each class: an SVM's decision values (None for a class that the training
    fold lacked), or probabilities.
    """

    prediction: str
    scores: dict[str, float | None]


class ClipResult(Part):
    """One tested clip, with the prediction of each head of the method."""

    key: str
    subject: str
    truth: str
    heads: dict[str, HeadResult]


class FoldResult(Part):
    """One fold.

    Attributes
    ----------
    subject
        ``dataset/subject`` that was left out.
    epochs
        Epoch, loss and accuracy of the training; of a long one, some epochs, the first and the last among them.
    trainer
        Stage of the trainer; empty where nothing was trained by epochs.
    seconds
        Time that the fold took.
    clips
        The tested clips.
    """

    subject: str
    epochs: list[dict[str, float]]
    trainer: str = ""
    seconds: float
    clips: list[ClipResult]


class RunKey(Part):
    """What identifies a run before and after there is a record of it."""

    dataset: str
    method: str
    profile: str
    seed: int
    choices: str

    @property
    def name(self) -> str:
        """Data set, method, profile, seed, and the digest of all choices."""
        return f"{self.dataset}_{self.method}_{self.profile}_seed{self.seed}_{self.choices}"


class Record(Part):
    """A whole run; see :meth:`scores`.

    Attributes
    ----------
    key
        Identifies the run.
    heading, rehearsal
        What tables and figures of it are headed with, and whether its faces are rendered.
    classes
        In the order of confusion matrices.
    epochs
        Of each training; 0 where nothing is trained by epochs.
    recipe, settings
        Sections of the recipe that the method depends on, in full; and its own settings.
    differs
        What differs from the default recipe and settings, in words.
    data
        Digest of every clip's key, label and content.
    stages
        Version of each stage that the result depends on.
    libraries
        Version of each library that computes.
    backend, device, processor, threads
        What it was computed with; threads of each fold.
    commit
        Of the checkout.
    seconds
        Time of all folds added up, whether they ran one after the other or at once.
    folds
        One a subject.
    """

    key: RunKey
    heading: str
    rehearsal: bool
    classes: list[str]
    epochs: int
    recipe: dict[str, Any]
    settings: dict[str, Any]
    differs: str
    data: str
    stages: dict[str, int]
    libraries: dict[str, str]
    backend: str
    device: str
    processor: str
    threads: int
    commit: str | None
    seconds: float
    folds: list[FoldResult]

    @property
    def name(self) -> str:
        """Name of the run."""
        return self.key.name

    @property
    def dataset(self) -> str:
        return self.key.dataset

    @property
    def method(self) -> str:
        return self.key.method

    @property
    def profile(self) -> str:
        return self.key.profile

    @property
    def seed(self) -> int:
        return self.key.seed

    @property
    def clips(self) -> list[ClipResult]:
        """Every tested clip, fold by fold."""
        return [clip for fold in self.folds for clip in fold.clips]

    @property
    def heads(self) -> list[str]:
        """The method's classifiers, the one that counts first."""
        return list(self.folds[0].clips[0].heads)

    @property
    def outdated(self) -> list[str]:
        """Stages that have another version now, as ``name 1 -> 2``; empty for a current record."""
        return outdated_stages(self.stages)

    def scores(self, head: str | None = None) -> Scores:
        """Pooled scores of one head; by default of the one that counts.

        Raises
        ------
        CompanionError
            If the method has no such head.
        """
        head = self._head(head)
        truth = [clip.truth for clip in self.clips]
        return score(truth, [clip.heads[head].prediction for clip in self.clips], self.classes)

    def subject_matrices(self, head: str | None = None) -> np.ndarray:
        """Confusion matrix of each subject by one head, (S, N_c, N_c), in name order.

        Raises
        ------
        CompanionError
            If the method has no such head.
        """
        head = self._head(head)
        return by_subject(
            [clip.truth for clip in self.clips],
            [clip.heads[head].prediction for clip in self.clips],
            [clip.subject for clip in self.clips],
            self.classes,
        )

    def _head(self, head: str | None) -> str:
        head = head or self.heads[0]
        if head not in self.heads:
            raise CompanionError(f"{self.name}: no head '{head}'; expected one of {', '.join(self.heads)}")
        return head


def mixed_versions(*records: Record) -> list[str]:
    """Stages of which the records have different versions, as ``name 1, 2``: such records must not be compared."""
    found: dict[str, set[int]] = {}
    for record in records:
        for stage, version in record.stages.items():
            found.setdefault(stage, set()).add(version)
    return [f"{stage} {', '.join(map(str, sorted(v)))}" for stage, v in found.items() if len(v) > 1]


def check_comparable(*records: Record) -> None:
    """Refuse to compare records that were made by different versions of a stage.

    Raises
    ------
    CompanionError
        Names the stages, their versions, and the records.
    """
    mixed = mixed_versions(*records)
    if mixed:
        names = ", ".join(record.name for record in records)
        raise CompanionError(
            f"records of different versions must not be compared ({'; '.join(mixed)}): {names}; run the outdated ones "
            "again with: astsvm run"
        )
