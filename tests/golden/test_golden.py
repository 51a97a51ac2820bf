"""Every stage puts out what it did when its version was set; see :mod:`astsvm_lib.stages`.

A changed output fails until the stage's version is raised. ``make golden`` then makes the fingerprint anew.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from fingerprint import differences, fingerprint
from outputs import FILE, GOLDEN, method_output

from astsvm_lib.cache import Cache
from astsvm_lib.methods import METHODS
from astsvm_lib.stages import STAGES, stage_version, stage_versions
from astsvm_lib.storage import write_atomically

METHOD_STAGES = [method.stage for method in METHODS.values()]


def stored() -> dict[str, dict]:
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def what_is_wrong(name: str, versions: dict[str, int], found: dict, kept: dict | None, tolerance: float) -> str:
    """What is wrong, in words; empty where output and versions are as stored."""
    module = f"astsvm_lib.{STAGES[name].module}"
    if kept is None:
        return f"stage {name}: no fingerprint yet; make it with: make golden"
    changed = differences(found, kept["arrays"], tolerance)
    if versions == kept["versions"]:
        where = ", ".join(changed[:4])
        return (
            f"stage {name}: its output has changed ({where}). If that is meant, raise VERSION in {module}, or in the "
            f"stage that it comes from, then: make golden"
            if changed
            else ""
        )
    return (
        f"stage {name}: versions are {versions}, the fingerprint is of {kept['versions']}; renew it with: make golden"
    )


def check(name: str, versions: dict[str, int], arrays: dict, tolerance: float, renew: bool) -> None:
    found = {key: fingerprint(array) for key, array in arrays.items()}
    kept = stored().get(name)
    wrong = what_is_wrong(name, versions, found, kept, tolerance)
    if wrong and renew and (kept is None or versions != kept["versions"]):
        everything = {**stored(), name: {"versions": versions, "arrays": found}}
        lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(everything[key])}" for key in sorted(everything))
        write_atomically(FILE, ("{\n" + lines + "\n}\n").encode())
        return
    assert not wrong, wrong


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory) -> Cache:
    """Clips prepared for one method serve the others."""
    return Cache(tmp_path_factory.mktemp("golden"))


@pytest.fixture
def renew(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--renew-golden"))


@pytest.mark.parametrize("name", GOLDEN)
def test_stage(name: str, shared_cache: Cache, renew: bool):
    golden = GOLDEN[name]
    versions = {stage: stage_version(stage) for stage in (name, *golden.uses)}
    check(name, versions, golden.make(shared_cache), golden.tolerance, renew)


@pytest.mark.parametrize("name", METHODS)
def test_method(name: str, shared_cache: Cache, renew: bool):
    """Scores of each method on a tiny data set."""
    stage = METHODS[name].stage
    check(stage, stage_versions(["rendering", stage]), method_output(name, shared_cache), 0.01, renew)


def test_every_stage_has_a_golden_output():
    assert set(GOLDEN) | set(METHOD_STAGES) == set(STAGES)
    assert set(stored()) == set(STAGES)


def test_a_changed_output_is_refused_until_the_version_is_raised():
    then = {"versions": {"idsf": 1}, "arrays": {"x": fingerprint(numbers(1.0))}}
    same, other = {"x": fingerprint(numbers(1.0 + 1e-7))}, {"x": fingerprint(numbers(1.001))}
    assert what_is_wrong("idsf", {"idsf": 1}, same, then, 1e-4) == ""
    assert "raise VERSION in astsvm_lib.features.idsf" in what_is_wrong("idsf", {"idsf": 1}, other, then, 1e-4)
    assert "renew it with: make golden" in what_is_wrong("idsf", {"idsf": 2}, other, then, 1e-4)
    assert "no fingerprint yet" in what_is_wrong("idsf", {"idsf": 1}, same, None, 1e-4)


@pytest.mark.parametrize("change", [lambda a: a[:-1], lambda a: a + (a == a[500]) * 0.01, lambda a: a[::-1]])
def test_a_fingerprint_shows_any_change(change: Callable):
    array = numbers(1.0)
    now, then = {"x": fingerprint(change(array))}, {"x": fingerprint(array)}
    assert differences(now, then, 1e-5) == ["x"]


def numbers(factor: float) -> np.ndarray:
    return factor * np.random.default_rng(0).random(1000)
