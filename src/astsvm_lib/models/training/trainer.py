"""Common interface of the trainers: fit a network on the training clips of each fold, and predict the test clips."""

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

#: Callback after each epoch of a fold, for a progress bar.
OnEpoch = Callable[[], Any] | None
#: One entry per epoch: ``epoch`` (counted from 1), and mean ``loss`` and ``accuracy`` over the training clips.
History = list[dict[str, float]]


@dataclass(frozen=True)
class NetworkOutputs:
    """Outputs of a network that was trained on one fold.

    Attributes
    ----------
    train_features, test_features
        Features (clips, D) of the training clips and of the test clips; D is 0 for a network without a layer named
        ``features``.
    probabilities
        Class probabilities (clips, classes) of the test clips.
    history
        Loss and accuracy of each epoch.
    """

    train_features: np.ndarray
    test_features: np.ndarray
    probabilities: np.ndarray
    history: History


def class_weights(labels: np.ndarray, options: Optimisation) -> np.ndarray | None:
    """Weight of each clip in the loss.

    Parameters
    ----------
    labels
        Class numbers (N,).
    options
        ``class_weights``: ``"none"`` for equal weights; otherwise the weights are inversely proportional to the
        class frequencies.

    Returns
    -------
    numpy.ndarray or None
        (N,) with mean 1; None for equal weights.
    """
    if options.class_weights == "none":
        return None
    counts = np.bincount(labels)
    return (len(labels) / ((counts > 0).sum() * counts[labels])).astype(np.float32)


class Trainer(ABC):
    """Trains one network on each fold in turn, each time from newly initialised weights.

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
        Name of the trainer's stage, on whose version results depend.
    folds_at_once
        Maximum number of folds that :meth:`fit_folds` trains together.

    Notes
    -----
    Section IV.B, reading R13; chapter "Training". Use
    :func:`~astsvm_lib.models.training.selection.select_trainer` to select a trainer.
    """

    stage: ClassVar[str]
    folds_at_once: int = 1

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
        """Train the network from its current weights, with a reset optimiser.

        Parameters
        ----------
        inputs
            Training clips, one array (N, ...) per input of the network.
        labels
            Class numbers (N,).
        epochs
            Number of epochs. It is fixed in advance, so that training does not depend on the test subject.
        rng
            Random number generator for the order of the clips in each epoch.
        on_epoch
            Called after each epoch.

        Returns
        -------
        list of dict
            One entry per epoch; see :data:`History`.
        """

    @abstractmethod
    def predict(self, inputs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """Features (N, D) and class probabilities (N, classes) of clips, in inference mode.

        Parameters
        ----------
        inputs
            Clips, one array (N, ...) per input of the network.
        """

    def fit_from_start(
        self,
        inputs: list[np.ndarray],
        labels: np.ndarray,
        epochs: int,
        rng: np.random.Generator,
        on_epoch: OnEpoch = None,
    ) -> History:
        """Initialise the weights, adapt the scale of the inputs to the training clips, and :meth:`fit`.

        Parameters
        ----------
        inputs, labels, epochs, on_epoch
            As for :meth:`fit`.
        rng
            Random number generator, which draws first the weights and then the order of the clips in each epoch.
        """
        from astsvm_lib.models.ast_network import adapt_inputs
        from astsvm_lib.models.initialisation import initialise

        initialise(self.network, rng, self.attention_start)
        adapt_inputs(self.network, inputs)
        return self.fit(inputs, labels, epochs, rng, on_epoch)

    def fit_folds(
        self,
        inputs: list[np.ndarray],
        labels: np.ndarray,
        folds: Sequence[tuple[Fold, np.random.Generator]],
        epochs: int,
        on_epoch: OnEpoch = None,
    ) -> Iterator[NetworkOutputs]:
        """Train on each fold from newly initialised weights, and predict its test clips.

        Parameters
        ----------
        inputs, labels
            All clips of the data set, as for :meth:`fit`.
        folds
            Training and test rows of each fold, with the fold's random number generator, which draws first the
            weights and then the order of the clips in each epoch.
        epochs, on_epoch
            As for :meth:`fit`.

        Yields
        ------
        NetworkOutputs
            Outputs of each fold, in the order of ``folds``.
        """
        for fold, rng in folds:
            train, test = ([x[rows] for x in inputs] for rows in (fold.train, fold.test))
            history = self.fit_from_start(train, labels[fold.train], epochs, rng, on_epoch)
            train_features, _ = self.predict(train)
            yield NetworkOutputs(train_features, *self.predict(test), history)
