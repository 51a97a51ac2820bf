"""Selection of the fastest trainer for a network, backend and device."""

from __future__ import annotations

import keras

from astsvm_lib.models.training import batched_trainer
from astsvm_lib.models.training.fast import engine
from astsvm_lib.models.training.keras_trainer import KerasTrainer
from astsvm_lib.models.training.trainer import Trainer
from astsvm_lib.recipe import Optimisation


def select_trainer(network: keras.Model, options: Optimisation, attention_start: str = "neutral") -> Trainer:
    """The fastest trainer that supports a network on the active backend and device.

    Parameters
    ----------
    network
        Compiled by :func:`~astsvm_lib.models.training.keras_trainer.compile_network`.
    options, attention_start
        As for :class:`~astsvm_lib.models.training.trainer.Trainer`.

    Returns
    -------
    Trainer
        :class:`~astsvm_lib.models.training.batched_trainer.BatchedTrainer` with JAX on a GPU; for the AST network with
        TensorFlow on a CPU, :class:`~astsvm_lib.models.training.fast.engine.FastTrainer`; otherwise
        :class:`~astsvm_lib.models.training.keras_trainer.KerasTrainer`.
    """
    if batched_trainer.supports():
        return batched_trainer.BatchedTrainer(network, options, attention_start)
    if engine.supports(network):
        return engine.FastTrainer(network, options, attention_start)
    return KerasTrainer(network, options, attention_start)
