"""What every method is to the runner: something that turns clips into arrays, and learns from some to judge others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from astsvm_lib.choices import Choices
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.evaluation.loso import Fold
from astsvm_lib.recipe import Recipe
from astsvm_lib.storage import Arrays, Cache, digest

OnEpoch = Callable[[], Any] | None


@dataclass(frozen=True)
class Conditions:
    """Under which a method learns: the same on every fold of a run.

    Attributes
    ----------
    classes
        How many there are.
    recipe, settings
        Every choice.
    epochs
        Fixed beforehand; 0 where nothing is trained by epochs.
    """

    classes: int
    recipe: Recipe
    settings: Choices
    epochs: int


@dataclass(frozen=True)
class Trained:
    """What a method learned on one fold says.

    Attributes
    ----------
    heads
        For each classifier, scores (clips, classes) of the tested clips: the largest wins; minus
        infinity for a class that the training fold lacked.
    epochs
        Loss and accuracy of each epoch; empty where nothing is trained by epochs.
    """

    heads: dict[str, np.ndarray]
    epochs: list[dict[str, float]]


@dataclass(frozen=True)
class Method(ABC):
    """A method that can be judged by LOSO.

    Attributes
    ----------
    name
        What the command calls it.
    title
        What tables call it.
    paper
        Key of its paper in the book's bibliography.
    inputs
        What it looks at, in words.
    heads
        Its classifiers, the one that counts first, each with a title.
    settings
        Its own parameters, beside the recipe.
    stages
        Stages of the recipe that it depends on.
    rooms
        Packages and modules of this library whose code can change its scores.
    """

    name: str
    title: str
    paper: str
    inputs: str
    heads: dict[str, str]
    settings: type[Choices]
    stages: tuple[str, ...]
    rooms: tuple[str, ...]

    def choices_digest(self, recipe: Recipe, settings: Choices) -> str:
        """Digest of all choices that it depends on."""
        return digest([self.name, recipe.to_dict(*self.stages), settings.to_dict()])

    def epochs(self, settings: Choices, own: int, share: float) -> int:
        """How many epochs a profile asks for; 0 where nothing is trained by epochs.

        Parameters
        ----------
        own
            Epochs of the paper's network.
        share
            Share of the epochs that another method's paper gives.
        """
        return 0

    @abstractmethod
    def extract(
        self, clips: Sequence[Clip], recipe: Recipe, settings: Choices, cache: Cache, jobs: int, progress: bool
    ) -> Arrays:
        """What it learns from: named arrays with a row a clip."""

    def together(self) -> bool:
        """Whether many folds are to be learned at once here, by :meth:`run_together`."""
        return False

    def run_together(
        self,
        arrays: Arrays,
        labels: np.ndarray,
        folds: Sequence[Fold],
        rngs: Sequence[np.random.Generator],
        conditions: Conditions,
        on_epoch: OnEpoch = None,
    ) -> Iterator[Trained]:
        """What :meth:`run` says of each fold, in the order of the folds."""
        raise NotImplementedError

    @abstractmethod
    def run(
        self,
        train: Arrays,
        labels: np.ndarray,
        test: Arrays,
        conditions: Conditions,
        rng: np.random.Generator,
        on_epoch: OnEpoch = None,
    ) -> Trained:
        """Learn from the clips of a training fold, with their class numbers; judge the others."""
