"""Record of a run: one data set, one method with all its choices, one seed, and the scores of every clip."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict

from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.protocol import LOSO, Protocol
from astsvm_lib.evaluation.scores import Scores, score
from astsvm_lib.evaluation.statistics import by_subject
from astsvm_lib.stages import outdated_stages


class Part(BaseModel):
    """Base class of records and their parts: immutable, without undeclared fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class HeadResult(Part):
    """Prediction of one classifier for a clip.

    ``scores`` holds a decision value or a probability for each class; None for a class that is absent from the
    training fold.
    """

    prediction: str
    scores: dict[str, float | None]


class ClipResult(Part):
    """One test clip, with the prediction of each head of the method."""

    key: str
    subject: str
    truth: str
    heads: dict[str, HeadResult]


class FoldResult(Part):
    """Result of one fold.

    Attributes
    ----------
    name
        ``dataset/subject`` of the test subject, or the name of a fold of several subjects.
    epochs
        Epoch, loss and accuracy of the training; of a long training, a selection with the first and the last epoch.
    trainer
        Stage of the trainer; empty for a method without epochs.
    seconds
        Computing time.
    clips
        The test clips.
    """

    name: str
    epochs: list[dict[str, float]]
    trainer: str = ""
    seconds: float
    clips: list[ClipResult]


class Environment(Part):
    """Environment in which a fold was computed.

    Attributes
    ----------
    device, processor
        Hardware.
    threads
        Number of threads.
    libraries
        Version of each library that the result depends on.
    """

    device: str
    processor: str
    threads: int
    libraries: dict[str, str]


class FinishedFold(Part):
    """Result of one fold, and the environment in which it was computed."""

    result: FoldResult
    environment: Environment


class RunKey(Part):
    """Identifier of a run and of its record.

    Attributes
    ----------
    dataset, method, profile, seed
        Names and seed as given by the user.
    epochs
        Number of epochs of each fold that the profile stands for; 0 for a method without epochs.
    choices
        Digest of the recipe and of the method's own parameters.
    protocol
        Text of the evaluation protocol; see :class:`~astsvm_lib.evaluation.protocol.Protocol`.
    """

    dataset: str
    method: str
    profile: str
    epochs: int
    seed: int
    choices: str
    protocol: str = LOSO.text

    @property
    def name(self) -> str:
        """Data set, method, profile, seed, the digest of all choices, and that of a protocol other than LOSO."""
        method = self.method.replace(":", ".")  # of module:Class; not in names of files
        name = f"{self.dataset}_{method}_{self.profile}_seed{self.seed}_{self.choices}"
        return name + Protocol.parse(self.protocol).suffix


class Record(Part):
    """Complete record of a run; see :meth:`scores`.

    Attributes
    ----------
    key
        Identifier of the run.
    heading
        Heading of the data set in tables and figures.
    rehearsal
        Whether the faces are rendered.
    classes
        Class names, in the order of confusion matrices.
    recipe
        Sections of the recipe that the method depends on, with all fields.
    settings
        The method's own parameters.
    differs
        Description of the differences from the default recipe and settings.
    data
        Digest of annotation and content of every clip.
    stages
        Version of each stage that the result depends on.
    libraries
        Version of each library that the result depends on; several versions if folds were computed on several
        machines.
    backend
        Keras backend; ``none`` for a method without a network.
    device, processor
        Hardware; several if folds were computed on several machines.
    threads
        Largest number of threads per fold.
    commit
        Commit of the checkout; None if unknown.
    seconds
        Sum of the computing times of the folds.
    folds
        Result of each fold.
    """

    key: RunKey
    heading: str
    rehearsal: bool
    classes: list[str]
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
    def epochs(self) -> int:
        return self.key.epochs

    @property
    def seed(self) -> int:
        return self.key.seed

    @property
    def protocol(self) -> str:
        """Text of the evaluation protocol."""
        return self.key.protocol

    @property
    def clips(self) -> list[ClipResult]:
        """All test clips, in the order of the folds."""
        return [clip for fold in self.folds for clip in fold.clips]

    @property
    def heads(self) -> list[str]:
        """Names of the method's classifiers, the primary one first."""
        return list(self.folds[0].clips[0].heads)

    @property
    def outdated(self) -> list[str]:
        """Stages whose version differs from the current one, as ``name 1 -> 2``; empty for a current record."""
        return outdated_stages(self.stages)

    def scores(self, head: str | None = None) -> Scores:
        """Pooled scores of one head.

        Parameters
        ----------
        head
            Name of the head; the primary one by default.

        Raises
        ------
        CompanionError
            If the method has no such head.
        """
        head = self._head(head)
        truth = [clip.truth for clip in self.clips]
        return score(truth, [clip.heads[head].prediction for clip in self.clips], self.classes)

    def subject_matrices(self, head: str | None = None, database: str | None = None) -> np.ndarray:
        """Confusion matrix of each subject for one head, (S, N_c, N_c), sorted by the subject's name.

        Parameters
        ----------
        head
            Name of the head; the primary one by default.
        database
            Part of a composite data set, such as ``"casme2"``; all clips by default.

        Raises
        ------
        CompanionError
            If the method has no such head.
        """
        head = self._head(head)
        clips = [clip for clip in self.clips if database in (None, clip.subject.split("/")[0])]
        return by_subject(
            [clip.truth for clip in clips],
            [clip.heads[head].prediction for clip in clips],
            [clip.subject for clip in clips],
            self.classes,
        )

    def _head(self, head: str | None) -> str:
        head = head or self.heads[0]
        if head not in self.heads:
            raise CompanionError(f"{self.name}: no head '{head}'; expected one of {', '.join(self.heads)}")
        return head
