"""The SVM on stretched maps: its channels, controls and classifiers."""

import numpy as np
import pytest

from astsvm_lib.errors import CompanionError
from astsvm_lib.methods import METHODS, FitConfig
from astsvm_lib.methods.maps_svm import MapsSvmSettings
from astsvm_lib.methods.megc_baseline import baseline_estimator
from astsvm_lib.methods.onset_apex_network import MAPS
from astsvm_lib.recipe import Recipe

METHOD = METHODS["maps-svm"]


def clips(seed: int, count: int = 60) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Maps in which v tells three classes apart, u two of them, and strain none."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    maps = {name: rng.normal(0.5, 0.1, (count, 784)).astype(np.float32) for name in MAPS}
    maps["v"][:, :300] += 0.08 * (labels - 1)[:, None]
    maps["u"][:, 400:] += 0.08 * (labels == 2)[:, None]
    return maps | {"subject": np.arange(count) // 6}, labels


def accuracy(**changes) -> float:
    settings = MapsSvmSettings().replace(**changes)
    (train, labels), (test, truth) = clips(0), clips(1)
    config = FitConfig(3, Recipe(), settings, 0, 0)
    found = METHOD.fit_predict(train, labels, test, config, np.random.default_rng(0)).heads["svm"]
    assert found.shape == (60, 3)
    return float((found.argmax(1) == truth).mean())


def test_each_map_carries_what_it_carries():
    assert accuracy() > 0.9
    assert accuracy(input={"channels": "v"}) > 0.9
    assert 0.45 < accuracy(input={"channels": "u"}) < 0.9
    assert accuracy(input={"channels": "strain"}) < 0.6


def test_wrong_maps_of_the_training_clips_mislead():
    assert accuracy(input={"training": "u -v strain"}) < 0.4
    assert accuracy(input={"training": "strain u v"}) < 0.6
    assert accuracy(input={"channels": "u", "training": "v u strain"}) < 0.5
    assert accuracy(input={"channels": "v", "training": "-u v strain"}) == accuracy(input={"channels": "v"})


def test_the_default_is_the_public_baselines_classifier():
    (train, labels), (test, _) = clips(0), clips(1)
    config = FitConfig(3, Recipe(), MapsSvmSettings(), 0, 0)
    found = METHOD.fit_predict(train, labels, test, config, np.random.default_rng(0)).heads["svm"]
    rows = [np.concatenate([maps[name] for name in MAPS], axis=1) for maps in (train, test)]
    expected = baseline_estimator().fit(rows[0], labels).decision_function(rows[1])
    np.testing.assert_allclose(found, expected)


@pytest.mark.parametrize("svm", [{"kernel": "linear"}, {"multiclass": "one-vs-rest", "tuning": "inner"}, {"C": 10.0}])
def test_other_classifiers(svm):
    assert accuracy(svm=svm) > 0.9


def test_settings_that_would_be_ignored_or_mean_nothing_are_refused():
    for svm in ({"tuning": "inner"}, {"tuning": "inner", "multiclass": "one-vs-rest", "C": 2.0}):
        with pytest.raises(CompanionError, match="inner validation: expected multiclass one-vs-rest and no value of C"):
            MapsSvmSettings().replace(svm=svm)
    for training in ("u v", "u v w", "u, v, strain", "--u v strain"):
        with pytest.raises(CompanionError, match=r"input.training"):
            MapsSvmSettings().replace(input={"training": training})
