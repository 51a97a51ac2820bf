"""Statements of the chapter "Optical flow" that can be computed on two small images."""

import cv2
import numpy as np
import pytest

from astsvm_lib.features import lucas_kanade
from astsvm_lib.features.lucas_kanade import warp_back
from astsvm_lib.recipe import Flow

CLOSE = {"atol": 1e-3}


@pytest.fixture(scope="module")
def texture() -> np.ndarray:
    return cv2.GaussianBlur(np.random.default_rng(0).uniform(0, 255, (80, 80)).astype(np.float32), (0, 0), 2)


def test_the_system_of_one_window_gives_the_dense_flow_of_its_pixel(texture: np.ndarray):
    here, there = texture, cv2.warpAffine(texture, np.float32([[1, 0, 0.3], [0, 1, -0.2]]), (80, 80))
    mean, it = (here + there) / 2, there - here
    ix, iy = (cv2.Scharr(mean, cv2.CV_32F, dx, 1 - dx) / 32 for dx in (1, 0))
    side = np.arange(-28, 29)
    w = np.exp(-(side**2) / (2 * 7**2))
    w = np.outer(w, w) / np.outer(w, w).sum()
    gx, gy, gt = (f[12:69, 12:69] for f in (ix, iy, it))
    matrix = [[(w * gx * gx).sum() + 1, (w * gx * gy).sum()], [(w * gx * gy).sum(), (w * gy * gy).sum() + 1]]
    found = np.linalg.solve(matrix, [-(w * gx * gt).sum(), -(w * gy * gt).sum()])
    assert np.allclose(found, lucas_kanade(here, there, Flow(iterations=1, levels=1))[40, 40], **CLOSE)


def test_a_step_is_repeated_on_the_second_frame_warped_back(texture: np.ndarray):
    there = np.roll(texture, 2, axis=0)
    flow = np.zeros((80, 80, 2), np.float32)
    for _ in range(3):
        flow = flow + lucas_kanade(texture, warp_back(there, flow), Flow(iterations=1, levels=1))
    assert np.allclose(flow, lucas_kanade(texture, there, Flow(iterations=3, levels=1)), **CLOSE)


def test_a_factor_of_the_light_gives_false_motion(texture: np.ndarray):
    assert np.abs(lucas_kanade(texture, texture)).max() < 1e-6
    assert np.linalg.norm(lucas_kanade(texture, 1.03 * texture), axis=2).mean() > 0.1
