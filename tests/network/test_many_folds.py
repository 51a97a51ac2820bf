"""Folds trained together against each fold alone, on the plain layers."""

import os
import subprocess
import sys

from astsvm_lib.network.many_folds import applies

TOGETHER = """
import numpy as np
from astsvm_lib.network import build_network, compile_network, initialise, predict, train
from astsvm_lib.network.ast_network import feature_extractor
from astsvm_lib.network.many_folds import FoldRows, ManyFolds, applies
from astsvm_lib.recipe import Recipe

assert not applies()  # JAX, but no GPU
recipe = Recipe().replace(inception={"streams": "flow", "modules": "2d"},
                          training={"batch_size": 3, "class_weights": "balanced", "learning_rate": 1e-4})
network = build_network(recipe)
compile_network(network, recipe.training)
clips = np.abs(np.random.default_rng(0).standard_normal((7, 10, 192, 192))).astype(np.float32)
labels = np.array([0, 1, 2, 0, 1, 2, 0])
parts = [(np.array([2, 3, 4, 5, 6]), np.array([0, 1])), (np.array([0, 1, 2]), np.array([3, 4, 5, 6]))]
rows = [FoldRows(a, b, np.random.default_rng(i)) for i, (a, b) in enumerate(parts)]
together = ManyFolds(network, [clips], labels, recipe, 3).train(rows, 1)  # one place waits
for i, (a, b) in enumerate(parts):
    rng = np.random.default_rng(i)
    initialise(network, rng, recipe.training.attention_start)
    (alone,) = train(network, [clips[a]], labels[a], recipe.training, 1, rng)
    (epoch,) = together[i].epochs
    assert abs(epoch["loss"] - alone["loss"]) < 1e-4, (epoch, alone)
    assert abs(epoch["accuracy"] - alone["accuracy"]) < 1e-6, (epoch, alone)
    features = feature_extractor(network)
    for rows, found in ((a, together[i].known), (b, together[i].tested)):
        assert np.abs(predict(features, [clips[rows]], 3) - found).max() < 1e-4
    assert np.abs(predict(network, [clips[b]], 3) - together[i].probabilities).max() < 1e-4
print("alike")
"""


def test_folds_of_unequal_length_trained_together_are_those_trained_alone():
    done = subprocess.run(
        [sys.executable, "-c", TOGETHER],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.endswith("alike\n"), done.stderr[-2000:]


def test_on_tensorflow_folds_go_one_by_one():
    assert not applies()
