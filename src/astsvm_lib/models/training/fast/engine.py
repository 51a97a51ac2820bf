"""The network's training step and forward pass on a CPU: the mathematics of the plain layers, with less work.

Read :mod:`~astsvm_lib.models.fusion_attention` and :mod:`~astsvm_lib.models.inception` to see what is computed.
Every shortcut here is exact:

1. Until the pixels are weighed, a clip counts only through four numbers a frame: mean, variance, least and
   largest value. Batch norm is an affine map ``c x + d`` of a frame, so that CAM and both batch norms are
   sums over these numbers, which are taken once.
2. Clips are data and get no gradient. One pass over a clip gives SAM's two maps, a second the weighted
   6 x 6 means; two more give their gradients. A clip is gone through while it lies in the processor's cache.
3. ReLU and a bias commute with the largest of 27 values: they come after the pooling.
4. One of up to 27 values survives the pooling, so that the gradient of a convolution is zero nearly
   everywhere. Both of its backward passes visit only the places where it is not.

The convolutions of the inception modules are TensorFlow's own. Where two values of a window are equal and
largest, the first takes the gradient here; TensorFlow's plain pooling gives it to each of them.

Chapter "Training"; ``benchmarks/training_step.py`` times both forms in one run.
"""

from __future__ import annotations

import math

import keras
import numpy as np

from astsvm_lib.models.fusion_attention import Attention, ChannelAttention, SpatialAttention
from astsvm_lib.models.inception import Downsample
from astsvm_lib.models.training.fast.layers import Stream, Weights, activate
from astsvm_lib.models.training.fast.loops import BETA_1, BETA_2, EPSILON, KERNEL, adam_step
from astsvm_lib.models.training.trainer import History, OnEpoch, Trainer, class_weights

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1


def supports(network: keras.Model) -> bool:
    """Whether this package can train a network: on TensorFlow without a GPU.

    The network must be one of :func:`~astsvm_lib.models.ast_network.build_network`, with FAM in the paper's order or a
    half of it, 7 x 7 kernels, block means for down-sampling, and no second softmax.
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
        if isinstance(layer, Downsample) and layer.method != "average":
            return False
        if isinstance(layer, keras.layers.Softmax):
            return False
    return True


class FastNetwork:
    """A network's weights, with a forward pass and a training step of their own.

    Parameters
    ----------
    network
        One that :func:`supports` accepts. Its weights are read here; :meth:`sync_weights` writes them.
    inputs
        All clips that will be asked for, one array (N, 10, 192, 192) an input of the network.

    Notes
    -----
    The step is one of :meth:`keras.Model.train_on_batch`, compiled by
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
        head = network.get_layer("head")
        self.head = head.kernel.path, head.bias.path
        self.first = {name: np.zeros_like(self.weights[name]) for name in self.trained}
        self.second = {name: np.zeros_like(self.weights[name]) for name in self.trained}
        self.steps = 0

    def forward(self, rows: np.ndarray, training: bool = False) -> tuple[np.ndarray, np.ndarray]:
        """Features and class probabilities of the clips ``rows``, each with a row a clip."""
        outputs = [stream.forward(seen, rows, training) for stream, seen in zip(self.streams, self.seen, strict=True)]
        self.shapes = [output.shape for output in outputs]
        features = np.concatenate([output.reshape(len(rows), -1) for output in outputs], axis=1)
        kernel, bias = (self.weights[name] for name in self.head)
        return features, activate(features @ kernel + bias, "softmax")

    def gradients(self, rows: np.ndarray, labels: np.ndarray, weights: np.ndarray | None) -> tuple[Weights, float, int]:
        """Gradients of the mean weighted cross-entropy; the loss; number of clips classified correctly."""
        features, probabilities = self.forward(rows, training=True)
        each = np.ones(len(rows), features.dtype) if weights is None else weights
        chosen = probabilities[np.arange(len(rows)), labels]
        change = probabilities.copy()
        change[np.arange(len(rows)), labels] -= 1
        change *= (each / len(rows))[:, None]
        kernel, bias = self.head
        found = {kernel: features.T @ change, bias: change.sum(0)}
        back = change @ self.weights[kernel].T
        ends = np.cumsum([math.prod(shape[1:]) for shape in self.shapes])
        for stream, part, shape in zip(self.streams, np.split(back, ends[:-1], axis=1), self.shapes, strict=True):
            stream.backward(part.reshape(shape), found)
        loss = float(-(each * np.log(np.maximum(chosen, EPSILON))).mean())
        return found, loss, int((probabilities.argmax(1) == labels).sum())

    def step(self, rows: np.ndarray, labels: np.ndarray, weights: np.ndarray | None, rate: float) -> tuple[float, int]:
        """One step of Adam on the clips ``rows``, whose class numbers and weights are given.

        Returns the mean loss before the step, and how many clips were classified correctly.
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
        """Write the weights, moving averages among them, into the network."""
        for variable in self.network.weights:
            variable.assign(self.weights[variable.path])


class FastTrainer(Trainer):
    """Trains a network through :class:`FastNetwork`: the steps of the plain trainer, up to rounding."""

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
