"""The baselines: the public one of MEGC2019, and the majority class."""

from dataclasses import replace

import numpy as np

from astsvm_lib.experiments import evaluate, plan
from astsvm_lib.methods import METHODS
from astsvm_lib.methods.megc_baseline import baseline_estimator, parts_of, predict
from astsvm_lib.methods.pooled_svm import pooled
from astsvm_lib.recipe import Recipe
from astsvm_lib.results.store import Store


def test_majority_is_that_of_the_other_subjects(small_dataset, tmp_path):
    record = evaluate(plan(small_dataset, method="majority"), store=Store(tmp_path), progress=False)
    assert record.scores().matrix.tolist() == [[5, 0], [3, 0]]


def test_the_method_decides_as_its_estimator_predicts():
    """One score a class, of which the largest wins, gives the class that the pairwise votes give."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(0, 1, (60, 8)), np.arange(60) % 3
    x += rng.normal(0, 0.7, (3, 8))[y]
    estimator = baseline_estimator().fit(x[:40], y[:40])
    assert np.array_equal(estimator.decision_function(x[40:]).argmax(1), estimator.predict(x[40:]))


def test_the_baseline_learns_a_pattern_and_never_sees_the_tested_subject():
    rng = np.random.default_rng(0)
    labels = ["a", "b"] * 12
    subjects = [f"s/{i // 4}" for i in range(24)]
    maps = rng.normal(0, 1, (24, 4, 4, 3)).astype(np.float32)
    maps[np.array(labels) == "b", 0] += 3
    assert predict(maps, labels, subjects) == labels
    # What the tested subject's labels are called changes nothing in its own predictions.
    swapped = ["b" if label == "a" else "a" for label in labels[:4]] + labels[4:]
    assert predict(maps, swapped, subjects)[:4] == predict(maps, labels, subjects)[:4]


def test_a_linear_svm_on_pooled_inputs_uses_the_streams_of_the_recipe(small_dataset, cache):
    method = METHODS["pooled-svm"]
    both = method.extract(small_dataset.clips, Recipe(), method.settings(), cache, 1, False)
    assert {name: array.shape for name, array in both.items()} == {
        "flow": (8, 10 * 32 * 32), "idsf": (8, 10 * 32 * 32), "subject": (8,)
    }  # fmt: skip
    flow = Recipe().replace(inception={"streams": "flow"}, flow={"component": "both"})
    assert list(method.extract(small_dataset.clips, flow, method.settings(), cache, 1, False)) == [
        "flow_u",
        "flow_v",
        "subject",
    ]
    ramp = np.arange(2 * 192 * 192, dtype=np.float32).reshape(1, 2, 192, 192)
    assert pooled(ramp)[0, 0] == ramp[0, 0, :6, :6].mean()
    assert pooled(ramp)[0, -1] == ramp[0, 1, -6:, -6:].mean()


def test_a_composite_is_scored_as_a_whole_and_by_its_parts(small_dataset):
    parts = parts_of(small_dataset)
    assert list(parts) == ["small"]
    clips = [replace(clip, dataset="other" if i % 2 else "small") for i, clip in enumerate(small_dataset)]
    rows = parts_of(replace(small_dataset, clips=tuple(clips)))
    assert {name: found.tolist() for name, found in rows.items()} == {
        "small": [0, 2, 4, 6],
        "other": [1, 3, 5, 7],
    }
