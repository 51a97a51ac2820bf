import os
import subprocess
import sys

import keras
import numpy as np
import pytest

from astsvm_lib.features import Features
from astsvm_lib.models.ast_network import (
    InputScale,
    adapt_inputs,
    build_network,
    feature_extractor,
    inputs_of,
    layer_table,
)
from astsvm_lib.models.fusion_attention import ChannelAttention, SpatialAttention, attention_weights
from astsvm_lib.models.inception import Downsample
from astsvm_lib.models.initialisation import initialise
from astsvm_lib.models.mean_attention import attention_weights_of, with_fixed_attention
from astsvm_lib.models.training.keras_trainer import KerasTrainer, compile_network
from astsvm_lib.recipe import Recipe

TABLE_1 = {"conv2d_1": 32, "conv2d_2": 160, "conv2d_3": 416, "conv3d_4": 448, "conv3d_5": 1216, "conv3d_6": 2368}


def numbers(tensor) -> np.ndarray:
    return keras.ops.convert_to_numpy(tensor)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    return build_network(Recipe())


def test_table_1_to_the_last_parameter(network):
    table = {row["name"]: row for row in layer_table(network)}
    for stream in ("flow", "idsf"):
        for name, parameters in TABLE_1.items():
            assert table[f"{stream}_{name}"]["parameters"] == parameters
            assert table[f"{stream}_{name}"]["output_shape"] == [10, 32, 32, 16]
            assert table[f"{stream}_max_pool3d_{name[-1]}"]["output_shape"] == [4, 11, 11, 16]
        assert table[f"{stream}_concatenate"]["output_shape"] == [4, 11, 11, 96]
        assert table[f"{stream}_flatten"]["output_shape"] == [46464]
    assert table["features"]["output_shape"] == [92928]


@pytest.mark.parametrize(
    ("changes", "length"),
    [
        ({"inception": {"modules": "2d"}}, 46464),
        ({"inception": {"modules": "split"}}, 46464),
        ({"inception": {"streams": "idsf"}}, 46464),
        ({"inception": {"streams": "flow", "modules": "3d"}}, 23232),
        ({"head": {"softmax": "concatenate"}}, 92928),
        ({"inception": {"downsampling": "strided"}}, 92928),
        ({"inception": {"downsampling": "bilinear"}}, 92928),
        ({"attention": {"modules": "none"}}, 92928),
        ({"flow": {"component": "both"}}, 139392),
        ({"training": {"input_scale": "none"}}, 92928),
        ({"attention": {"order": "spatial-first", "perceptron": "shared"}}, 92928),
    ],
)
def test_other_readings_build(changes, length):
    recipe = Recipe().replace(**changes)
    built = build_network(recipe)
    assert built.get_layer("features").output.shape[-1] == length
    names = [layer.name for layer in built.layers]
    if recipe.attention.order == "spatial-first":
        assert names.index("flow_sam") < names.index("flow_cam")
    if recipe.attention.modules == "none":
        assert not [name for name in names if name.endswith(("cam", "sam"))]


def test_inputs_are_divided_by_the_deviation_of_the_training_clips_and_the_factor_is_not_trained():
    network = build_network(Recipe())
    rng = np.random.default_rng(0)
    flow, idsf = (
        rng.normal(mean, deviation, (3, 10, 192, 192)).astype("f4") for mean, deviation in ((2, 5), (0, 0.01))
    )
    adapt_inputs(network, [flow, idsf])
    layer = network.get_layer("flow_scale")
    assert float(layer.scale) == pytest.approx(1 / flow.std(), rel=1e-4)
    assert numbers(layer(flow)).std() == pytest.approx(1, rel=1e-4)
    assert float(network.get_layer("idsf_scale").scale) == pytest.approx(1 / idsf.std(), rel=1e-4)
    assert not layer.trainable_variables
    adapt_inputs(network, [np.zeros_like(flow), idsf])
    assert float(layer.scale) == 1  # a constant input is passed on unchanged
    plain = build_network(Recipe().replace(training={"input_scale": "none"}))
    assert not any(isinstance(other, InputScale) for other in plain.layers)


def test_fixed_attention_equals_the_network_whose_weights_it_has():
    """Weights of 1 give the network without attention; its own weights of a single clip give the network itself."""
    rng = np.random.default_rng(0)
    network = build_network(Recipe())
    initialise(network, rng, "glorot")
    inputs = [rng.normal(0, 1, (2, 10, 192, 192)).astype("f4") for _ in network.inputs]
    weights = attention_weights_of(network, inputs)
    assert {name: w.shape for name, w in weights.items()} == {
        f"{stream}_{block}": (2, 10, 1, 1) if block == "cam" else (2, 1, 192, 192)
        for stream in ("flow", "idsf")
        for block in ("cam", "sam")
    }
    one = [x[:1] for x in inputs]
    features, probabilities = with_fixed_attention(network, {name: w[:1] for name, w in weights.items()})(one)
    assert np.allclose(numbers(probabilities), numbers(network(one)), atol=1e-5)
    bare = build_network(Recipe().replace(attention={"modules": "none"}))
    for layer in bare.layers:
        if layer.weights:
            layer.set_weights(network.get_layer(layer.name).get_weights())
    ones, _ = with_fixed_attention(network, {name: np.ones_like(w[:1]) for name, w in weights.items()})(one)
    assert np.allclose(numbers(ones), numbers(feature_extractor(bare)(one)), atol=1e-4)
    assert not np.allclose(numbers(ones), numbers(features), atol=1e-2)


def test_parameters_of_the_attention_blocks():
    x = np.zeros((1, 10, 12, 12), "float32")
    channel, shared, spatial = ChannelAttention(), ChannelAttention(perceptron="shared"), SpatialAttention()
    sigmoid = SpatialAttention(activation="sigmoid")
    for block in (channel, shared, spatial, sigmoid):
        assert block(x).shape == x.shape
    assert channel.count_params() == 2 * (10 * 5 + 5 + 5 * 10 + 10) + 4 * 10
    assert shared.count_params() == (10 * 5 + 5 + 5 * 10 + 10) + 4 * 10
    assert spatial.count_params() == 2 * 49 + 4 * 10
    assert sigmoid.count_params() == 2 * 49 + 1 + 4 * 10


def test_attention_weights_by_hand():
    scores = np.log(np.array([[1.0, 2.0, 5.0]], "float32"))
    assert numbers(attention_weights(scores, "softmax"))[0] == pytest.approx([0.125, 0.25, 0.625])
    assert numbers(attention_weights(scores, "scaled-softmax"))[0] == pytest.approx([0.375, 0.75, 1.875])
    assert numbers(attention_weights(scores, "sigmoid"))[0] == pytest.approx([1 / 2, 2 / 3, 5 / 6])


def test_channel_attention_by_hand():
    """Two frames, one hidden unit, batch norm at rest (it divides by sqrt(1 + 1e-3))."""
    block = ChannelAttention(hidden_units=1, activation="softmax")
    x = np.array([[[[1.0, 3.0]], [[0.0, 8.0]]]], "float32")
    block.build(x.shape)
    block.hidden[0].set_weights([np.array([[1.0], [0.0]]), np.zeros(1)])  # mean path: sees frame 1
    block.hidden[1].set_weights([np.array([[0.0], [1.0]]), np.zeros(1)])  # max path: sees frame 2
    block.excite[0].set_weights([np.array([[1.0, 0.0]]), np.zeros(2)])
    block.excite[1].set_weights([np.array([[0.0, 0.5]]), np.zeros(2)])
    norm = np.sqrt(1 + 1e-3)
    scores = np.array([2.0, 4.0]) / norm  # mean of frame 1 is 2; half the maximum of frame 2 is 4
    weights = np.exp(scores) / np.exp(scores).sum()
    assert numbers(block.weights_of(x))[0, :, 0, 0] == pytest.approx(weights, rel=1e-5)
    assert numbers(block(x))[0] == pytest.approx(x[0] * weights[:, None, None], rel=1e-5)


def test_spatial_attention_by_hand():
    """1 x 1 kernels: the score is a * mean + b * max over the frames."""
    block = SpatialAttention(kernel_size=1)
    x = np.array([[[[1.0, 2.0]], [[3.0, 0.0]]]], "float32")
    block.build(x.shape)
    block.coarse.set_weights([np.full((1, 1, 1, 1), 2.0)])
    block.fine.set_weights([np.full((1, 1, 1, 1), -1.0)])
    norm = np.sqrt(1 + 1e-3)
    scores = np.array([2 * 2.0 - 3.0, 2 * 1.0 - 2.0]) / norm
    weights = 2 * np.exp(scores) / np.exp(scores).sum()
    assert numbers(block.weights_of(x))[0, 0, 0] == pytest.approx(weights, rel=1e-5)


def test_a_softmax_takes_the_signal_away_and_the_scaled_one_keeps_it():
    x = np.random.default_rng(0).random((2, 10, 24, 24)).astype("float32")
    for blocks in (ChannelAttention, SpatialAttention):
        kept, lost = blocks(activation="scaled-softmax"), blocks(activation="softmax")
        assert numbers(kept(x)).mean() == pytest.approx(x.mean(), rel=0.5)
        lost.build(x.shape)
        places = 10 if blocks is ChannelAttention else 24 * 24
        assert numbers(lost.weights_of(x)).mean() == pytest.approx(1 / places, rel=1e-4)


def test_average_downsampling_by_hand():
    x = np.arange(2 * 2 * 12 * 12, dtype="float32").reshape(2, 2, 12, 12)
    small = numbers(Downsample("average", size=2)(x))
    assert small.shape == (2, 2, 2, 2, 1)
    assert small[0, 0, 0, 1, 0] == pytest.approx(x[0, 0, :6, 6:].mean())
    with pytest.raises(ValueError, match="same multiple of 5"):
        Downsample("average", size=5)(x)


@pytest.mark.parametrize(
    "block", [ChannelAttention(hidden_units=3), SpatialAttention(kernel_size=3), Downsample(size=4)]
)
def test_layers_can_be_serialised(block):
    x = np.random.default_rng(0).random((1, 10, 12, 12)).astype("float32")
    expected = numbers(block(x))
    again = type(block).from_config(block.get_config())
    again.build(x.shape)
    again.set_weights(block.get_weights())
    assert numbers(again(x)) == pytest.approx(expected)


def test_initial_weights_depend_on_the_generator_alone(network):
    initialise(network, np.random.default_rng(3))
    first = [numbers(v) for v in network.weights]
    initialise(network, np.random.default_rng(4))
    other = [numbers(v) for v in network.weights]
    initialise(network, np.random.default_rng(3))
    assert all(np.array_equal(a, numbers(v)) for a, v in zip(first, network.weights, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(first, other, strict=True))
    kernel = numbers(network.get_layer("flow_conv2d_3").kernel)
    limit = np.sqrt(6 / (25 * (1 + 16)))
    assert 0.9 * limit < np.abs(kernel).max() <= limit


def test_a_neutral_start_passes_the_input_through(network):
    initialise(network, np.random.default_rng(0), "neutral")
    x = np.random.default_rng(1).random((1, 10, 192, 192)).astype("float32")
    for name in ("flow_cam", "flow_sam"):
        assert numbers(network.get_layer(name)(x)) == pytest.approx(x, rel=1e-5)
    initialise(network, np.random.default_rng(0), "glorot")
    assert numbers(network.get_layer("flow_sam").weights_of(x)).max() > 1.1


@pytest.fixture
def toy() -> tuple[Features, np.ndarray]:
    """Six clips of two classes: motion in the upper or in the lower half."""
    rng = np.random.default_rng(0)
    maps = 0.05 * rng.random((6, 10, 192, 192), np.float32)
    labels = np.array([0, 1, 0, 1, 0, 1])
    for row, label in enumerate(labels):
        maps[row, 3:8, 96 * label : 96 * label + 96] += 0.5
    return Features(maps, maps - maps[:, :1]), labels


def test_training_learns_repeats_itself_and_reports(toy):
    features, labels = toy
    recipe = Recipe().replace(attention={"modules": "none"}, training={"learning_rate": 1e-3})
    net = build_network(recipe, 2)
    compile_network(net, recipe.training)
    trainer, beats = KerasTrainer(net, recipe.training), []

    def run():
        rng = np.random.default_rng(0)
        initialise(net, rng, recipe.training.attention_start)
        return trainer.fit(inputs_of(net, features), labels, 6, rng, lambda: beats.append(1))

    first = run()
    assert len(beats) == 6
    second = run()
    assert len(first) == 6
    assert first[-1]["loss"] < first[0]["loss"]
    assert second[0]["loss"] == pytest.approx(first[0]["loss"], rel=1e-3)  # nothing of the first run is left
    vectors, _ = trainer.predict(inputs_of(net, features))
    assert vectors.shape == (6, 92928)
    assert vectors.min() >= 0  # after a ReLU


def test_an_epoch_is_reported_as_the_mean_over_its_clips(toy, monkeypatch):
    features, labels = toy
    recipe = Recipe().replace(attention={"modules": "none"}, training={"batch_size": 4})
    net = build_network(recipe, 2)
    compile_network(net, recipe.training)

    def one_step(inputs, truth, **options):
        return {4: {"loss": 1.0, "accuracy": 0.5}, 2: {"loss": 4.0, "accuracy": 1.0}}[len(truth)]

    trainer = KerasTrainer(net, recipe.training)
    monkeypatch.setattr(trainer._trained, "train_on_batch", one_step)
    (epoch,) = trainer.fit(inputs_of(net, features), labels, 1, np.random.default_rng(0))
    assert epoch == pytest.approx({"epoch": 1, "loss": 2.0, "accuracy": 2 / 3})


SAME_ON = """
import sys
import numpy as np
from astsvm_lib.models.ast_network import build_network
from astsvm_lib.models.initialisation import initialise
from astsvm_lib.recipe import Recipe
import keras
activation = sys.argv[2]
network = build_network(Recipe().replace(attention={"activation": activation}))
initialise(network, np.random.default_rng(5), "glorot")
rng = np.random.default_rng(6)
x = [rng.random((2, 10, 192, 192)).astype("float32") for _ in range(2)]
features = keras.Model(network.inputs, network.get_layer("features").output)
np.savez(sys.argv[1], features=keras.ops.convert_to_numpy(features(x)), head=keras.ops.convert_to_numpy(network(x)),
         tensorflow="tensorflow" in sys.modules)
"""


@pytest.mark.parametrize("activation", ["scaled-softmax", "sigmoid"])
def test_tensorflow_and_jax_agree_on_the_same_weights(tmp_path, activation):
    results = {}
    for backend in ("tensorflow", "jax"):
        out = tmp_path / f"{backend}.npz"
        subprocess.run(
            [sys.executable, "-c", SAME_ON, str(out), activation],
            env={**os.environ, "KERAS_BACKEND": backend},
            check=True,
        )
        results[backend] = np.load(out)
    assert not results["jax"]["tensorflow"]  # nothing imports tensorflow when another backend is chosen
    for name in ("features", "head"):
        a, b = results["tensorflow"][name], results["jax"][name]
        assert np.abs(a - b).max() < 1e-5 * max(1.0, np.abs(a).max())
