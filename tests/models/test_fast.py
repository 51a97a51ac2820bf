"""The fast form against autodiff of the plain layers, in float64."""

from __future__ import annotations

from collections.abc import Iterator

import keras
import numpy as np
import pytest

from astsvm_lib.models.ast_network import build_network
from astsvm_lib.models.initialisation import initialise
from astsvm_lib.models.training.fast.engine import FastNetwork, FastTrainer, supports
from astsvm_lib.models.training.keras_trainer import KerasTrainer, compile_network
from astsvm_lib.models.training.selection import select_trainer
from astsvm_lib.recipe import Recipe

CLIPS = 4
VARIANTS: dict[str, dict[str, dict[str, object]]] = {
    "paper": {},
    "sigmoid, shared perceptron": {"attention": {"activation": "sigmoid", "perceptron": "shared"}},
    "SAM alone, literal softmax": {"attention": {"modules": "sam", "activation": "softmax"}},
    "CAM alone, 3D alone": {"attention": {"modules": "cam"}, "inception": {"modules": "3d"}},
    "no attention, flow, 2D": {"attention": {"modules": "none"}, "inception": {"streams": "flow", "modules": "2d"}},
    "split": {"inception": {"modules": "split"}},
    "strided, both components": {"inception": {"downsampling": "strided"}, "flow": {"component": "both"}},
    "strided, CAM alone": {"inception": {"downsampling": "strided"}, "attention": {"modules": "cam"}},
    "inputs as they are": {"training": {"input_scale": "none"}},
    "softmax over the concatenated features": {"head": {"softmax": "concatenate"}},
}


def _slices_pooled(self: keras.layers.MaxPooling3D, x: keras.KerasTensor) -> keras.KerasTensor:
    """ "Same" pooling as maxima of slices: TensorFlow's own knows no float64."""
    from keras import ops

    x = ops.pad(x, ((0, 0), (1, 1), (0, 1), (0, 1), (0, 0)), constant_values=-1e30)
    x = ops.maximum(ops.maximum(x[:, 0::3], x[:, 1::3]), x[:, 2::3])
    x = ops.maximum(ops.maximum(x[:, :, 0::3], x[:, :, 1::3]), x[:, :, 2::3])
    return ops.maximum(ops.maximum(x[:, :, :, 0::3], x[:, :, :, 1::3]), x[:, :, :, 2::3])


@pytest.fixture
def float64(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(keras.layers.MaxPooling3D, "call", _slices_pooled)
    for kind in ("float64", "float32"):
        keras.config.set_floatx(kind)
        keras.config.set_dtype_policy(kind)
        if kind == "float64":
            yield


def _clips(rng: np.random.Generator, kind: str, count: int = CLIPS) -> dict[str, np.ndarray]:
    shape = (count, 10, 192, 192)
    return {name: rng.standard_normal(shape).astype(kind) for name in ("flow", "idsf", "flow_u", "flow_v")}


def _network(changes: dict[str, dict[str, object]], rng: np.random.Generator) -> keras.Model:
    recipe = Recipe().replace(**changes)
    network = build_network(recipe)
    compile_network(network, recipe.training)
    initialise(network, rng, "glorot")
    for variable in network.weights:  # biases and scales away from where they start
        if "kernel" not in variable.path:
            variable.assign(variable + 0.3 * rng.random(variable.shape))
    return network


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("name", VARIANTS)
def test_gradients_equal_autodiff(name: str):
    tensorflow = pytest.importorskip("tensorflow")
    rng = np.random.default_rng(1)
    network = _network(VARIANTS[name], rng)
    assert supports(network)
    clips, labels = _clips(rng, "float64"), np.array([0, 2, 1, 2])
    inputs, weights = [clips[tensor.name] for tensor in network.inputs], np.array([1.5, 0.5, 1.0, 1.0])
    fast = FastNetwork(network, inputs)
    with tensorflow.GradientTape() as tape:
        probabilities = network(inputs, training=True)
        losses = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
        loss = tensorflow.reduce_mean(losses * weights)
    expected = tape.gradient(loss, network.trainable_variables)
    found, fast_loss, correct = fast.gradients(np.arange(CLIPS), labels, weights)
    assert fast_loss == pytest.approx(float(loss), abs=1e-9)
    assert correct == (np.asarray(probabilities).argmax(1) == labels).sum()
    for variable, gradient in zip(network.trainable_variables, expected, strict=True):
        gradient = np.asarray(gradient)
        assert np.abs(found[variable.path] - gradient).max() <= 1e-9 * np.abs(gradient).max() + 1e-18, variable.path
    for variable in network.non_trainable_variables:  # moving averages of the batch norms
        assert np.allclose(fast.weights[variable.path], variable, rtol=1e-9, atol=1e-12), variable.path


@pytest.mark.parametrize("changes", [{}, {"inception": {"downsampling": "bilinear"}}])  # TensorFlow resizes in float32
def test_training_and_inference_follow_the_plain_layers(changes: dict[str, dict[str, object]]):
    rng = np.random.default_rng(2)
    clips, labels = _clips(rng, "float32", 6), np.array([0, 1, 2, 0, 1, 2])
    recipe = Recipe().replace(training={"batch_size": 4, "class_weights": "balanced", "learning_rate": 1e-5}, **changes)
    histories, trainers = [], []
    for kind in (KerasTrainer, FastTrainer):
        network = build_network(recipe)
        compile_network(network, recipe.training)
        initialise(network, np.random.default_rng(3))
        inputs = [clips[tensor.name] for tensor in network.inputs]
        trainers.append(kind(network, recipe.training))
        histories.append(trainers[-1].fit(inputs, labels, 3, np.random.default_rng(4)))
    for a, b in zip(*histories, strict=True):
        assert a["epoch"] == b["epoch"]
        assert a["loss"] == pytest.approx(b["loss"], rel=1e-4)
        assert a["accuracy"] == pytest.approx(b["accuracy"])
    # the weights were written back: the plain layers and the fast form now agree, with moving averages
    features, probabilities = trainers[1].predict(inputs)
    plain_features, plain_probabilities = KerasTrainer(network, recipe.training).predict(inputs)
    assert np.allclose(features, plain_features, atol=1e-4)
    assert np.allclose(probabilities, plain_probabilities, atol=1e-5)


@pytest.mark.parametrize(
    "changes",
    [
        {"attention": {"order": "spatial-first"}},
        {"attention": {"kernel_size": 5}},
    ],
)
def test_what_the_fast_trainer_does_not_support_is_trained_by_keras(changes: dict[str, dict[str, object]]):
    recipe = Recipe().replace(**changes)
    network = build_network(recipe)
    assert not supports(network)
    assert type(select_trainer(network, recipe.training)) is KerasTrainer


def test_on_tensorflow_without_a_gpu_the_fast_trainer_is_selected():
    assert type(select_trainer(build_network(Recipe()), Recipe().training)) is FastTrainer
