"""Statements of the chapter "From rendered faces to real ones", checked against the stored runs."""

import numpy as np
import pytest

from astsvm_lib.evaluation.statistics import compare
from astsvm_lib.experiments.real_motion import ACROSS, WRONG, Question
from astsvm_lib.results.store import Store


def matrices(question: Question) -> np.ndarray:
    return np.stack([record.subject_matrices(question.head) for record in question.records(Store())])


def named(name: str) -> np.ndarray:
    return matrices(next(question for question in ACROSS if question.name == name))


def interval(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    return compare(a, b, np.random.default_rng(0)).uf1_interval


def uf1_of(found: np.ndarray) -> float:
    pooled = found.sum(1)
    return float(np.mean(2 * np.diagonal(pooled, 0, 1, 2) / (pooled.sum(1) + pooled.sum(2))))


def test_the_vertical_component_is_ahead_of_the_horizontal_one_on_real_maps():
    for what in ("{} only, trained on rendered faces", "{} only, real maps, LOSO"):
        low, _ = interval(named(what.format("v")), named(what.format("u")))
        assert low > 0


def test_the_vertical_component_alone_is_not_told_from_all_three_maps():
    low, high = interval(named("v only, trained on rendered faces"), named("trained on rendered faces only"))
    assert low < 0 < high


def test_the_deficit_of_rendered_training_is_significant_only_without_standardisation():
    loso = named("real maps, LOSO")
    low, high = interval(named("trained on rendered faces only"), loso)
    assert low < 0 < high
    _, high = interval(named("trained on rendered faces only, not standardised by corpus"), loso)
    assert high < 0


def test_wrong_maps_lower_the_score():
    right = uf1_of(named("trained on rendered faces only"))
    wrong = sorted(uf1_of(matrices(question)) for question in WRONG)
    assert right == pytest.approx(0.686, abs=0.005)
    assert wrong[-1] < right - 0.05  # the horizontal flow mirrored
    assert wrong[-2] < 0.5
