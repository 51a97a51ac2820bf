"""Statements of the chapter "Table 12" on intervals, p-values and the paper's gains."""

import numpy as np
import pytest

from astsvm_lib.evaluation.statistics import compare
from astsvm_lib.paper.published import published


@pytest.mark.parametrize("differ", [1, 2, 3, 4, 6])
def test_subjects_that_do_not_differ_do_not_contribute_to_the_p_value(differ: int):
    first = np.tile(np.diag([2, 2, 2]), (8, 1, 1))
    second = first.copy()
    second[:differ, 0] = [1, 1, 0]
    assert compare(first[None], second[None], np.random.default_rng(0)).uf1_p == pytest.approx(2 / 2**differ)


def test_an_interval_can_exclude_zero_where_no_difference_can_be_significant():
    first = np.tile(np.diag([2, 2, 2]), (8, 1, 1))
    second = first.copy()
    second[:4, 0] = [1, 1, 0]
    found = compare(first[None], second[None], np.random.default_rng(0))
    assert found.uf1_interval[0] > 0
    assert found.uf1_p > 0.05


def test_the_paper_reports_the_svm_ahead_of_the_softmax_head_on_all_data_sets():
    scores = published(12).pivot(index="method", columns="dataset", values=["uar", "uf1"])
    assert (scores.loc["AST+SVMNET"] > scores.loc["FC+Softmax"]).all()
