"""Common interface of the methods: extract arrays from clips, fit on the training rows, and predict the test rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.choices import Choices
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.evaluation.loso import Fold, fold_rng
from astsvm_lib.models.training.trainer import OnEpoch
from astsvm_lib.recipe import Recipe
from astsvm_lib.stages import sections_of, uses_network
from astsvm_lib.storage import Arrays, digest


class NoSettings(Choices):
    """Settings of a method that is configured by the recipe alone."""

    called: ClassVar[str] = "settings"


@dataclass(frozen=True)
class FitConfig:
    """Configuration that is common to all folds of a run.

    Attributes
    ----------
    classes
        Number of classes.
    recipe
        Choices that the paper leaves open.
    settings
        The method's own parameters.
    epochs
        Number of epochs, fixed in advance; 0 for a method without epochs.
    seed
        Seed of the run. A fold's random number generator is derived from it and from the test subject.
    """

    classes: int
    recipe: Recipe
    settings: Any
    epochs: int
    seed: int


@dataclass(frozen=True)
class FoldPrediction:
    """Predictions for the test clips of one fold.

    Attributes
    ----------
    heads
        Scores (clips, classes) of each classifier. The class with the largest score is predicted; the score is
        minus infinity for a class that is absent from the training fold.
    history
        Epoch, loss and accuracy of each epoch; empty for a method without epochs.
    trainer
        Stage of the trainer; empty for a method without epochs.
    """

    heads: dict[str, np.ndarray]
    history: list[dict[str, float]]
    trainer: str = ""


@dataclass(frozen=True)
class Method(ABC):
    """A method that can be evaluated by LOSO.

    To add a method, implement :meth:`extract`, and either :meth:`fit_predict` for a single fold or :meth:`fit_folds`
    for all folds. Register an instance in :data:`~astsvm_lib.methods.registry.METHODS`, and add its stage to
    :data:`~astsvm_lib.stages.STAGES`.

    Attributes
    ----------
    name
        Identifier on the command line and in records.
    title
        Name in tables and figures.
    paper
        Key of its paper in the book's bibliography; empty if there is none.
    inputs
        Description of its input.
    heads
        Title of each of its classifiers, by name; the first is the primary one.
    settings
        Class of its own parameters, in addition to the recipe.
    """

    name: str
    title: str
    paper: str
    inputs: str
    heads: dict[str, str]
    settings: type[Choices]

    @property
    def stage(self) -> str:
        """Name of its stage in :data:`~astsvm_lib.stages.STAGES`."""
        return f"method/{self.name}"

    @property
    def sections(self) -> tuple[str, ...]:
        """Sections of the recipe that its results depend on."""
        return sections_of([self.stage])

    @property
    def uses_network(self) -> bool:
        """Whether it computes a Keras network, trained or not."""
        return uses_network([self.stage])

    def choices_digest(self, recipe: Recipe, settings: Choices) -> str:
        """Digest of all choices that its results depend on.

        Parameters
        ----------
        recipe
            Only :attr:`sections` are used.
        settings
            The method's own parameters.
        """
        sections = self.sections
        return digest([self.name, recipe.to_dict(*sections) if sections else {}, settings.to_dict()])

    def epochs(self, settings: Choices, own: int, share: float) -> int:
        """Number of epochs for a profile; 0 for a method without epochs.

        Parameters
        ----------
        settings
            The method's own parameters.
        own
            The profile's number of epochs for the paper's network.
        share
            The profile's fraction of the epochs for other networks, whose full number is in ``settings``.
        """
        return 0

    @abstractmethod
    def extract(
        self, clips: Sequence[Clip], recipe: Recipe, settings: Any, cache: Cache, jobs: int, progress: bool
    ) -> Arrays:
        """Compute the input arrays of the method, with one row per clip.

        Parameters
        ----------
        clips
            N clips, in the order of the rows.
        recipe
            Choices that the paper leaves open.
        settings
            The method's own parameters.
        cache
            Cache for computed arrays.
        jobs
            Number of clips processed in parallel.
        progress
            Whether to show a progress bar.

        Returns
        -------
        dict of str to numpy.ndarray
            Arrays (N, ...) by name.

        Raises
        ------
        CompanionError
            If a clip cannot be prepared.
        """

    def trains_in_batches(self, config: FitConfig) -> bool:
        """Whether :meth:`fit_folds` with all folds in one process is faster than several processes."""
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
        """Fit on the training clips of one fold, and predict its test clips.

        Parameters
        ----------
        train, test
            Rows of the arrays from :meth:`extract`: (N, ...) and (M, ...).
        labels
            Class numbers (N,) of the training rows.
        config
            Configuration common to all folds.
        rng
            Random number generator of the fold.
        on_epoch
            Called after each epoch.

        Returns
        -------
        FoldPrediction
            Scores (M, classes) of the test clips for each head.

        Raises
        ------
        NotImplementedError
            If the method implements :meth:`fit_folds` instead.
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
        """Fit and predict each fold; by default with :meth:`fit_predict`.

        Parameters
        ----------
        arrays
            Arrays (N, ...) of all clips, from :meth:`extract`.
        labels
            Class numbers (N,).
        folds
            Training and test rows of each fold.
        config, on_epoch
            As for :meth:`fit_predict`.

        Yields
        ------
        FoldPrediction
            Predictions of each fold, in the order of ``folds``.
        """
        for fold in folds:
            train, test = ({name: array[rows] for name, array in arrays.items()} for rows in (fold.train, fold.test))
            rng = fold_rng(config.seed, fold.name)
            yield self.fit_predict(train, labels[fold.train], test, config, rng, on_epoch)
