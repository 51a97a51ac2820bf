"""Training of several folds at once on a GPU: the Keras layers, vectorised over the folds by JAX.

Each fold has its own weights and its own batches; the clips are stored once on the device. As folds differ in their
number of clips, the last batch of a fold is padded, and a mask excludes the padding from the loss and from batch
normalisation (the argument ``mask`` of the Keras layer). The training steps of a fold equal those of
:class:`~astsvm_lib.models.training.keras_trainer.KerasTrainer` on that fold, up to rounding.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from astsvm_lib.evaluation.loso import Fold
from astsvm_lib.models.ast_network import FEATURES_LAYER, adapt_inputs
from astsvm_lib.models.fusion_attention import Attention
from astsvm_lib.models.initialisation import initialise
from astsvm_lib.models.training.keras_trainer import KerasTrainer
from astsvm_lib.models.training.trainer import History, NetworkOutputs, OnEpoch, class_weights

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 2
#: Maximum number of folds trained together; each needs about 1.5 GB of device memory for the full network.
FOLDS_AT_ONCE = 24

Variables = list[Any]


def supports(network: keras.Model) -> bool:
    """Whether this trainer is to be used: for the AST network, with JAX on a GPU.

    On a CPU, training one fold at a time is faster.
    """
    if keras.backend.backend() != "jax" or network.name != "ast_network":
        return False
    import jax

    return any(device.platform == "gpu" for device in jax.devices())


def _batches(fold: Fold, rng: np.random.Generator, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Row indices and mask, (size,) each, of every batch in one epoch of a fold."""
    order = fold.train[rng.permutation(len(fold.train))]
    batches = []
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        mask = np.zeros(size, np.float32)
        mask[: len(rows)] = 1
        batches.append((np.resize(rows, size), mask))
    return batches


def _fold_weights(labels: np.ndarray, train: np.ndarray, options: Any) -> np.ndarray:
    """Weight of each clip of the data set in the loss of a fold, with mean 1 over its training clips."""
    weights = np.ones(len(labels), np.float32)
    train_weights = class_weights(labels[train], options)
    if train_weights is not None:
        weights[train] = train_weights
    return weights


class BatchedTrainer(KerasTrainer):
    """Trains the networks of several folds together, with a step function that is compiled once.

    :meth:`fit` and :meth:`predict`, for a single network, are inherited from
    :class:`~astsvm_lib.models.training.keras_trainer.KerasTrainer`.

    Raises
    ------
    ValueError
        By :meth:`fit_folds`, if the backend is not JAX.
    """

    stage = "trainer-batched"
    folds_at_once = FOLDS_AT_ONCE

    def fit_folds(
        self,
        inputs: list[np.ndarray],
        labels: np.ndarray,
        folds: Sequence[tuple[Fold, np.random.Generator]],
        epochs: int,
        on_epoch: OnEpoch = None,
    ) -> Iterator[NetworkOutputs]:
        if keras.backend.backend() != "jax":
            raise ValueError(f"BatchedTrainer: expected Keras's JAX backend, found {keras.backend.backend()}")
        places = math.ceil(len(folds) / math.ceil(len(folds) / self.folds_at_once))
        program = _Program(self.network, inputs, labels, places)
        for start in range(0, len(folds), places):
            yield from self._fit_batch(program, folds[start : start + places], epochs, on_epoch)

    def _fit_batch(
        self, program: _Program, folds: Sequence[tuple[Fold, np.random.Generator]], epochs: int, on_epoch: OnEpoch
    ) -> Iterator[NetworkOutputs]:
        """Train on at most ``program.places`` folds; unused places are masked."""
        import jax.numpy as jnp

        size, spare = self.options.batch_size, program.places - len(folds)
        starts: list[list[np.ndarray]] = []
        for fold, rng in folds:
            initialise(self.network, rng, self.attention_start)
            adapt_inputs(self.network, [x[fold.train] for x in program.inputs])
            variables = (*self.network.trainable_variables, *self.network.non_trainable_variables)
            starts.append([np.asarray(v.value) for v in variables])
        starts += starts[:1] * spare
        state = program.start([jnp.stack(values) for values in zip(*starts, strict=True)])
        weights = [_fold_weights(program.labels, fold.train, self.options) for fold, _ in folds]
        stacked_weights = jnp.stack(weights + weights[:1] * spare)
        empty = (np.zeros(size, int), np.zeros(size, np.float32))
        histories: list[History] = [[] for _ in folds]
        for epoch in range(1, epochs + 1):
            plans = [_batches(fold, rng, size) for fold, rng in folds] + [[]] * spare
            losses, correct = np.zeros(program.places), np.zeros(program.places)
            for number in range(max(map(len, plans))):
                current = [batches[number] if number < len(batches) else empty for batches in plans]
                rows, mask = (np.stack(part) for part in zip(*current, strict=True))
                state, loss, right = program.step(state, rows, mask, stacked_weights)
                losses += loss * mask.sum(1)
                correct += right
            for place, (fold, _) in enumerate(folds):
                clips = len(fold.train)
                histories[place].append(
                    {"epoch": epoch, "loss": float(losses[place] / clips), "accuracy": float(correct[place] / clips)}
                )
                if on_epoch:
                    on_epoch()
        for place, (fold, _) in enumerate(folds):
            train_features, _ = program.predict(state, place, fold.train, size)
            test_features, probabilities = program.predict(state, place, fold.test, size)
            yield NetworkOutputs(train_features, test_features, probabilities, histories[place])


class _Program:
    """Training step of several networks, and inference of one of them, compiled by JAX.

    Parameters
    ----------
    network
        Compiled. Its weights are not used.
    inputs, labels
        All clips, one array per input, and their class numbers.
    places
        Number of networks trained together.
    """

    def __init__(self, network: keras.Model, inputs: list[np.ndarray], labels: np.ndarray, places: int) -> None:
        import jax
        import jax.numpy as jnp

        self.network, self.inputs, self.labels, self.places = network, inputs, labels, places
        for layer in network.layers:
            if isinstance(layer, Attention):
                layer.supports_masking = True  # so that the mask is passed on to the second block
        # layers after the attention need no mask; Keras warns that they do not support it
        warnings.filterwarnings("ignore", message=".*does not support masking", category=UserWarning)
        optimizer = network.optimizer
        optimizer.build(network.trainable_variables)
        self.clips, self.truth = [jnp.asarray(x) for x in inputs], jnp.asarray(labels)

        def loss_of(trained: Any, kept: Any, rows: Any, mask: Any, weight: Any, clips: Any, truth: Any) -> Any:
            batch = [x[rows] for x in clips]
            out, kept = network.stateless_call(
                trained, kept, batch, training=True, mask=[mask[:, None, None] for _ in batch]
            )
            losses = keras.ops.sparse_categorical_crossentropy(truth[rows], out)
            right = jnp.sum(mask * (jnp.argmax(out, 1) == truth[rows]))
            return jnp.sum(mask * weight[rows] * losses) / jnp.maximum(jnp.sum(mask), 1), (kept, right)

        def step(state: Any, rows: Any, mask: Any, weight: Any, clips: Any, truth: Any) -> Any:
            trained, kept, moments = state
            value_and_grad = jax.value_and_grad(loss_of, has_aux=True)
            (loss, (new_kept, right)), gradient = value_and_grad(trained, kept, rows, mask, weight, clips, truth)
            new_trained, new_moments = optimizer.stateless_apply(moments, gradient, trained)
            active = jnp.sum(mask) > 0  # a fold without a batch in this step keeps its state
            new = (new_trained, new_kept, new_moments)
            chosen = jax.tree.map(lambda a, b: jnp.where(active, a, b), new, (trained, kept, moments))
            return chosen, jnp.where(active, loss, 0.0), right

        self._step = jax.jit(jax.vmap(step, in_axes=(0, 0, 0, 0, None, None)))
        both = keras.Model(network.inputs, [network.get_layer(FEATURES_LAYER).output, network.output])

        def infer(trained: Any, kept: Any, rows: Any, clips: Any) -> Any:
            return both.stateless_call(trained, kept, [x[rows] for x in clips], training=False)[0]

        self._infer = jax.jit(infer)

    def start(self, stacked: Variables) -> tuple[Variables, Variables, Variables]:
        """State before the first step: trainable variables, other variables, and the variables of Adam."""
        import jax.numpy as jnp

        count = len(self.network.trainable_variables)
        fresh = [
            jnp.asarray(v.value) if "learning_rate" in v.path else jnp.zeros(v.shape, v.dtype)
            for v in self.network.optimizer.variables
        ]
        moments = [jnp.broadcast_to(value, (self.places, *value.shape)) for value in fresh]
        return stacked[:count], stacked[count:], moments

    def step(self, state: Any, rows: np.ndarray, mask: np.ndarray, weights: Any) -> tuple[Any, np.ndarray, np.ndarray]:
        """One training step of every network.

        Returns the new state, and for each network the mean loss and the number of clips classified correctly.
        """
        state, loss, right = self._step(state, rows, mask, weights, self.clips, self.truth)
        return state, np.asarray(loss), np.asarray(right)

    def predict(self, state: Any, place: int, rows: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Features and class probabilities of the clips ``rows`` from the network with index ``place``."""
        trained, kept = ([v[place] for v in variables] for variables in state[:2])
        starts = range(0, len(rows), size)
        parts = [self._infer(trained, kept, np.resize(rows[i : i + size], size), self.clips) for i in starts]
        features, probabilities = (np.concatenate([np.asarray(part[i]) for part in parts])[: len(rows)] for i in (0, 1))
        return features, probabilities
