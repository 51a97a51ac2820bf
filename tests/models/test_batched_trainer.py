"""Folds trained in batches against each fold alone, on the plain layers."""

import os
import subprocess
import sys

from astsvm_lib.models.training.batched_trainer import supports

BATCHED = """
import numpy as np
from astsvm_lib.evaluation.loso import Fold
from astsvm_lib.models.ast_network import build_network
from astsvm_lib.models.training.batched_trainer import BatchedTrainer, supports
from astsvm_lib.models.training.keras_trainer import KerasTrainer, compile_network
from astsvm_lib.recipe import Recipe

recipe = Recipe().replace(inception={"streams": "flow", "modules": "2d"},
                          training={"batch_size": 3, "class_weights": "balanced", "learning_rate": 1e-4})
network = build_network(recipe)
assert not supports()  # JAX, but no GPU
compile_network(network, recipe.training)
clips = np.abs(np.random.default_rng(0).standard_normal((8, 10, 192, 192))).astype(np.float32)
labels = np.array([0, 1, 2, 0, 1, 2, 0, 1])
parts = [([2, 3, 4, 5, 6], [0, 1, 7]), ([0, 1, 2], [3, 4, 5, 6]), ([5, 6, 7, 0], [1, 2])]
folds = [Fold(str(i), np.array(a), np.array(b)) for i, (a, b) in enumerate(parts)]
seeded = lambda: [(fold, np.random.default_rng(i)) for i, fold in enumerate(folds)]
alone = list(KerasTrainer(network, recipe.training).fit_folds([clips], labels, seeded(), 1))
trainer = BatchedTrainer(network, recipe.training)
trainer.folds_at_once = 2  # three folds: two batches, one of which has a place that waits
batched = list(trainer.fit_folds([clips], labels, seeded(), 1))
assert len(batched) == len(alone) == 3
for a, b in zip(batched, alone):
    (first,), (second,) = a.history, b.history
    assert abs(first["loss"] - second["loss"]) < 1e-4, (first, second)
    assert abs(first["accuracy"] - second["accuracy"]) < 1e-6, (first, second)
    for name in ("train_features", "test_features", "probabilities"):
        assert np.abs(getattr(a, name) - getattr(b, name)).max() < 1e-4, name
print("alike")
"""


SATURATED = """
import numpy as np
from astsvm_lib.evaluation.loso import Fold
from astsvm_lib.models.ststnet import ststnet
from astsvm_lib.models.training import batched_trainer
from astsvm_lib.models.training.keras_trainer import KerasTrainer, compile_network
from astsvm_lib.recipe import Optimisation

options = Optimisation(batch_size=4, learning_rate=1e-2)
network = ststnet(batch_norm=False, dropout=0.0)
compile_network(network, options)
maps = [np.random.default_rng(i).random((4, 28, 28)).astype(np.float32) * 1e4 for i in range(3)]
fold = Fold("left out", np.arange(4), np.arange(4))
for trainer in (KerasTrainer(network, options), batched_trainer.BatchedTrainer(network, options)):
    (outputs,) = trainer.fit_folds(maps, np.array([0, 1, 2, 2]), [(fold, np.random.default_rng(1))], 60)
    losses = [epoch["loss"] for epoch in outputs.history]
    assert losses[0] > 17 and losses[-1] < losses[0] / 4, losses  # Keras clips probabilities: at most 16.1
print("learnt")
"""


def _on_jax(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_folds_of_unequal_length_trained_in_batches_are_those_trained_alone():
    done = _on_jax(BATCHED)
    assert done.stdout.endswith("alike\n"), done.stderr[-2000:]


def test_networks_learn_from_clips_that_they_predict_very_wrongly():
    done = _on_jax(SATURATED)
    assert done.stdout.endswith("learnt\n"), done.stderr[-2000:]


def test_on_tensorflow_folds_are_trained_one_by_one():
    assert not supports()
