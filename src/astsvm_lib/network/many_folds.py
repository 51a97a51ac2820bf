"""Many folds at once on a GPU: the same layers, mapped over the folds by JAX.

Every fold has weights of its own and takes its own batches from clips that lie on the device once. Folds differ in
their number of clips, so that a fold's last batch is filled up with clips that a mask leaves out: of the loss, and of
the batch norms, whose ``mask`` Keras provides. The steps of a fold are those of
:func:`~astsvm_lib.network.train` on that fold alone, up to rounding.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from astsvm_lib.network.ast_network import initialise
from astsvm_lib.network.attention import Attention
from astsvm_lib.network.learning import Outputs
from astsvm_lib.recipe import Recipe


@dataclass(frozen=True)
class FoldRows:
    """What one fold learns from and judges.

    Attributes
    ----------
    train, test
        Row numbers.
    rng
        The fold's own; draws weights, then each epoch's order, as for a fold alone.
    """

    train: np.ndarray
    test: np.ndarray
    rng: np.random.Generator


def applies() -> bool:
    """Whether folds are to be trained together: with JAX on a GPU. On a CPU one fold at a time is faster."""
    if keras.backend.backend() != "jax":
        return False
    import jax

    return any(device.platform == "gpu" for device in jax.devices())


def _batches(fold: FoldRows, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """One epoch of a fold: rows and mask of each batch, all of ``size``."""
    order = fold.train[fold.rng.permutation(len(fold.train))]
    batches = []
    for start in range(0, len(order), size):
        rows = order[start : start + size]
        mask = np.zeros(size, np.float32)
        mask[: len(rows)] = 1
        batches.append((np.resize(rows, size), mask))
    return batches


class ManyFolds:
    """One network a fold, all trained in step by a program that is compiled once.

    Parameters
    ----------
    network
        Of :func:`~astsvm_lib.network.build_network`, compiled; on Keras's JAX backend. Its weights are overwritten.
    inputs, labels
        All clips, one array an input, and their class numbers.
    recipe
        Stage ``training``.
    at_once
        Folds that are trained together. Memory grows with it: about 1.5 GB a fold in the full network.

    Raises
    ------
    ValueError
        On another backend than JAX.
    """

    def __init__(
        self, network: keras.Model, inputs: Sequence[np.ndarray], labels: np.ndarray, recipe: Recipe, at_once: int
    ) -> None:
        if keras.backend.backend() != "jax":
            raise ValueError(f"folds are trained together on Keras's JAX backend only, found {keras.backend.backend()}")
        import jax
        import jax.numpy as jnp

        self.network, self.labels, self.options, self.at_once = network, labels, recipe.training, at_once
        for layer in network.layers:
            if isinstance(layer, Attention):
                layer.supports_masking = True  # so that the mask of the clips reaches the second block
        # below the attention no layer asks which clips count, and Keras says so
        warnings.filterwarnings("ignore", message=".*does not support masking", category=UserWarning)
        optimizer = network.optimizer
        optimizer.build(network.trainable_variables)
        self.clips, self.truth = [jnp.asarray(x) for x in inputs], jnp.asarray(labels)

        def loss_of(trained: Any, kept: Any, rows: Any, mask: Any, weight: Any, clips: Any, truth: Any) -> Any:
            batch = [x[rows] for x in clips]
            out, kept = network.stateless_call(
                trained, kept, batch, training=True, mask=[mask[:, None, None] for _ in batch]
            )
            each = keras.ops.sparse_categorical_crossentropy(truth[rows], out)
            right = jnp.sum(mask * (jnp.argmax(out, 1) == truth[rows]))
            return jnp.sum(mask * weight[rows] * each) / jnp.maximum(jnp.sum(mask), 1), (kept, right)

        def step(
            trained: Any, kept: Any, remembered: Any, rows: Any, mask: Any, weight: Any, clips: Any, truth: Any
        ) -> Any:
            look = jax.value_and_grad(loss_of, has_aux=True)
            (loss, (new, right)), gradient = look(trained, kept, rows, mask, weight, clips, truth)
            after, memory = optimizer.stateless_apply(remembered, gradient, trained)
            going = jnp.sum(mask) > 0  # a fold with fewer batches waits
            choose = lambda a, b: [jnp.where(going, x, y) for x, y in zip(a, b, strict=True)]  # noqa: E731
            kept_now = choose(new, kept)
            return choose(after, trained), kept_now, choose(memory, remembered), jnp.where(going, loss, 0.0), right

        self._step = jax.jit(jax.vmap(step, in_axes=(0, 0, 0, 0, 0, 0, None, None)))
        both = keras.Model(network.inputs, [network.get_layer("features").output, network.output])

        def say(trained: Any, kept: Any, rows: Any, clips: Any) -> Any:
            return both.stateless_call(trained, kept, [x[rows] for x in clips], training=False)[0]

        self._say = jax.jit(say)

    def train(self, folds: Sequence[FoldRows], epochs: int, on_epoch: Callable[[], Any] | None = None) -> list[Outputs]:
        """Train the networks of at most ``at_once`` folds, and let each judge.

        Parameters
        ----------
        epochs
            Fixed beforehand.
        on_epoch
            Called once a fold after each epoch, for a progress bar.
        """
        import jax.numpy as jnp

        network, size, spare = self.network, self.options.batch_size, self.at_once - len(folds)
        starts: list[list[np.ndarray]] = []
        for fold in folds:
            initialise(network, fold.rng, self.options.attention_start)
            variables = (*network.trainable_variables, *network.non_trainable_variables)
            starts.append([np.asarray(v.value) for v in variables])
        starts += starts[:1] * spare  # places that have no fold wait all the time
        stacked = [jnp.stack(values) for values in zip(*starts, strict=True)]
        count = len(network.trainable_variables)
        trained, kept = stacked[:count], stacked[count:]
        fresh = [
            jnp.asarray(v.value) if "learning_rate" in v.path else jnp.zeros(v.shape, v.dtype)
            for v in network.optimizer.variables
        ]
        remembered = [jnp.broadcast_to(value, (self.at_once, *value.shape)) for value in fresh]
        each = [_weights(self.labels, fold.train, self.options.class_weights) for fold in folds]
        weights = jnp.stack(each + each[:1] * spare)
        empty = (np.zeros(size, int), np.zeros(size, np.float32))
        histories: list[list[dict[str, float]]] = [[] for _ in folds]
        for _ in range(epochs):
            plans = [_batches(fold, size) for fold in folds] + [[]] * spare
            lost, right = np.zeros(self.at_once), np.zeros(self.at_once)
            for number in range(max(map(len, plans))):
                now = [batches[number] if number < len(batches) else empty for batches in plans]
                rows, mask = (np.stack(part) for part in zip(*now, strict=True))
                trained, kept, remembered, loss, correct = self._step(
                    trained, kept, remembered, rows, mask, weights, self.clips, self.truth
                )
                lost += np.asarray(loss) * mask.sum(1)
                right += np.asarray(correct)
            for place, fold in enumerate(folds):
                seen = len(fold.train)
                histories[place].append({"loss": float(lost[place] / seen), "accuracy": float(right[place] / seen)})
                if on_epoch:
                    on_epoch()

        outputs = []
        for place, fold in enumerate(folds):
            mine = [v[place] for v in trained], [v[place] for v in kept]
            tested, probabilities = self._judged(mine, fold.test)
            outputs.append(Outputs(self._judged(mine, fold.train)[0], tested, probabilities, histories[place]))
        return outputs

    def _judged(self, variables: tuple[list[Any], list[Any]], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Features and class probabilities of the clips ``rows``, by one fold's network."""
        size = self.options.batch_size
        starts = range(0, len(rows), size)
        parts = [self._say(*variables, np.resize(rows[i : i + size], size), self.clips) for i in starts]
        features, said = (np.concatenate([np.asarray(part[i]) for part in parts])[: len(rows)] for i in (0, 1))
        return features, said


def _weights(labels: np.ndarray, train: np.ndarray, kind: str) -> np.ndarray:
    """Weight of each clip in a fold's loss, mean 1 over its training clips."""
    weights = np.ones(len(labels), np.float32)
    if kind == "balanced":
        counts = np.bincount(labels[train], minlength=labels.max() + 1)
        weights = (len(train) / ((counts > 0).sum() * np.maximum(counts, 1)[labels])).astype(np.float32)
    return weights
