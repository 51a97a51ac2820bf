"""The training step, whole and in parts: milliseconds a sample, as a ratio of the whole.

python benchmarks/training_step.py
"""

from __future__ import annotations

import numpy as np
from common import compare

from astsvm_lib.features import Features
from astsvm_lib.network import build_network, initialise, inputs_of
from astsvm_lib.network.training import compile_network
from astsvm_lib.recipe import Recipe

BATCH = 32


def main() -> None:
    rng = np.random.default_rng(0)
    shape = (BATCH, 10, 192, 192)
    features = Features(rng.random(shape, np.float32), rng.random(shape, np.float32))
    labels = rng.integers(0, 3, BATCH)
    networks = {}
    for name, changes in (
        ("flow only", {"inception": {"streams": "flow"}}),
        ("no attention", {"attention": {"modules": "none"}}),
        ("2D inception only", {"inception": {"modules": "2d"}}),
        ("both streams, FAM, 2D and 3D inception", {}),
    ):
        recipe = Recipe().replace(**changes)
        network = build_network(recipe)
        compile_network(network, recipe.training)
        initialise(network, np.random.default_rng(0))
        networks[name] = network
    compare(
        {
            name: lambda network=network: network.train_on_batch(inputs_of(network, features), labels)  # type: ignore[misc]
            for name, network in networks.items()
        },
        BATCH,
        "sample",
    )


if __name__ == "__main__":
    main()
