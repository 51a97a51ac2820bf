"""Training step and forward pass of the network on a CPU, mathematically equal to the Keras layers but faster.

The computation is defined by :mod:`~astsvm_lib.models.fusion_attention` and :mod:`~astsvm_lib.models.inception`.
The following optimisations are exact:

1. CAM and both batch normalisations depend on a clip only through four values per frame: mean, variance, minimum
   and maximum. Batch normalisation is an affine map ``c x + d`` of a frame, so that its statistics follow from
   these values, which are computed once per clip.
2. Clips are data and need no gradient. One pass over a clip computes SAM's two maps, a second pass the weighted
   sums over 6 x 6 pixels, and two more passes their gradients. Each clip is processed while it is in the processor's
   cache.
3. ReLU and the bias commute with max pooling and are applied after it.
4. A convolution's outputs for all filters at four positions are accumulated in registers, and only the maximum of
   each pooling window is stored.
5. Max pooling selects one of up to 27 values, so that the gradient of a convolution's output is zero at most
   positions. The backward passes of the convolution visit the other positions only.

If several values of a pooling window are equal to the maximum, the gradient goes to the first of them; TensorFlow's
pooling passes it to all of them.

Chapter "Training"; ``benchmarks/training_step.py`` times both implementations.
"""

from __future__ import annotations

import math

import keras
import numpy as np

from astsvm_lib.errors import CompanionError
from astsvm_lib.models.fusion_attention import Attention, ChannelAttention, SpatialAttention
from astsvm_lib.models.training.fast.layers import Stream, Weights, activate, activate_backwards
from astsvm_lib.models.training.fast.loops import BETA_1, BETA_2, EPSILON, KERNEL, adam_step
from astsvm_lib.models.training.trainer import History, OnEpoch, Trainer, class_weights

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 2


def supports(network: keras.Model) -> bool:
    """Whether this package can train a network, which requires TensorFlow on a CPU.

    The network must come from :func:`~astsvm_lib.models.ast_network.build_network`, with CAM before SAM if it has
    both, and 7 x 7 kernels.
    """
    if keras.backend.backend() != "tensorflow" or network.name != "ast_network":
        return False
    if keras.distribution.list_devices("gpu"):
        return False
    first: dict[str, type] = {}
    for layer in network.layers:
        if isinstance(layer, Attention):
            stream = layer.name.rsplit("_", 1)[0]
            if first.setdefault(stream, type(layer)) is SpatialAttention and isinstance(layer, ChannelAttention):
                return False
        if isinstance(layer, SpatialAttention) and layer.kernel_size != KERNEL:
            return False
    return True


class FastNetwork:
    """Fast implementation of a network, with a copy of its weights.

    Parameters
    ----------
    network
        Network that :func:`supports` accepts. Its weights are copied; :meth:`sync_weights` writes them back.
    inputs
        All clips, one array (N, 10, 192, 192) per input of the network. The methods select clips by row.

    Notes
    -----
    :meth:`step` equals :meth:`keras.Model.train_on_batch` of a network compiled by
    :func:`~astsvm_lib.models.training.keras_trainer.compile_network`, up to rounding.
    """

    def __init__(self, network: keras.Model, inputs: list[np.ndarray]) -> None:
        self.network = network
        self.weights: Weights = {v.path: np.array(keras.ops.convert_to_numpy(v)) for v in network.weights}
        self.trained = [v.path for v in network.trainable_variables]
        self.streams = [
            Stream([layer for layer in network.layers if layer.name.startswith(f"{tensor.name}_")], self.weights)
            for tensor in network.inputs
        ]
        kind = network.get_layer("head").kernel.dtype
        self.seen = [stream.summarise(np.asarray(x, kind)) for stream, x in zip(self.streams, inputs, strict=True)]
        self.softmax = any(isinstance(layer, keras.layers.Softmax) for layer in network.layers)  # R11, literally
        head = network.get_layer("head")
        self.head = head.kernel.path, head.bias.path
        self.first = {name: np.zeros_like(self.weights[name]) for name in self.trained}
        self.second = {name: np.zeros_like(self.weights[name]) for name in self.trained}
        self.steps = 0

    def forward(self, rows: np.ndarray, training: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Forward pass.

        Parameters
        ----------
        rows
            Indices (n,) of clips.
        training
            Whether batch normalisation uses the statistics of the batch.

        Returns
        -------
        tuple of numpy.ndarray
            Features (n, D) and class probabilities (n, classes).
        """
        outputs = [stream.forward(seen, rows, training) for stream, seen in zip(self.streams, self.seen, strict=True)]
        self.shapes = [output.shape for output in outputs]
        features = np.concatenate([output.reshape(len(rows), -1) for output in outputs], axis=1)
        if self.softmax:
            features = activate(features, "softmax")
        kernel, bias = (self.weights[name] for name in self.head)
        return features, activate(features @ kernel + bias, "softmax")

    def gradients(self, rows: np.ndarray, labels: np.ndarray, weights: np.ndarray | None) -> tuple[Weights, float, int]:
        """Gradients of the weighted mean cross-entropy.

        Parameters
        ----------
        rows
            Indices (n,) of clips.
        labels
            Class numbers (n,).
        weights
            Weights of the clips (n,) in the loss; None for equal weights.

        Returns
        -------
        tuple
            Gradients by path of the variable, the loss, and the number of clips classified correctly.
        """
        features, probabilities = self.forward(rows, training=True)
        each = np.ones(len(rows), features.dtype) if weights is None else weights
        chosen = probabilities[np.arange(len(rows)), labels]
        change = probabilities.copy()
        change[np.arange(len(rows)), labels] -= 1
        change *= (each / len(rows))[:, None]
        kernel, bias = self.head
        found = {kernel: features.T @ change, bias: change.sum(0)}
        back = change @ self.weights[kernel].T
        if self.softmax:
            back = activate_backwards(features, back, "softmax")
        ends = np.cumsum([math.prod(shape[1:]) for shape in self.shapes])
        for stream, part, shape in zip(self.streams, np.split(back, ends[:-1], axis=1), self.shapes, strict=True):
            stream.backward(part.reshape(shape), found)
        loss = float(-(each * np.log(np.maximum(chosen, EPSILON))).mean())
        return found, loss, int((probabilities.argmax(1) == labels).sum())

    def step(self, rows: np.ndarray, labels: np.ndarray, weights: np.ndarray | None, rate: float) -> tuple[float, int]:
        """One step of Adam.

        Parameters
        ----------
        rows, labels, weights
            As for :meth:`gradients`.
        rate
            Learning rate.

        Returns
        -------
        tuple
            Mean loss before the step, and number of clips classified correctly.
        """
        gradients, loss, correct = self.gradients(rows, labels, weights)
        self.steps += 1
        rate *= np.sqrt(1 - BETA_2**self.steps) / (1 - BETA_1**self.steps)
        for name in self.trained:
            adam_step(
                self.weights[name].ravel(), np.ascontiguousarray(gradients[name], self.weights[name].dtype).ravel(),
                self.first[name].ravel(), self.second[name].ravel(), rate,
            )  # fmt: skip
        return loss, correct

    def sync_weights(self) -> None:
        """Copy the weights, including moving averages, to the Keras network."""
        for variable in self.network.weights:
            variable.assign(self.weights[variable.path])


class FastTrainer(Trainer):
    """Trains a network with :class:`FastNetwork`; its steps equal those of the Keras trainer, up to rounding."""

    stage = "trainer-fast"

    def fit(
        self,
        inputs: list[np.ndarray],
        labels: np.ndarray,
        epochs: int,
        rng: np.random.Generator,
        on_epoch: OnEpoch = None,
    ) -> History:
        fast = FastNetwork(self.network, inputs)
        weights = class_weights(labels, self.options)
        history = []
        for epoch in range(1, epochs + 1):
            order = rng.permutation(len(labels))
            loss, correct = 0.0, 0
            for start in range(0, len(order), self.options.batch_size):
                batch = order[start : start + self.options.batch_size]
                chosen = None if weights is None else weights[batch]
                batch_loss, batch_correct = fast.step(batch, labels[batch], chosen, self.options.learning_rate)
                if not np.isfinite(batch_loss):  # what follows would be NaN as well
                    raise CompanionError(f"training has diverged: the loss in epoch {epoch} is {batch_loss}")
                loss += batch_loss * len(batch)
                correct += batch_correct
            history.append({"epoch": epoch, "loss": loss / len(order), "accuracy": correct / len(order)})
            if on_epoch:
                on_epoch()
        fast.sync_weights()
        return history

    def predict(self, inputs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        fast = FastNetwork(self.network, inputs)
        rows, size = np.arange(len(inputs[0])), self.options.batch_size
        parts = [fast.forward(rows[start : start + size]) for start in range(0, len(rows), size)]
        return np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
