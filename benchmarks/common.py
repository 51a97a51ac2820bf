"""What the benchmarks share: a fair way to time two things in one run."""

from __future__ import annotations

import importlib.util
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from astsvm_lib.results import provenance


def compare(runs: Mapping[str, Callable[[], Any]], units: int, unit: str, rounds: int = 5) -> dict[str, float]:
    """Time several ways to do the same, in turn, and print them as ratios of the last.

    Parameters
    ----------
    runs
        Name -> what to time; each is called once before the clock starts.
    units, unit
        How many things one call does, and what they are.
    rounds
        Calls of each; the median counts.

    Returns
    -------
    dict
        Median milliseconds a unit.
    """
    for run in runs.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name].append(1000 * (time.perf_counter() - start) / units)
    median = {name: statistics.median(values) for name, values in times.items()}
    reference = list(median.values())[-1]
    print(f"{provenance.processor()}; median of {rounds}")
    for name, value in median.items():
        print(f"  {name:<44}{value:10.2f} ms a {unit}{value / reference:8.2f} x")
    return median


def reference_descriptors() -> ModuleType:
    """The descriptors as plain loops, which the tests hold the library's against."""
    path = Path(__file__).parents[1] / "tests" / "descriptors" / "reference.py"
    spec = importlib.util.spec_from_file_location("reference", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
