"""Statements of the chapter "LOSO, UAR and UF1" that can be computed without training."""

import itertools

import numpy as np
import pytest

from astsvm_lib.evaluation import uar, uf1
from astsvm_lib.experiments.real_motion import WITHIN
from astsvm_lib.results.record import Record
from astsvm_lib.results.store import Store


@pytest.fixture(scope="module")
def majority() -> Record:
    question = next(question for question in WITHIN if question.name == "Majority class")
    (record,) = question.records(Store())
    return record


def test_uf1_can_be_above_uar_with_classes_of_equal_size():
    example = np.array([[0, 10, 0], [10, 0, 0], [5, 0, 5]])
    assert uar(example) == pytest.approx(1 / 6)
    assert uf1(example) == pytest.approx(2 / 9)


def test_uf1_is_not_above_uar_with_one_kind_of_error_and_classes_of_equal_size():
    for true, predicted in itertools.permutations(range(3), 2):
        for wrong in range(11):
            matrix = np.diag([10, 10, 10])
            matrix[true, true] -= wrong
            matrix[true, predicted] += wrong
            assert uf1(matrix) <= uar(matrix) + 1e-12


def test_uar_can_be_above_accuracy():
    matrix = np.array([[60, 40, 0], [0, 10, 0], [0, 0, 10]])
    assert uar(matrix) > np.trace(matrix) / matrix.sum()


def test_the_mean_over_folds_rewards_the_majority_class_on_megc2019(majority: Record):
    each = majority.subject_matrices("majority")
    assert each.shape == (68, 3, 3)
    assert each.sum((0, 2)).tolist() == [250, 109, 83]
    assert uar(each.sum(0)) == pytest.approx(1 / 3)
    assert uf1(each.sum(0)) < 0.25
    assert np.mean([uar(matrix) for matrix in each]) > 0.5
    assert np.mean([uf1(matrix) for matrix in each]) > 0.4


def test_names_of_clips_repeat_in_megc2019_but_subjects_do_not(majority: Record):
    names = [clip.key.split("/")[-1] for clip in majority.clips]
    assert len(set(names)) < len(names) == len({clip.key for clip in majority.clips})
    subjects = {clip.subject for clip in majority.clips}
    assert len({subject.split("/")[1] for subject in subjects}) == len(subjects)
