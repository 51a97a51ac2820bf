"""Statements of the chapter "Light laboratory", checked against the stored measurements."""

import json

import numpy as np

from astsvm_lib.datasets import load
from astsvm_lib.evaluation.scores import uf1
from astsvm_lib.evaluation.statistics import by_subject
from astsvm_lib.results import results_folder


def stored(name: str):
    return json.loads((results_folder() / "measurements" / f"{name}.json").read_text(encoding="utf-8"))["value"]


def test_a_drift_of_a_few_per_cent_is_as_large_as_the_expression():
    found = stored("light")
    drift, turn = (np.array(found["means"][name]) for name in ("drift", "light_turn"))
    level, flow_error, change, matched = drift[-1]
    assert round(level, 6) == 0.05
    assert flow_error > found["still"]
    assert change > found["own"]
    assert matched < 0.2 * change
    assert turn[-1, 3] > 0.8 * turn[-1, 2]  # the match does not correct a change of direction


def test_the_scores_do_not_decide_whether_idsf_or_flow_loses_more():
    data, guesses = load("rehearsal-smic"), stored("light-classifier")
    truth, groups = [clip.label for clip in data], [clip.group for clip in data]
    matrices = {
        (kind, name): by_subject(truth, guesses[kind][name], groups, data.classes)
        for kind in ("flow", "IDSF")
        for name in ("steady", "drift 5%")
    }
    subjects = len(next(iter(matrices.values())))
    draws = np.random.default_rng(0).integers(0, subjects, (300, subjects))

    def lost(kind: str) -> np.ndarray:
        steady, drifting = (matrices[kind, name] for name in ("steady", "drift 5%"))
        return np.array([uf1(steady[draw].sum(0)) - uf1(drifting[draw].sum(0)) for draw in draws])

    low, high = np.percentile(lost("IDSF") - lost("flow"), (2.5, 97.5))
    assert low < -0.05
    assert high > 0.05
    assert np.percentile(lost("flow"), 2.5) > 0
