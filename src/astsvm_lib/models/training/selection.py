"""Which trainer fits a network fastest here."""

from __future__ import annotations

import keras

from astsvm_lib.models.training import batched_trainer
from astsvm_lib.models.training.fast import engine
from astsvm_lib.models.training.keras_trainer import KerasTrainer
from astsvm_lib.models.training.trainer import Trainer
from astsvm_lib.recipe import Optimisation


def select_trainer(network: keras.Model, options: Optimisation, attention_start: str = "neutral") -> Trainer:
    """The fastest trainer that supports a network on the backend and the device at hand.

    Parameters
    ----------
    network
        Compiled by :func:`~astsvm_lib.models.training.keras_trainer.compile_network`.
    options, attention_start
        As for :class:`~astsvm_lib.models.training.trainer.Trainer`.

    Returns
    -------
    Trainer
        With JAX on a GPU the one that trains folds in batches, with TensorFlow on a CPU the fast one, both for the
        AST network only; else Keras's own.
    """
    if batched_trainer.supports(network):
        return batched_trainer.BatchedTrainer(network, options, attention_start)
    if engine.supports(network):
        return engine.FastTrainer(network, options, attention_start)
    return KerasTrainer(network, options, attention_start)
