"""Training of several folds at once on a GPU: the Keras layers, vectorised over the folds by JAX.

Each fold has its own weights and its own batches; the clips are stored once on the device. As folds differ in their
number of clips, the last batch of a fold is padded, and a mask excludes the padding from the loss and from batch
normalisation. All steps of an epoch are one call of the GPU. The training steps of a fold equal those of
:class:`~astsvm_lib.models.training.keras_trainer.KerasTrainer` on that fold, up to rounding and the random numbers of
dropout.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from astsvm_lib.evaluation.loso import Fold
from astsvm_lib.models.ast_network import FEATURES_LAYER, adapt_inputs_to, clip_moments
from astsvm_lib.models.initialisation import initialise
from astsvm_lib.models.training.gpu_layers import rewrite
from astsvm_lib.models.training.keras_trainer import KerasTrainer, restart_dropout, with_logits
from astsvm_lib.models.training.trainer import History, NetworkOutputs, OnEpoch, class_weights
from astsvm_lib.recipe import Optimisation

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 3
#: Maximum number of folds trained together.
FOLDS_AT_ONCE = 36
#: Maximum number of input values of one clip, summed over the folds trained together: two folds of the full network.
VALUES_AT_ONCE = 1_500_000

Variables = list[Any]


def supports() -> bool:
    """Whether this trainer is to be used: with JAX on a GPU.

    On a CPU, training one fold at a time is faster.
    """
    if keras.backend.backend() != "jax":
        return False
    import jax

    return any(device.platform == "gpu" for device in jax.devices())


def _batches(fold: Fold, rng: np.random.Generator, steps: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Row indices and mask, (steps, size) each, of the batches in one epoch of a fold."""
    clips = len(fold.train)
    rows = np.resize(fold.train[rng.permutation(clips)], steps * size)
    return rows.reshape(steps, size), (np.arange(steps * size) < clips).reshape(steps, size)


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

    def __init__(self, network: keras.Model, options: Optimisation, attention_start: str = "neutral") -> None:
        super().__init__(network, options, attention_start)
        values = sum(math.prod(tensor.shape[1:]) for tensor in network.inputs)
        self.folds_at_once = max(1, min(FOLDS_AT_ONCE, VALUES_AT_ONCE // values))

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
        size, spare = self.options.batch_size, program.places - len(folds)
        starts: list[list[np.ndarray]] = []
        for fold, rng in folds:
            initialise(self.network, rng, self.attention_start)
            adapt_inputs_to(self.network, [moments[fold.train] for moments in program.moments])
            restart_dropout(self.network, rng)
            variables = (*self.network.trainable_variables, *self.network.non_trainable_variables)
            starts.append([np.asarray(v.value) for v in variables])
        starts += starts[:1] * spare
        state = program.start([np.stack(values) for values in zip(*starts, strict=True)])
        weights = [_fold_weights(program.labels, fold.train, self.options) for fold, _ in folds]
        stacked_weights = np.stack(weights + weights[:1] * spare)
        histories: list[History] = [[] for _ in folds]
        steps = max(math.ceil(len(fold.train) / size) for fold, _ in folds)
        rows, mask = np.zeros((program.places, steps, size), int), np.zeros((program.places, steps, size), np.float32)
        for epoch in range(1, epochs + 1):
            for place, (fold, rng) in enumerate(folds):
                rows[place], mask[place] = _batches(fold, rng, steps, size)
            state, losses, correct = program.epoch(state, rows, mask, stacked_weights)
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
    """One epoch of training of several networks, and inference of one of them, compiled by JAX.

    Parameters
    ----------
    network
        Compiled. Its weights are not used; the computations of its layers are rewritten.
    inputs, labels
        All clips, one array per input, and their class numbers.
    places
        Number of networks trained together.
    """

    def __init__(self, network: keras.Model, inputs: list[np.ndarray], labels: np.ndarray, places: int) -> None:
        import jax
        import jax.numpy as jnp

        self.network, self.labels, self.places = network, labels, places
        self.moments = [clip_moments(x) for x in inputs]
        padding, trained_network = rewrite(network), with_logits(network)
        optimizer = network.optimizer
        optimizer.build(network.trainable_variables)
        self.clips, self.truth = [jnp.asarray(x) for x in inputs], jnp.asarray(labels)

        def loss_of(trained: Any, kept: Any, rows: Any, mask: Any, weight: Any, clips: Any, truth: Any) -> Any:
            padding.rows = mask
            out, kept = trained_network.stateless_call(trained, kept, [x[rows] for x in clips], training=True)
            losses = keras.ops.sparse_categorical_crossentropy(truth[rows], out, from_logits=True)
            right = jnp.sum(mask * (jnp.argmax(out, 1) == truth[rows]))
            return jnp.sum(mask * weight[rows] * losses) / jnp.maximum(jnp.sum(mask), 1), (kept, right)

        def epoch(state: Any, rows: Any, mask: Any, weight: Any, clips: Any, truth: Any) -> Any:
            def step(state: Any, batch: Any) -> Any:
                trained, kept, moments = state
                value_and_grad = jax.value_and_grad(loss_of, has_aux=True)
                (loss, (new_kept, right)), gradient = value_and_grad(trained, kept, *batch, weight, clips, truth)
                new_trained, new_moments = optimizer.stateless_apply(moments, gradient, trained)
                count = jnp.sum(batch[1])  # a fold without a batch in this step keeps its state
                new = (new_trained, new_kept, new_moments)
                chosen = jax.tree.map(lambda a, b: jnp.where(count > 0, a, b), new, state)
                return chosen, (loss * count, right)

            state, (losses, right) = jax.lax.scan(step, state, (rows, mask))
            return state, losses.sum(), right.sum()

        self._epoch = jax.jit(jax.vmap(epoch, in_axes=(0, 0, 0, 0, None, None)), donate_argnums=0)
        names = {layer.name for layer in network.layers}
        features = [network.get_layer(FEATURES_LAYER).output] if FEATURES_LAYER in names else []
        both = keras.Model(network.inputs, [*features, network.output])

        def infer(trained: Any, kept: Any, rows: Any, clips: Any) -> Any:
            found = both.stateless_call(trained, kept, [x[rows] for x in clips], training=False)[0]
            return found if features else (jnp.zeros((len(rows), 0)), found[0] if isinstance(found, list) else found)

        self._infer = jax.jit(infer)

    def start(self, stacked: Variables) -> tuple[Variables, Variables, Variables]:
        """State before the first step: trainable variables, other variables, and the variables of Adam."""
        import jax.numpy as jnp

        count = len(self.network.trainable_variables)
        fresh = [
            jnp.asarray(v.value) if "learning_rate" in v.path else jnp.zeros(v.shape, v.dtype)
            for v in self.network.optimizer.variables
        ]
        moments = [jnp.repeat(value[None], self.places, 0) for value in fresh]
        values = [jnp.asarray(value) for value in stacked]
        return values[:count], values[count:], moments

    def epoch(self, state: Any, rows: np.ndarray, mask: np.ndarray, weights: Any) -> tuple[Any, np.ndarray, np.ndarray]:
        """One epoch of every network, from row indices and masks (places, steps, B) of its batches.

        Returns the new state, and for each network the summed loss and the number of clips classified correctly.
        """
        import jax

        with jax.default_matmul_precision("float32"):
            state, losses, right = self._epoch(state, rows, mask, weights, self.clips, self.truth)
        return state, np.asarray(losses), np.asarray(right)

    def predict(self, state: Any, place: int, rows: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Features and class probabilities of the clips ``rows`` from the network with index ``place``."""
        import jax

        trained, kept = ([v[place] for v in variables] for variables in state[:2])
        starts = range(0, len(rows), size)
        with jax.default_matmul_precision("float32"):
            parts = [self._infer(trained, kept, np.resize(rows[i : i + size], size), self.clips) for i in starts]
        features, probabilities = (np.concatenate([np.asarray(part[i]) for part in parts])[: len(rows)] for i in (0, 1))
        return features, probabilities
