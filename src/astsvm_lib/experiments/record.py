"""What is kept of a run: one data set, one recipe, one seed; every clip's scores."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.scores import Scores, score
from astsvm_lib.storage import write_atomically

Classifier = Literal["svm", "softmax"]


class Part(BaseModel):
    """A part of the stored JSON: read-only, and without fields that nobody declared."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class ClipResult(Part):
    """One tested clip.

    ``svm`` and ``softmax`` hold a score for each class: decision values (null for a class that the
    training fold lacked) and probabilities.
    """

    key: str
    subject: str
    truth: str
    svm_prediction: str
    softmax_prediction: str
    svm: dict[str, float | None]
    softmax: dict[str, float]


class FoldResult(Part):
    """One fold: who was left out, how training went, and the clips that were tested."""

    subject: str
    epochs: list[dict[str, float]]
    seconds: float
    clips: list[ClipResult]


class Record(Part):
    """A whole run; see :meth:`scores`. Stored as readable JSON.

    ``seconds`` is the time of all folds added up, whether they ran one after the other or at once.
    """

    format: Literal[1] = 1
    dataset: str
    heading: str
    rehearsal: bool
    classes: list[str]
    profile: str
    epochs: int
    seed: int
    recipe: dict[str, Any]
    recipe_digest: str
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
        """File name without ending: data set, profile, seed, and the recipe's digest."""
        return f"{self.dataset}_{self.profile}_seed{self.seed}_{self.recipe_digest}"

    @property
    def clips(self) -> list[ClipResult]:
        """Every tested clip, fold by fold."""
        return [clip for fold in self.folds for clip in fold.clips]

    def scores(self, classifier: Classifier = "svm") -> Scores:
        """Pooled scores of the SVM, or of the softmax head."""
        truth = [clip.truth for clip in self.clips]
        predicted = [getattr(clip, f"{classifier}_prediction") for clip in self.clips]
        return score(truth, predicted, self.classes)

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
