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


@dataclass(frozen=True)
class FoldOutputs:
    """What one trained network says.

    Attributes
    ----------
    known, tested
        Features of the clips it learned from, and of the others.
    probabilities
        Of the others.
    epochs
        Loss and accuracy of each.
    """

    known: np.ndarray
    tested: np.ndarray
    probabilities: np.ndarray
    epochs: list[dict[str, float]]


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


def train_together(
    network: keras.Model,
    inputs: Sequence[np.ndarray],
    labels: np.ndarray,
    folds: Sequence[FoldRows],
    recipe: Recipe,
    epochs: int,
    on_epoch: Callable[[], Any] | None = None,
) -> list[FoldOutputs]:
    """Train one network a fold, all in step, and let each judge.

    Parameters
    ----------
    network
        Of :func:`~astsvm_lib.network.build_network`, compiled; on Keras's JAX backend. Its weights are overwritten.
    inputs, labels
        All clips, one array an input, and their class numbers.
    folds
        Those that are trained together. Memory grows with their number: about 1.5 GB a fold in the full network.
    recipe
        Stage ``training``.
    epochs
        Fixed beforehand.
    on_epoch
        Called once a fold after each epoch, for a progress bar.

    Raises
    ------
    ValueError
        On another backend than JAX.
    """
    if keras.backend.backend() != "jax":
        raise ValueError(f"folds are trained together on Keras's JAX backend only, found {keras.backend.backend()}")
    import jax
    import jax.numpy as jnp

    options, size = recipe.training, recipe.training.batch_size
    for layer in network.layers:
        if isinstance(layer, Attention):
            layer.supports_masking = True  # so that the mask of the clips reaches the second block
    optimizer = network.optimizer
    optimizer.build(network.trainable_variables)
    starts: list[list[np.ndarray]] = []
    for fold in folds:
        initialise(network, fold.rng, options.attention_start)
        starts.append([np.asarray(v.value) for v in (*network.trainable_variables, *network.non_trainable_variables)])
    stacked = [jnp.stack(values) for values in zip(*starts, strict=True)]
    count = len(network.trainable_variables)
    trained, kept = stacked[:count], stacked[count:]
    fresh = [
        jnp.asarray(v.value) if "learning_rate" in v.path else jnp.zeros(v.shape, v.dtype) for v in optimizer.variables
    ]
    remembered = [jnp.broadcast_to(value, (len(folds), *value.shape)) for value in fresh]
    clips, truth = [jnp.asarray(x) for x in inputs], jnp.asarray(labels)
    weights = jnp.stack([_weights(labels, fold.train, options.class_weights) for fold in folds])

    def loss_of(trained: Any, kept: Any, rows: Any, mask: Any, weight: Any, clips: Any, truth: Any) -> Any:
        batch = [x[rows] for x in clips]
        out, kept = network.stateless_call(
            trained, kept, batch, training=True, mask=[mask[:, None, None] for _ in batch]
        )
        each = keras.ops.sparse_categorical_crossentropy(truth[rows], out)
        whole = jnp.sum(mask)
        right = jnp.sum(mask * (jnp.argmax(out, 1) == truth[rows]))
        return jnp.sum(mask * weight[rows] * each) / whole, (kept, right)

    def step(
        trained: Any, kept: Any, remembered: Any, rows: Any, mask: Any, weight: Any, clips: Any, truth: Any
    ) -> Any:
        look = jax.value_and_grad(loss_of, has_aux=True)
        (loss, (new, right)), gradient = look(trained, kept, rows, mask, weight, clips, truth)
        after, memory = optimizer.stateless_apply(remembered, gradient, trained)
        going = jnp.sum(mask) > 0  # a fold with fewer batches waits
        choose = lambda a, b: [jnp.where(going, x, y) for x, y in zip(a, b, strict=True)]  # noqa: E731
        return choose(after, trained), choose(new, kept), choose(memory, remembered), jnp.where(going, loss, 0.0), right

    together = jax.jit(jax.vmap(step, in_axes=(0, 0, 0, 0, 0, 0, None, None)))
    # below the attention no layer asks which clips count, and Keras says so
    warnings.filterwarnings("ignore", message=".*does not support masking", category=UserWarning)
    histories: list[list[dict[str, float]]] = [[] for _ in folds]
    for _ in range(epochs):
        plans = [_batches(fold, size) for fold in folds]
        empty = (np.zeros(size, int), np.zeros(size, np.float32))
        lost, right = np.zeros(len(folds)), np.zeros(len(folds))
        for number in range(max(map(len, plans))):
            now = [batches[number] if number < len(batches) else empty for batches in plans]
            rows, mask = (np.stack(part) for part in zip(*now, strict=True))
            trained, kept, remembered, loss, correct = together(
                trained, kept, remembered, rows, mask, weights, clips, truth
            )
            lost += np.asarray(loss) * mask.sum(1)
            right += np.asarray(correct)
        for place, fold in enumerate(folds):
            clips_seen = len(fold.train)
            histories[place].append(
                {"loss": float(lost[place] / clips_seen), "accuracy": float(right[place] / clips_seen)}
            )
            if on_epoch:
                on_epoch()

    outputs = []
    both = keras.Model(network.inputs, [network.get_layer("features").output, network.output])
    say = jax.jit(lambda a, b, rows, clips: both.stateless_call(a, b, [x[rows] for x in clips], training=False)[0])
    for place, fold in enumerate(folds):
        mine = [v[place] for v in trained], [v[place] for v in kept]

        def judged(rows: np.ndarray, mine: Any = mine) -> tuple[np.ndarray, np.ndarray]:
            parts = [
                say(*mine, np.resize(rows[start : start + size], size), clips) for start in range(0, len(rows), size)
            ]
            features, said = (np.concatenate([np.asarray(p[i]) for p in parts])[: len(rows)] for i in (0, 1))
            return features, said

        tested, probabilities = judged(fold.test)
        outputs.append(FoldOutputs(judged(fold.train)[0], tested, probabilities, histories[place]))
    return outputs


def _weights(labels: np.ndarray, train: np.ndarray, kind: str) -> np.ndarray:
    """Weight of each clip in a fold's loss, mean 1 over its training clips."""
    weights = np.ones(len(labels), np.float32)
    if kind == "balanced":
        counts = np.bincount(labels[train], minlength=labels.max() + 1)
        weights = (len(train) / ((counts > 0).sum() * np.maximum(counts, 1)[labels])).astype(np.float32)
    return weights
