from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astsvm_lib.datasets import load
from astsvm_lib.errors import CompanionError
from astsvm_lib.features import (
    difference_sequence,
    extract,
    extract_all,
    flow_sequence,
    lucas_kanade,
    match_light,
    optical_flow,
)
from astsvm_lib.features.onset_apex import all_maps, onset_apex_maps
from astsvm_lib.features.pipeline import extract_recipes, feature_key, stream_names
from astsvm_lib.features.strain import optical_strain
from astsvm_lib.preprocessing.detection import find_landmarks, to_grey
from astsvm_lib.preprocessing.registration import crop_transform, warp, warp_flow
from astsvm_lib.recipe import Difference, Flow, Recipe, Registration


def texture(dx: float = 0, dy: float = 0, size: int = 128) -> np.ndarray:
    """A smooth pattern, analytically shifted."""
    y, x = np.mgrid[:size, :size].astype(float)
    x, y = x - dx, y - dy
    waves = [(0.21, 0.13, 0.3), (0.11, -0.19, 1.1), (-0.07, 0.23, 2.0), (0.17, 0.05, 0.7)]
    return (128 + 20 * sum(np.sin(a * x + b * y + c) for a, b, c in waves)).astype(np.float32)


@settings(max_examples=25, deadline=None)
@given(st.floats(-2.5, 2.5), st.floats(-2.5, 2.5))
def test_flow_of_an_analytic_shift(dx, dy):
    inner = slice(20, -20), slice(20, -20)
    exact = lucas_kanade(texture(), texture(dx, dy), Flow(tikhonov=0))[inner]
    assert np.abs(exact - (dx, dy)).mean() < 0.01
    regularised = lucas_kanade(texture(), texture(dx, dy))[inner]
    assert np.abs(regularised - (dx, dy)).mean() < 0.02 + 0.03 * np.hypot(dx, dy)
    assert np.linalg.norm(regularised.mean((0, 1))) <= np.linalg.norm(exact.mean((0, 1))) + 1e-3  # it only shrinks


def test_flow_of_a_still_clip_is_zero():
    frames = np.repeat(texture()[None], 4, 0)
    assert np.abs(flow_sequence(frames)).max() == 0
    assert np.abs(lucas_kanade(np.full((64, 64), 5.0), np.full((64, 64), 5.0))).max() == 0


def test_mirrored_images_have_mirrored_flow():
    a, b = texture(), texture(0.8, -0.4)
    one_level = Flow(levels=1)  # halving an image of even width prefers a side
    plain = lucas_kanade(a, b, one_level)
    mirrored = lucas_kanade(a[:, ::-1].copy(), b[:, ::-1].copy(), one_level)
    assert mirrored[:, ::-1] * (-1, 1) == pytest.approx(plain, abs=1e-3)


def test_flow_agrees_with_opencvs_pyramidal_lucas_kanade():
    first, second = texture(), texture(0.9, -0.6)
    points = np.stack(np.meshgrid(np.arange(30, 100, 10), np.arange(30, 100, 10)), -1).reshape(-1, 1, 2)
    points = points.astype(np.float32)
    moved, found, _ = cv2.calcOpticalFlowPyrLK(
        first.astype(np.uint8), second.astype(np.uint8), points, None, winSize=(21, 21), maxLevel=1
    )
    flow = lucas_kanade(first, second)
    ours = flow[points[:, 0, 1].astype(int), points[:, 0, 0].astype(int)]
    assert found.all()
    assert np.abs(ours - (moved - points)[:, 0]).max() < 0.1


METHODS = [Flow(method=method) for method in ("lucas-kanade", "tv-l1", "dis")]


@pytest.mark.parametrize("options", METHODS, ids=lambda options: options.method)
def test_every_flow_method_finds_an_analytic_shift_and_none_in_a_still_clip(options):
    inner = slice(20, -20), slice(20, -20)
    found = optical_flow(texture(), texture(0.8, -0.5), options)
    assert found.shape == (*texture().shape, 2)
    assert found.dtype == np.float32
    assert np.abs(found[inner].mean((0, 1)) - (0.8, -0.5)).max() < 0.1
    assert np.abs(optical_flow(texture(), texture(), options)).max() < 1e-3


def test_tv_l1_invents_no_motion_at_the_edges_of_the_crop(smile, smile_frames):
    """Where nothing moves; without the mirrored margin it finds nearly half a pixel there."""
    transform = crop_transform(find_landmarks(smile_frames[0]), Registration())
    onset, apex = (warp(to_grey(smile_frames)[i], transform) for i in (0, smile.apex))
    found = optical_flow(onset, apex, Flow(method="tv-l1"))
    edges = np.concatenate([found[:4].ravel(), found[-4:].ravel(), found[:, :4].ravel(), found[:, -4:].ravel()])
    assert np.abs(edges).max() < 0.1
    assert np.abs(found).max() > 0.5


@pytest.mark.parametrize("options", METHODS, ids=lambda options: options.method)
def test_flow_is_near_the_true_flow_of_a_rendered_face(smile, smile_frames, options):
    frames = to_grey(smile_frames)
    transform = crop_transform(find_landmarks(smile_frames[0]), Registration())
    onset, apex = warp(frames[0], transform), warp(frames[smile.apex], transform)
    truth = warp_flow(smile.flow(0, smile.apex), transform)
    skin = warp(smile.skin(0).astype(np.float32), transform) > 0.99
    error = np.linalg.norm(optical_flow(onset, apex, options) - truth, axis=2)[skin].mean()
    assert error < 0.6 * np.linalg.norm(truth, axis=2)[skin].mean()


def test_the_first_map_is_zero_and_components_fit_together():
    frames = np.stack([texture(0.3 * i, 0.1 * i) for i in range(5)])
    maps = {c: flow_sequence(frames, Flow(component=c, tikhonov=0)) for c in ("magnitude", "u", "v")}
    assert all(np.abs(m[0]).max() == 0 for m in maps.values())
    assert maps["magnitude"] == pytest.approx(np.hypot(maps["u"], maps["v"]), abs=1e-5)
    onset = flow_sequence(frames, Flow(component="u", reference="onset", tikhonov=0))[:, 64, 64]
    assert onset == pytest.approx(0.3 * np.arange(5), abs=0.03)


def test_both_components_are_two_inputs_of_the_network(small_dataset, cache):
    recipe = Recipe().replace(flow={"component": "both"}, difference={"onset": "excluded"})
    found = extract_all(small_dataset.clips[:2], recipe, cache, progress=False)
    assert found.flow.shape == (2, 2, 10, 192, 192)
    assert stream_names(recipe) == tuple(found.inputs) == ("flow_u", "flow_v", "idsf")
    for name, component in (("flow_u", "u"), ("flow_v", "v")):
        single = recipe.replace(flow={"component": component})
        assert np.array_equal(
            found.inputs[name], extract_all(small_dataset.clips[:2], single, cache, progress=False).flow
        )


def test_frames_are_loaded_once_for_many_recipes(small_dataset, cache):
    loaded = []

    def load(chosen=None):
        loaded.append(chosen)
        return clip.load_frames(chosen)

    clip = small_dataset.clips[0]
    recipes = [Recipe().replace(flow={"component": component}) for component in ("u", "v", "u")]
    for _ in range(2):
        extract_recipes([replace(clip, load_frames=load)], recipes, cache, progress=False)
    assert loaded == [None]
    for recipe in recipes:
        assert cache.path("features", feature_key(clip, recipe)).exists()


def test_images_of_two_shapes_are_refused():
    with pytest.raises(CompanionError, match=r"\(64, 64\) and \(32, 64\)"):
        lucas_kanade(np.zeros((64, 64)), np.zeros((32, 64)))
    with pytest.raises(CompanionError, match="optical flow: expected two grey images of the same shape"):
        optical_flow(np.zeros((64, 64)), np.zeros((32, 64)), Flow(method="dis"))


def test_equation_1_by_hand():
    frames = np.array([[[10.0, 20.0]], [[13.0, 20.0]], [[10.0, 14.0]]])
    raw = Difference(grey_range="0-255")
    assert difference_sequence(frames, raw).tolist() == [[[0, 0]], [[3, 0]], [[0, -6]]]
    assert difference_sequence(frames, Difference()) == pytest.approx(difference_sequence(frames, raw) / 255)
    absolute = Difference(grey_range="0-255", sign="absolute", onset="excluded")
    assert difference_sequence(frames, absolute).tolist() == [[[3, 0]], [[0, 6]]]
    assert difference_sequence(frames, Difference(standardise=True)).std() == pytest.approx(1)
    assert np.abs(difference_sequence(frames[[0, 0]], Difference(standardise=True))).max() == 0


@given(st.floats(-50, 50))
def test_a_constant_light_drops_out(offset):
    frames = np.random.default_rng(0).random((4, 8, 8)).astype(np.float32) * 100 + 60
    assert difference_sequence(frames + np.float32(offset)) == pytest.approx(difference_sequence(frames), abs=1e-6)


def test_light_is_matched_although_something_moves():
    rng = np.random.default_rng(0)
    onset = rng.random((64, 64)).astype(np.float32) * 150 + 40
    frame = onset.copy()
    frame[:10] += 60  # a sixth of the image has changed
    matched = match_light(1.07 * frame + 5, onset)
    assert np.abs(matched - frame)[10:].max() < 0.05
    assert np.abs(matched - frame)[:10].max() < 0.1


def test_features_of_a_clip_and_of_many(small_dataset, cache):
    one = extract(small_dataset.clips[0], Recipe(), cache)
    assert one.flow.shape == one.idsf.shape == (10, 192, 192)
    many = extract_all(small_dataset.clips[:3], Recipe(), cache, progress=False)
    assert many.flow.shape == (3, 10, 192, 192)
    assert np.array_equal(many.flow[0], one.flow)
    assert np.array_equal(many[[0, 2]].idsf[0], one.idsf)
    late = extract(small_dataset.clips[0], Recipe().replace(difference={"onset": "excluded"}), cache)
    assert late.flow.shape == late.idsf.shape == (10, 192, 192)
    assert late.idsf[0].std() > 0
    with pytest.raises(CompanionError, match="at least one clip, found none"):
        extract_all([], Recipe(), cache)


def test_strain_sees_stretching_and_neither_shift_nor_rotation():
    rows, columns = np.mgrid[:32, :32].astype(float)
    assert optical_strain(np.full((32, 32, 2), 3.0)).max() == 0
    turn = 0.01 * np.stack([-(rows - 16), columns - 16], -1)  # a small rotation
    assert optical_strain(turn).max() == pytest.approx(0, abs=1e-12)
    stretch = np.stack([0.1 * columns, np.zeros_like(rows)], -1)
    assert optical_strain(stretch) == pytest.approx(0.1)
    shear = np.stack([0.2 * rows, np.zeros_like(rows)], -1)
    assert optical_strain(shear) == pytest.approx(0.2 / np.sqrt(2))
    assert optical_strain(shear, "normal").max() == 0
    assert optical_strain(stretch, "normal") == pytest.approx(0.1)


def test_onset_apex_maps_follow_the_true_flow(smile, smile_frames):
    recipe = Recipe()
    landmarks = find_landmarks(smile_frames[0])
    maps = onset_apex_maps(smile_frames[0], smile_frames[smile.apex], landmarks, recipe)
    assert maps.shape == (28, 28, 3)
    transform = crop_transform(landmarks, recipe.registration)
    truth = cv2.resize(warp_flow(smile.flow(0, smile.apex), transform), (28, 28), interpolation=cv2.INTER_AREA)
    assert np.corrcoef(maps[..., 1].ravel(), truth[..., 1].ravel())[0, 1] > 0.9
    still = onset_apex_maps(smile_frames[0], smile_frames[0], landmarks, recipe)
    assert np.abs(still).max() == 0


def test_all_maps_come_in_the_order_of_the_clips_whatever_the_jobs(cache):
    clips = load("rehearsal-mini").clips[:3]
    one = all_maps(clips, Recipe(), cache, progress=False)
    assert one.shape == (3, 28, 28, 3)
    assert np.array_equal(one[::-1], all_maps(clips[::-1], Recipe(), cache, jobs=2, progress=False))
