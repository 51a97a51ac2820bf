"""Statements of the chapter "Transfer to the SVM" on biases, computed on small Gram matrices."""

import numpy as np
import pytest
from sklearn.svm import SVC


def fitted(gram: np.ndarray, y: np.ndarray, penalty: float) -> SVC:
    return SVC(kernel="precomputed", C=penalty, tol=1e-6).fit(gram, y)


def test_the_weights_sum_to_zero_so_that_an_equal_similarity_leaves_the_bias():
    rng = np.random.default_rng(0)
    points, y = rng.normal(size=(30, 5)), rng.integers(0, 2, 30)
    squares = ((points[:, None] - points) ** 2).sum(-1)
    svm = fitted(np.exp(-0.1 * squares), y, 1.0)
    assert svm.dual_coef_.sum() == pytest.approx(0, abs=1e-9)
    equal = np.full((3, 30), 0.4)
    assert svm.decision_function(equal) == pytest.approx(np.full(3, svm.intercept_[0]))


@pytest.mark.parametrize("ones", [5, 12, 19])
def test_with_a_very_large_gamma_the_bias_is_the_difference_of_the_shares(ones: int):
    y = np.arange(24) < ones
    svm = fitted(np.eye(24), y, 2.0)
    assert svm.intercept_[0] == pytest.approx((ones - (24 - ones)) / 24, abs=1e-4)
    assert (svm.predict(np.eye(24)) == y).all()  # training clips are all classified correctly


def test_with_a_very_small_gamma_and_c_of_one_all_clips_get_the_bias():
    rng = np.random.default_rng(0)
    points, y = rng.normal(size=(30, 5)), np.arange(30) < 8
    squares = ((points[:, None] - points) ** 2).sum(-1)
    assert not fitted(np.exp(-1e-5 * squares), y, 1.0).predict(np.exp(-1e-5 * squares)).any()
