"""Statements of the chapter "Preprocessing" that can be computed on a small clip."""

import cv2
import numpy as np
import pytest

from astsvm_lib.preprocessing import interpolate, magnify
from astsvm_lib.preprocessing.interpolation import tim_weights
from astsvm_lib.recipe import Recipe

FPS = 100.0


@pytest.fixture(scope="module")
def clip() -> np.ndarray:
    """A texture that moves by up to one pixel and back, (25, 64, 64)."""
    texture = cv2.GaussianBlur(np.random.default_rng(0).uniform(0, 255, (64, 64)).astype(np.float32), (0, 0), 3)
    level = np.sin(np.linspace(0, np.pi, 25)) ** 2
    matrices = [np.float32([[1, 0, 0], [0, 1, shift]]) for shift in level]
    return np.stack([cv2.warpAffine(texture, m, (64, 64), borderMode=cv2.BORDER_REFLECT) for m in matrices])


def magnified(clip: np.ndarray, **changes: object) -> np.ndarray:
    return magnify(clip, FPS, Recipe().replace(magnification=changes).magnification)


def test_magnification_moves_the_onset_towards_the_opposite_expression_and_more_than_the_apex(clip: np.ndarray):
    shift = magnified(clip) - clip
    expression = clip[12] - clip[0]
    assert np.corrcoef(shift[0].ravel(), expression.ravel())[0, 1] < -0.8
    assert np.corrcoef(shift[12].ravel(), expression.ravel())[0, 1] > 0.7


def test_an_anchor_leaves_the_onset_as_recorded_and_idsf_as_it_is_without(clip: np.ndarray):
    plain, anchored = magnified(clip), magnified(clip, anchor="onset")
    assert np.allclose(anchored[0], clip[0], atol=1e-3)
    assert np.abs(plain[0] - clip[0]).max() > 1
    ten = [interpolate(frames, 10) for frames in (plain, anchored)]
    assert np.allclose(ten[0] - ten[0][0], ten[1] - ten[1][0], atol=1e-2)


def test_magnification_is_off_at_alpha_1(clip: np.ndarray):
    assert np.array_equal(magnified(clip, alpha=1.0), clip)


@pytest.mark.parametrize("n", [2, 8, 27, 60])
def test_tim_keeps_what_is_constant_in_time(n: int):
    assert np.allclose(tim_weights(n, 10).sum(1), 1)
