"""The interface of every trainer: fit a network on the training clips of each fold, and predict with it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from astsvm_lib.evaluation.loso import Fold
from astsvm_lib.recipe import Optimisation

if TYPE_CHECKING:
    import keras

#: Called after each epoch of a fold, for a progress bar.
OnEpoch = Callable[[], Any] | None
#: ``epoch`` (counted from 1), mean ``loss`` and ``accuracy`` over the training clips, of each epoch.
History = list[dict[str, float]]


@dataclass(frozen=True)
class NetworkOutputs:
    """What a network gives after it was trained on one fold.

    Attributes
    ----------
    train_features, test_features
        Features (clips, D) of the clips that it was trained on, and of those left out; D is 0 for a network
        without a layer called ``features``.
    probabilities
        Of the classes, (clips, classes), for the clips left out.
    history
        Of the training.
    """

    train_features: np.ndarray
    test_features: np.ndarray
    probabilities: np.ndarray
    history: History


def class_weights(labels: np.ndarray, options: Optimisation) -> np.ndarray | None:
    """Weight of each clip in the loss, (N,) with mean 1; None where all clips weigh the same."""
    if options.class_weights == "none":
        return None
    counts = np.bincount(labels)
    return (len(labels) / ((counts > 0).sum() * counts[labels])).astype(np.float32)


class Trainer(ABC):
    """Trains one network on fold after fold, each time from fresh weights.

    Parameters
    ----------
    network
        Compiled by :func:`~astsvm_lib.models.training.keras_trainer.compile_network`.
    options
        Learning rate, batch size and class weights (R13).
    attention_start
        See :func:`~astsvm_lib.models.initialisation.initialise`.

    Attributes
    ----------
    stage
        Name of the stage whose version a result depends on.
    folds_at_once
        How many folds :meth:`fit_folds` wants in one call at the most.

    Notes
    -----
    Section IV.B, reading R13; chapter "Training". Choose one with
    :func:`~astsvm_lib.models.training.selection.select_trainer`.
    """

    stage: ClassVar[str]
    folds_at_once: ClassVar[int] = 1

    def __init__(self, network: keras.Model, options: Optimisation, attention_start: str = "neutral") -> None:
        self.network, self.options, self.attention_start = network, options, attention_start

    @abstractmethod
    def fit(
        self,
        inputs: list[np.ndarray],
        labels: np.ndarray,
        epochs: int,
        rng: np.random.Generator,
        on_epoch: OnEpoch = None,
    ) -> History:
        """Train from the weights that the network has, with a fresh optimiser.

        Parameters
        ----------
        inputs, labels
            Training clips, one array (N, ...) an input, and their class numbers (N,).
        epochs
            Fixed beforehand: nothing here looks at the subject that is left out.
        rng
            Draws each epoch's order of clips.
        on_epoch
            Called after each epoch.

        Returns
        -------
        list of dict
            One entry an epoch; see :data:`History`.
        """

    @abstractmethod
    def predict(self, inputs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Features (N, D) and class probabilities (N, classes) of clips, in inference mode."""

    def fit_folds(
        self,
        inputs: list[np.ndarray],
        labels: np.ndarray,
        folds: Sequence[tuple[Fold, np.random.Generator]],
        epochs: int,
        on_epoch: OnEpoch = None,
    ) -> Iterator[NetworkOutputs]:
        """Train on each fold from fresh weights, and predict the clips that it leaves out.

        Parameters
        ----------
        inputs, labels
            All clips, one array an input, and their class numbers.
        folds
            Rows to train on and to test, with the fold's own generator: it draws the weights, then the order of
            clips in each epoch.
        epochs, on_epoch
            As for :meth:`fit`.

        Yields
        ------
        NetworkOutputs
            One a fold, in the order of the folds.
        """
        from astsvm_lib.models.initialisation import initialise

        for fold, rng in folds:
            train, test = ([x[rows] for x in inputs] for rows in (fold.train, fold.test))
            initialise(self.network, rng, self.attention_start)
            history = self.fit(train, labels[fold.train], epochs, rng, on_epoch)
            train_features, _ = self.predict(train)
            yield NetworkOutputs(train_features, *self.predict(test), history)
