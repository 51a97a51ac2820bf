"""What every method is to the runner: it extracts arrays from clips, fits on some rows and predicts the others."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.choices import Choices
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.evaluation.loso import Fold, fold_rng
from astsvm_lib.recipe import Recipe
from astsvm_lib.stages import sections_of
from astsvm_lib.storage import Arrays, digest

#: Called after each epoch of a fold, for a progress bar.
OnEpoch = Callable[[], Any] | None


class NoSettings(Choices):
    """Of a method that has no settings of its own: all its choices are the recipe's."""

    called: ClassVar[str] = "settings"


@dataclass(frozen=True)
class FitConfig:
    """What is the same for all folds of a run.

    Attributes
    ----------
    classes
        Number of classes.
    recipe, settings
        Every choice.
    epochs
        Fixed beforehand; 0 where nothing is trained by epochs.
    seed
        Each fold's own generator is derived from it and the subject left out.
    """

    classes: int
    recipe: Recipe
    settings: Choices
    epochs: int
    seed: int


@dataclass(frozen=True)
class FoldPrediction:
    """Predictions for the clips that one fold leaves out.

    Attributes
    ----------
    heads
        For each classifier, scores (clips, classes): the largest wins; minus infinity for a class that the
        training fold lacks.
    history
        Epoch, loss and accuracy of each epoch; empty where nothing is trained by epochs.
    trainer
        Stage of the trainer that was used; empty where nothing is trained by epochs.
    """

    heads: dict[str, np.ndarray]
    history: list[dict[str, float]]
    trainer: str = ""


@dataclass(frozen=True)
class Method(ABC):
    """A method that can be evaluated by LOSO.

    A subclass implements :meth:`extract`, and either :meth:`fit_predict` for one fold or :meth:`fit_folds` for
    all of them. Register it in :data:`~astsvm_lib.methods.registry.METHODS`, and add its stage to
    :data:`~astsvm_lib.stages.STAGES`.

    Attributes
    ----------
    name
        What the command calls it.
    title
        What tables call it.
    paper
        Key of its paper in the book's bibliography.
    inputs
        What it takes from a clip, in words.
    heads
        Its classifiers, the one that counts first, each with a title.
    settings
        Its own parameters, beside the recipe.
    """

    name: str
    title: str
    paper: str
    inputs: str
    heads: dict[str, str]
    settings: type[Choices]

    @property
    def stage(self) -> str:
        """Its stage in :data:`~astsvm_lib.stages.STAGES`."""
        return f"method/{self.name}"

    @property
    def sections(self) -> tuple[str, ...]:
        """Sections of the recipe that it depends on."""
        return sections_of([self.stage])

    def choices_digest(self, recipe: Recipe, settings: Choices) -> str:
        """Digest of all choices that it depends on."""
        sections = self.sections
        return digest([self.name, recipe.to_dict(*sections) if sections else {}, settings.to_dict()])

    def epochs(self, settings: Choices, own: int, share: float) -> int:
        """Number of epochs that a profile asks for; 0 where nothing is trained by epochs.

        Parameters
        ----------
        settings
            Its own parameters.
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
        """Arrays that the method is fitted on, each with one row a clip.

        Parameters
        ----------
        clips
            In the order of the rows.
        recipe, settings
            Every choice.
        cache
            Where computed arrays are kept.
        jobs
            Clips that are worked on at once.
        progress
            Whether to show a progress bar.

        Returns
        -------
        dict of str to numpy.ndarray
            Named arrays (N, ...).

        Raises
        ------
        CompanionError
            If a clip cannot be prepared.
        """

    def trains_in_batches(self, config: FitConfig) -> bool:
        """Whether :meth:`fit_folds` is faster with many folds at once than in several processes."""
        return False

    def fit_predict(
        self,
        train: Arrays,
        labels: np.ndarray,
        test: Arrays,
        config: FitConfig,
        rng: np.random.Generator,
        on_epoch: OnEpoch = None,
    ) -> FoldPrediction:
        """Fit on the clips of a training fold, and predict the clips left out.

        Parameters
        ----------
        train, test
            Rows of the arrays of :meth:`extract`.
        labels
            Class numbers of the training rows.
        config
            What is the same for all folds.
        rng
            The fold's own generator.
        on_epoch
            Called after each epoch.

        Returns
        -------
        FoldPrediction
            With one row of scores a test clip.
        """
        raise NotImplementedError(f"{type(self).__name__} defines neither fit_predict nor fit_folds")

    def fit_folds(
        self,
        arrays: Arrays,
        labels: np.ndarray,
        folds: Sequence[Fold],
        config: FitConfig,
        on_epoch: OnEpoch = None,
    ) -> Iterator[FoldPrediction]:
        """:meth:`fit_predict` on each fold, in their order.

        Parameters
        ----------
        arrays, labels
            Of all clips.
        folds
            Rows to fit on and to predict.
        config, on_epoch
            As for :meth:`fit_predict`.
        """
        for fold in folds:
            train, test = ({name: array[rows] for name, array in arrays.items()} for rows in (fold.train, fold.test))
            rng = fold_rng(config.seed, fold.subject)
            yield self.fit_predict(train, labels[fold.train], test, config, rng, on_epoch)
