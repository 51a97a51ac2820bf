from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from astsvm_lib.datasets import Dataset
from astsvm_lib.errors import CompanionError
from astsvm_lib.preprocessing import detection, find_landmarks, interpolate, magnify, prepare, prepare_frames, register
from astsvm_lib.preprocessing.interpolation import linear_weights, path_graph, tim_weights
from astsvm_lib.preprocessing.magnification import collapse, ideal_band, iir_band, laplacian_pyramid, level_gains
from astsvm_lib.preprocessing.pipeline import prepare_all
from astsvm_lib.preprocessing.registration import crop_transform, template, warp
from astsvm_lib.preprocessing.shape_model import LIMIT, apply, fit_similarity, invert, load_shape_model
from astsvm_lib.recipe import Magnification, Recipe, Registration


def test_landmarks_of_a_real_face():
    from skimage.data import astronaut

    points = find_landmarks(astronaut()[:280])
    eyes = points[36:48].mean(0)
    mouth = points[48:68].mean(0)
    assert abs(eyes[0] - 224) < 15  # the astronaut's face
    assert abs(eyes[1] - 110) < 20
    assert mouth[1] > eyes[1] + 20


def test_no_face_and_two_faces_are_told_apart(smile_frames):
    with pytest.raises(CompanionError, match="clip 7: expected one face, found none in 200x100"):
        find_landmarks(np.full((100, 200), 127, np.uint8), "clip 7")
    with pytest.raises(CompanionError, match="expected one face, found 2 .*crop the frames"):
        find_landmarks(np.hstack([smile_frames[0], smile_frames[0]]), "two")


def test_a_changed_landmark_model_is_refused(tmp_path: Path, monkeypatch):
    wrong = tmp_path / "shape_predictor.dat"
    wrong.write_bytes(b"other weights")
    monkeypatch.setattr("face_recognition_models.pose_predictor_model_location", lambda: str(wrong))
    detection.load_dlib.cache_clear()
    try:
        with pytest.raises(CompanionError, match="expected SHA-256"):
            find_landmarks(np.zeros((50, 50), np.uint8))
    finally:
        detection.load_dlib.cache_clear()


@settings(max_examples=30, deadline=None)
@given(st.floats(0.4, 2.5), st.floats(-0.6, 0.6), st.floats(-80, 80), st.floats(-80, 80))
def test_registration_recovers_a_similarity(scale, turn, dx, dy):
    linear = scale * np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    known = np.column_stack([linear, [dx, dy]])
    moved = apply(invert(known), template())
    assert fit_similarity(moved, template()) == pytest.approx(known, abs=1e-9)
    for shape_model in ("asm", "none"):
        found = crop_transform(moved, Registration(shape_model=shape_model))
        assert np.abs(apply(found, moved) - template()).max() < 0.1


def test_the_shape_model_keeps_faces_and_mends_what_is_none():
    model = load_shape_model()
    face = 80 * (model.mean + 1.5 * model.deviations[0] * model.modes[0]) + 100
    assert model.regularise(face) == pytest.approx(face, abs=0.1)
    broken = face.copy()
    broken[30] += 40  # the nose tip beside the face
    mended = model.regularise(broken)
    assert np.linalg.norm(mended[30] - face[30]) < 0.5 * np.linalg.norm(broken[30] - face[30])
    far = 80 * (model.mean + 9 * model.deviations[1] * model.modes[1])
    plausible = model.regularise(far)
    coefficient = np.tensordot(model.modes[1], apply(fit_similarity(plausible, model.mean), plausible) - model.mean, 2)
    assert abs(coefficient) <= 1.1 * LIMIT * model.deviations[1]
    with pytest.raises(CompanionError, match=r"\(68, 2\)"):
        model.regularise(np.zeros((5, 2)))


def test_registered_faces_stand_alike(smile, smile_frames):
    crops, transforms = register(detection.to_grey(smile_frames), find_landmarks(smile_frames[0]), Registration())
    assert crops.shape == (len(smile_frames), 192, 192)
    assert (transforms == transforms[0]).all()
    eyes = apply(transforms[0], smile.landmarks(0))[36:48].mean(0)
    assert np.linalg.norm(eyes - template()[36:48].mean(0)) < 8


def test_a_frame_that_shrinks_is_not_aliased():
    stripes = np.tile(np.array([0.0, 255.0], np.float32), (768, 384))
    small = warp(stripes, np.array([[0.25, 0, 0], [0, 0.25, 0]]))
    assert small[20:-20, 20:-20].std() < 5  # without the blur: over 80


@pytest.mark.parametrize("scope", ["clip", "frame", "none"])
@pytest.mark.parametrize("transform", ["similarity", "affine"])
def test_every_registration_gives_crops(smile_frames, scope, transform):
    frames = detection.to_grey(smile_frames[:3])
    points = np.stack([find_landmarks(frame) for frame in smile_frames[:3]])
    crops, _ = register(
        frames, points if scope == "frame" else points[0], Registration(scope=scope, transform=transform)
    )
    assert crops.shape == (3, 192, 192)
    assert crops.std() > 10


def _wave(frames: int, fps: float, hz: float) -> np.ndarray:
    """A cosine that the evenly reflected clip continues smoothly."""
    k = round(hz * 2 * frames / fps)
    return np.cos(np.pi * k * (np.arange(frames) + 0.5) / frames)


def test_the_ideal_band_keeps_what_is_inside_and_drops_what_is_outside():
    inside, outside = _wave(60, 100, 5.0), _wave(60, 100, 20.0)
    kept = ideal_band(3 + inside + outside, 100, 0.5, 10)
    assert kept == pytest.approx(inside, abs=1e-12)


def test_the_ideal_band_has_no_preferred_direction_of_time_and_the_causal_one_has():
    clip = np.random.default_rng(0).random(60)
    assert ideal_band(clip[::-1], 100, 0.5, 10) == pytest.approx(ideal_band(clip, 100, 0.5, 10)[::-1], abs=1e-12)
    bump = np.exp(-0.5 * ((np.arange(60) - 29.5) / 6.0) ** 2)
    late = iir_band(bump, 100, 0.5, 10)
    assert late.argmax() >= 30
    assert late.min() < -0.1 * late.max()  # and it undershoots


def test_a_pyramid_can_be_undone():
    image = np.random.default_rng(0).random((192, 192)).astype(np.float32) * 255
    assert collapse(laplacian_pyramid(image, 4)) == pytest.approx(image, abs=1e-3)


def _grating(frames: int, fps: float, hz: float, amplitude: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """A still grating of 32 px whose contrast beats at a frequency; and the beat alone."""
    pattern = np.tile(np.sin(2 * np.pi * np.arange(192) / 32), (192, 1))
    beat = amplitude * _wave(frames, fps, hz)[:, None, None] * pattern
    return (120 + 20 * pattern + beat).astype(np.float32), beat


@pytest.mark.parametrize("alpha", [2.0, 4.0, 8.0])
def test_magnification_amplifies_in_band_motion_by_alpha(alpha):
    clip, beat = _grating(60, 100, 5.0)
    result = magnify(clip, 100, Magnification(alpha=alpha))
    change = result - clip
    centre = (slice(None), slice(40, -40), slice(40, -40))
    factor = 1 + (change[centre] * beat[centre]).sum() / (beat[centre] ** 2).sum()
    assert factor - 1 == pytest.approx(alpha - 1, rel=0.05)  # of a 32-px wave 4% lie in bands that are left alone


def test_anchored_magnification_leaves_the_onset_as_recorded_and_moves_it_otherwise(smile_frames):
    frames = smile_frames[..., 1].astype(np.float32) if smile_frames.ndim == 4 else smile_frames.astype(np.float32)
    plain, anchored = (magnify(frames, 100.0, Magnification(alpha=8.0, anchor=anchor)) for anchor in ("none", "onset"))
    assert np.abs(plain[0] - frames[0]).max() > 1
    assert np.abs(anchored[0] - frames[0]).max() < 1e-3
    # between any two frames, both change by the same: the anchored form subtracts one constant image
    assert np.allclose(anchored[5] - anchored[2], plain[5] - plain[2], atol=0.05)


def test_magnification_leaves_still_and_fast_things_alone():
    clip, _ = _grating(60, 100, 20.0)
    assert np.abs(magnify(clip, 100, Magnification()) - clip).max() < 1e-3
    still = np.repeat(clip[:1], 30, 0)
    assert np.abs(magnify(still, 100, Magnification()) - still).max() < 1e-3
    assert np.array_equal(magnify(clip, 100, Magnification(alpha=1.0)), clip)


def test_gains_fall_below_the_cut_off_wavelength():
    gains = level_gains(5, 4.0, 8.0)
    assert gains[0] == 0
    assert gains[1:] == pytest.approx([3, 3, 3, 3])
    assert level_gains(5, 4.0, 32.0) == pytest.approx([0, 0, 1, 3, 3])


def test_a_clip_too_short_for_the_band_says_so():
    clip, _ = _grating(11, 100, 9.0)
    with pytest.warns(UserWarning, match=r"my clip: 11 frames at 100 fps .* none of them in the band 0.5-2.4 Hz"):
        same = magnify(clip, 100, Magnification(high_hz=2.4), "my clip")
    assert np.array_equal(same, clip)
    with pytest.raises(CompanionError, match="low_hz < high_hz"):
        magnify(clip, 100, Magnification(low_hz=9, high_hz=3))
    with pytest.raises(CompanionError, match="positive frame rate"):
        magnify(clip, 0, Magnification())


def test_tim_from_ten_to_ten_frames_changes_nothing():
    clip = np.random.default_rng(0).random((10, 6, 6))
    assert interpolate(clip, 10, components="all") == pytest.approx(clip, abs=1e-9)
    assert interpolate(clip, 10) == pytest.approx(clip, abs=1e-9)  # ten frames have nine components


@given(st.integers(2, 130))
@settings(max_examples=30, deadline=None)
def test_tim_keeps_constants_and_the_path_graphs_basis_is_orthogonal(n):
    assert tim_weights(n, 10).sum(1) == pytest.approx(np.ones(10))
    assert linear_weights(n, 10).sum(1) == pytest.approx(np.ones(10))
    basis = path_graph(n, np.arange(1, n + 1) / n, n - 1)
    gram = basis.T @ basis
    assert gram == pytest.approx(np.diag(np.diag(gram)), abs=1e-8 * n)


@given(st.integers(2, 60))
@settings(max_examples=20, deadline=None)
def test_the_path_graphs_basis_are_eigenvectors_of_its_laplacian(n):
    laplacian = 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    laplacian[0, 0] = laplacian[-1, -1] = 1
    basis = path_graph(n, np.arange(1, n + 1) / n, n - 1)
    for k in range(n):
        eigenvalue = 2 - 2 * np.cos(np.pi * k / n)
        assert laplacian @ basis[:, k] == pytest.approx(eigenvalue * basis[:, k], abs=1e-9)


@pytest.mark.parametrize("method", ["tim", "linear"])
@pytest.mark.parametrize("n", [2, 3, 7, 31])
def test_interpolation_keeps_the_ends(method, n):
    clip = np.random.default_rng(n).random((n, 4))
    result = interpolate(clip, 10, method, "all")
    assert result.shape == (10, 4)
    assert result[0] == pytest.approx(clip[0])
    assert result[-1] == pytest.approx(clip[-1])


def test_one_frame_cannot_be_interpolated():
    with pytest.raises(CompanionError, match="at least 2 frames, found 1"):
        interpolate(np.zeros((1, 4)), 10)
    with pytest.raises(CompanionError, match="at least 1 component"):
        tim_weights(10, 10, 0)


def test_a_prepared_clip(small_dataset: Dataset, cache):
    clip = small_dataset.clips[0]
    prepared = prepare(clip, Recipe(), cache)
    assert prepared.frames.shape == (10, 192, 192)
    assert prepared.frames.dtype == np.float32
    again = prepare(
        replace(clip, load_frames=lambda chosen=None: pytest.fail("frames were loaded again")), Recipe(), cache
    )
    assert np.array_equal(again.frames, prepared.frames)
    eleven = prepare(clip, Recipe().replace(difference={"onset": "excluded"}), cache)
    assert eleven.frames.shape == (11, 192, 192)


def test_other_content_or_recipe_is_prepared_anew(small_dataset: Dataset, cache):
    clip = small_dataset.clips[0]
    prepare(clip, Recipe(), cache)
    changed = replace(clip, hash_frames=lambda: "other", load_frames=lambda chosen=None: clip.load_frames()[::-1])
    assert not np.array_equal(prepare(changed, Recipe(), cache).frames, prepare(clip, Recipe(), cache).frames)
    quiet = Recipe().replace(magnification={"alpha": 1.0})
    assert not np.array_equal(prepare(clip, quiet, cache).frames, prepare(clip, Recipe(), cache).frames)


def test_a_clip_of_one_frame_is_refused(smile_frames):
    landmarks = find_landmarks(smile_frames[0])[None]
    with pytest.raises(CompanionError, match="short: expected at least 2 frames"):
        prepare_frames(smile_frames[:1], 100, landmarks, Recipe(), "short")


def test_the_prepared_motion_is_the_true_one_times_the_magnification(smile, smile_frames):
    """Magnified, the lip corners' edges differ more from the onset; unmagnified, by what they truly do."""
    landmarks = find_landmarks(smile_frames[0])[None]
    recipes = {alpha: Recipe().replace(magnification={"alpha": alpha}) for alpha in (1.0, 4.0)}
    change = {}
    for alpha, recipe in recipes.items():
        frames = prepare_frames(smile_frames, 100, landmarks, recipe, "smile").frames
        change[alpha] = cv2.GaussianBlur(np.abs(frames - frames[0]).max(0), (0, 0), 2)
    mouth = slice(120, 175), slice(50, 145)
    assert change[4.0][mouth].mean() > 1.5 * change[1.0][mouth].mean()


def test_prepared_clips_are_kept_and_their_frames_are_not(small_dataset, cache):
    clips = small_dataset.clips[:2]
    prepare_all(clips, Recipe(), cache, progress=False)
    rooms = {path.relative_to(cache.root).parts[0] for path in cache.root.rglob("*.npz")}
    assert rooms == {"prepared", "landmarks"}
    silent = [replace(c, load_frames=lambda chosen=None: pytest.fail("frames were loaded again")) for c in clips]
    prepare_all(silent, Recipe(), cache, progress=False)
