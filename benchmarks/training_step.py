"""The training step: the fast form against the plain layers, for the network and parts of it; and its growth.

python benchmarks/training_step.py [THREADS]     (1 by default: folds run at once, a thread each)
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import Any

THREADS = sys.argv[1] if len(sys.argv) > 1 else "1"
os.environ.update(TF_NUM_INTRAOP_THREADS=THREADS, TF_NUM_INTEROP_THREADS="1")
os.environ["OMP_NUM_THREADS"] = "1"  # NumPy's own threads wait busily; a fold's runner gives it one, too

import numpy as np  # noqa: E402
from common import compare  # noqa: E402

from astsvm_lib.models.ast_network import build_network  # noqa: E402
from astsvm_lib.models.initialisation import initialise  # noqa: E402
from astsvm_lib.models.training.fast.engine import FastNetwork  # noqa: E402
from astsvm_lib.models.training.keras_trainer import compile_network  # noqa: E402
from astsvm_lib.models.training.selection import select_trainer  # noqa: E402
from astsvm_lib.recipe import Recipe  # noqa: E402

BATCH = 32
NETWORKS = {
    "flow only": {"inception": {"streams": "flow"}},
    "no attention": {"attention": {"modules": "none"}},
    "2D inception only": {"inception": {"modules": "2d"}},
    "both streams, FAM, 2D and 3D inception": {},
}


def main() -> None:
    rng = np.random.default_rng(0)
    clips = {name: rng.random((BATCH, 10, 192, 192), np.float32) for name in ("flow", "idsf")}
    labels, rows = rng.integers(0, 3, BATCH), np.arange(BATCH)
    steps: dict[str, Callable[[], Any]] = {}
    for name, changes in NETWORKS.items():
        recipe = Recipe().replace(**changes)
        network = build_network(recipe)
        compile_network(network, recipe.training)
        initialise(network, np.random.default_rng(0))
        inputs = [clips[tensor.name] for tensor in network.inputs]
        fast = FastNetwork(network, inputs)
        steps[f"plain: {name}"] = partial(network.train_on_batch, inputs, labels)
        steps[f"fast: {name}"] = partial(fast.step, rows, labels, None, 1e-3)
    print(f"{THREADS} thread(s)")
    times = compare(steps, BATCH, "sample")
    for name in NETWORKS:
        print(f"  {name:<44}{times[f'plain: {name}'] / times[f'fast: {name}']:8.2f} times faster")

    print("growth: one epoch of the full network, then of one fold after the other")
    trainer, seen = select_trainer(network, recipe.training), dict[str, float]()
    for count in (32, 64, 128):
        inputs = [np.tile(clips[name], (count // BATCH, 1, 1, 1)) for name in ("flow", "idsf")]
        start = time.perf_counter()
        trainer.fit(inputs, np.tile(labels, count // BATCH), 1, rng)
        seen[f"{count} clips"] = time.perf_counter() - start
    inputs = [clips["flow"], clips["idsf"]]
    for folds in (1, 2, 4):
        start = time.perf_counter()
        for _ in range(folds):
            initialise(network, rng)
            trainer.fit(inputs, labels, 1, rng)
        seen[f"{folds} folds of 32 clips"] = time.perf_counter() - start
    for name, seconds in seen.items():
        print(f"  {name:<44}{seconds:10.2f} s{seconds / seen['32 clips']:8.2f} x")


if __name__ == "__main__":
    main()
