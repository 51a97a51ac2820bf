from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest

from astsvm_lib import datasets
from astsvm_lib.errors import CompanionError
from astsvm_lib.preprocessing import find_landmarks
from astsvm_lib.rehearsal import Capture, ClipScript, Performance, Timing, mini_scripts, script_of
from astsvm_lib.rehearsal.capture import light_gain
from astsvm_lib.rehearsal.head import load_head
from astsvm_lib.rehearsal.raster import rasterise
from astsvm_lib.rehearsal.subdivision import catmull_clark

PERFECT = Capture(read_noise=0, shot_noise=0)


def test_mini_is_what_its_manifest_declares():
    data = datasets.load("rehearsal-mini")
    assert data.deviations() == []
    assert len(data) == 48
    assert len(data.groups) == 8
    assert Counter(clip.label for clip in data) == {"negative": 24, "positive": 12, "surprise": 12}
    assert all(20 <= clip.length <= 36 for clip in data)
    assert all(clip.onset < clip.apex < clip.offset for clip in data)


def test_a_clip_leads_to_its_truth(small_dataset):
    data = datasets.load("rehearsal-mini")
    for clip in data.clips[::13]:
        performance = Performance(script_of(clip))
        assert len(performance.curve) == clip.length
        assert performance.curve[clip.apex] > 0.99
    with pytest.raises(CompanionError, match="no script for small/01/c0"):
        script_of(small_dataset.clips[0])


def test_every_class_has_several_combinations_that_overlap():
    units = {}
    for (_, _, label), script in mini_scripts().items():
        units.setdefault(label, set()).add(tuple(sorted(script.units)))
    assert all(len(combinations) >= 2 for combinations in units.values())
    assert "1" in {u for c in units["negative"] for u in c} & {u for c in units["surprise"] for u in c}


def test_equal_scripts_give_equal_frames_and_other_seeds_other_noise():
    script = ClipScript(1, {"12": 1.0}, 1.0, Timing(60, 10, 60), seed=4, size=160)
    first, second = Performance(script).frames(), Performance(script).frames()
    assert np.array_equal(first, second)
    assert not np.array_equal(first, Performance(replace(script, seed=5)).frames())


def test_frames_do_not_depend_on_what_was_asked_before(smile: Performance, smile_frames: np.ndarray):
    fresh = Performance(smile.script)
    fresh.flow(0, 3)
    assert np.array_equal(fresh.frames(), smile_frames)


@pytest.mark.parametrize("units", [{"12": 1.0}, {"4": 1.0}, {"1": 1.0, "2": 1.0}])
def test_the_peak_is_what_the_script_asks_for(units):
    performance = Performance(ClipScript(10, units, 1.3, Timing(100, 20, 100), PERFECT))
    speed = np.linalg.norm(performance.flow(0, performance.apex), axis=2)
    assert np.percentile(speed[performance.skin(0) > 0.99], 99.9) == pytest.approx(1.3, rel=0.01)


def test_warping_by_the_true_flow_explains_the_apex(smile: Performance, smile_frames: np.ndarray):
    onset, apex = (smile_frames[i].astype(np.float32).mean(2) for i in (0, smile.apex))
    flow = smile.flow(0, smile.apex)
    rows, columns = np.mgrid[: onset.shape[0], : onset.shape[1]].astype(np.float32)
    back = cv2.remap(apex, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_CUBIC)
    skin = cv2.erode((smile.skin(0) > 0.99).astype(np.uint8), np.ones((5, 5))) > 0
    moving = skin & (np.linalg.norm(flow, axis=2) > 0.3)
    before, after = np.abs(apex - onset)[moving].mean(), np.abs(back - onset)[moving].mean()
    assert after < 0.5 * before


def test_the_true_landmarks_are_where_dlib_sees_them(smile: Performance, smile_frames: np.ndarray):
    error = np.linalg.norm(find_landmarks(smile_frames[0]) - smile.landmarks(0), axis=1)
    assert np.median(error) < 4  # of a face 190 px wide


def test_landmarks_follow_the_true_flow(smile: Performance):
    onset, apex = smile.landmarks(0), smile.landmarks(smile.apex)
    flow = smile.flow(0, smile.apex)
    for corner in (48, 54):
        column, row = np.round(onset[corner]).astype(int)
        assert apex[corner] - onset[corner] == pytest.approx(flow[row, column], abs=0.25)


def test_the_curve_begins_at_zero_peaks_at_the_apex_and_ends_at_the_residual():
    timing = Timing(100, 30, 120, residual=0.2)
    curve = timing.curve(200)
    assert curve[0] == 0
    assert curve[timing.apex(200)] == pytest.approx(1)
    assert curve[-1] == pytest.approx(0.2)
    assert (np.diff(curve[: timing.apex(200) + 1]) >= 0).all()


def test_light_drifts_and_flickers_as_told():
    drift = light_gain(Capture(drift=0.05), 50, 100, 0.3)
    assert drift[0] == 1
    assert drift[-1] == pytest.approx(1.05)
    assert np.allclose(np.diff(drift), drift[1] - drift[0])
    flicker = light_gain(Capture(flicker=0.02, flicker_hz=10), 100, 100, 0.0)
    assert np.argmax(np.abs(np.fft.rfft(flicker - flicker.mean()))) == 10  # one second: bin = Hz


def test_light_alone_moves_nothing():
    lit = Performance(ClipScript(8, {}, 0.0, Timing(60, 10, 60), replace(PERFECT, drift=0.05), size=160))
    assert np.abs(lit.flow(0, 5)).max() == 0
    frames = lit.frames().astype(float)
    assert frames[-1].mean() > frames[0].mean() + 1


def test_an_unknown_action_unit_is_named():
    with pytest.raises(CompanionError, match="unknown action unit '99'.* 12"):
        Performance(ClipScript(1, {"99": 1.0}, 1.0, Timing(60, 10, 60)))


def test_a_smile_pulls_the_lip_corners_up_and_out():
    head = load_head()
    left, right = head.units["12L"], head.units["12R"]
    corner = np.linalg.norm(left, axis=1).argmax()
    assert left[corner, 1] > 0  # y is up
    assert left[corner, 0] * np.sign(head.template[corner, 0]) > 0
    assert np.linalg.norm(left, axis=1).argmax() != np.linalg.norm(right, axis=1).argmax()


def test_a_triangle_covers_the_pixels_whose_centres_it_holds():
    points = np.array([[0, 0, 1], [0, 4, 1], [4, 0, 1]], float)  # seen from the front: y down
    hits = rasterise(points, np.array([[0, 1, 2]]), 4, 4)
    expected = np.add.outer(np.arange(4) + 0.5, np.arange(4) + 0.5) <= 4
    assert np.array_equal(hits.triangle == 0, expected)
    assert (rasterise(points, np.array([[0, 2, 1]]), 4, 4).triangle == -1).all()


def test_the_nearer_triangle_hides_the_farther():
    points = np.array([[0, 0, 2], [0, 8, 2], [8, 0, 2], [0, 0, 1], [0, 8, 1], [8, 0, 1]], float)
    hits = rasterise(points, np.array([[0, 1, 2], [3, 4, 5]]), 4, 4)
    assert (hits.triangle == 1).all()


def test_subdividing_a_flat_grid_keeps_it_flat_and_its_weights_add_up():
    grid = np.arange(16).reshape(4, 4)
    quads = np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], -1).reshape(-1, 4)
    matrix, finer, parent = catmull_clark(quads, 16)
    assert finer.shape == (36, 4)
    assert np.array_equal(np.bincount(parent), np.full(9, 4))
    assert np.allclose(matrix.sum(1), 1)
    points = np.stack([*np.meshgrid(np.arange(4.0), np.arange(4.0)), np.zeros((4, 4))], -1).reshape(-1, 3)
    assert np.abs((matrix @ points)[:, 2]).max() == 0
