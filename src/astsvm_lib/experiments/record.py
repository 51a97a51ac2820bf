"""What is kept of a run: one data set, one recipe, one seed; every clip's scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.scores import Scores, score
from astsvm_lib.evaluation.statistics import by_subject
from astsvm_lib.storage import write_atomically


class Part(BaseModel):
    """A part of the stored JSON: read-only, and without fields that nobody declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class HeadResult(Part):
    """What one classifier says of a clip.

    ``scores`` holds a number for each class: an SVM's decision values (null for a class that the training
    fold lacked), or probabilities.
    """

    prediction: str
    scores: dict[str, float | None]


class ClipResult(Part):
    """One tested clip, judged by each head of the method: ``svm``, ``softmax`` or both."""

    key: str
    subject: str
    truth: str
    heads: dict[str, HeadResult]


class FoldResult(Part):
    """One fold: who was left out, how training went (of a long one, evenly spaced epochs), and the tested clips."""

    subject: str
    epochs: list[dict[str, float]]
    seconds: float
    clips: list[ClipResult]


class Record(Part):
    """A whole run; see :meth:`scores`. Stored as readable JSON.

    ``recipe`` holds the stages that the method depends on, ``settings`` its own; ``choices_digest`` is made
    from both. ``seconds`` is the time of all folds added up, whether they ran one after the other or at once.
    """

    format: Literal[2] = 2
    dataset: str
    heading: str
    rehearsal: bool
    classes: list[str]
    profile: str
    epochs: int
    seed: int
    method: str
    recipe: dict[str, Any]
    settings: dict[str, Any]
    choices_digest: str
    data_digest: str
    code_digest: str
    backend: str
    device: str
    versions: dict[str, str]
    commit: str | None
    seconds: float
    folds: list[FoldResult]

    @property
    def name(self) -> str:
        """File name without ending: data set, method, profile, seed, and the digest of all choices."""
        return f"{self.dataset}_{self.method}_{self.profile}_seed{self.seed}_{self.choices_digest}"

    @property
    def clips(self) -> list[ClipResult]:
        """Every tested clip, fold by fold."""
        return [clip for fold in self.folds for clip in fold.clips]

    @property
    def heads(self) -> list[str]:
        """The method's classifiers, the one that counts first."""
        return list(self.folds[0].clips[0].heads)

    def scores(self, head: str | None = None) -> Scores:
        """Pooled scores of one head; by default of the one that counts.

        Raises
        ------
        CompanionError
            If the method has no such head.
        """
        head = head or self.heads[0]
        if head not in self.heads:
            raise CompanionError(f"{self.name}: no head '{head}'; expected one of {', '.join(self.heads)}")
        truth = [clip.truth for clip in self.clips]
        return score(truth, [clip.heads[head].prediction for clip in self.clips], self.classes)

    def subject_matrices(self, head: str | None = None) -> np.ndarray:
        """Confusion matrix of each subject by one head, (S, N_c, N_c), in name order."""
        head = head or self.heads[0]
        return by_subject(
            [clip.truth for clip in self.clips],
            [clip.heads[head].prediction for clip in self.clips],
            [clip.subject for clip in self.clips],
            self.classes,
        )

    def write(self, folder: Path) -> Path:
        """Write as ``folder/<name>.json``, whole or not at all."""
        path = folder / f"{self.name}.json"
        write_atomically(path, (self.model_dump_json(indent=1) + "\n").encode())
        return path

    @classmethod
    def read(cls, path: Path) -> Record:
        """Read a record.

        Raises
        ------
        CompanionError
            If the file is no record.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise CompanionError(f"{path}: not a record ({where}: {first['msg']}); remove it and run again") from None
