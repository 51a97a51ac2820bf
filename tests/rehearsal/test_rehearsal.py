"""The rehearsal corpus, from the head to the clips; one file, because the tests share rendered clips."""

import json
import re
from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest

from astsvm_lib import datasets
from astsvm_lib.errors import CompanionError
from astsvm_lib.preprocessing import find_landmarks
from astsvm_lib.preprocessing.registration import CROP, JAW_WIDTH
from astsvm_lib.rehearsal import DESIGNS, Capture, ClipRenderer, ClipSpec, Timing, entries, others, spec_of
from astsvm_lib.rehearsal.capture import expose, light_gain
from astsvm_lib.rehearsal.clip_renderer import CROP_SCALE
from astsvm_lib.rehearsal.corpus import coding, draw_entries
from astsvm_lib.rehearsal.design import CLASS_OF, COMBINATIONS, people, selection
from astsvm_lib.rehearsal.export import write_video
from astsvm_lib.rehearsal.head import load_head, unit_cosine
from astsvm_lib.rehearsal.raster import rasterise
from astsvm_lib.rehearsal.scene import Pose, Scene
from astsvm_lib.rehearsal.subdivision import catmull_clark
from astsvm_lib.rehearsal.subject import lid_rims, make_subject

PERFECT = Capture(read_noise=0, shot_noise=0)
CORPORA = ("rehearsal-casme2", "rehearsal-smic", "rehearsal-samm")
UNITS = ["1", "2", "4", "5", "6", "7", "9", "10", "12", "14", "15", "17", "20", "23", "24", "25", "26"]


@pytest.mark.parametrize("name", ["rehearsal-mini", *CORPORA, "rehearsal-megc"])
def test_each_data_set_is_what_its_manifest_declares(name):
    assert datasets.load(name).deviations() == []


def test_the_composite_has_the_subjects_clips_and_classes_of_megc2019():
    data = datasets.load("rehearsal-megc")
    assert (len(data), len(data.groups)) == (442, 68)
    assert Counter(clip.label for clip in data) == {"negative": 250, "positive": 109, "surprise": 83}
    assert {clip.dataset for clip in data} == set(CORPORA)


@pytest.mark.parametrize(
    ("name", "subjects", "counts", "fps", "lengths"),
    [
        ("rehearsal-casme2", 24, (88, 32, 25), 200, (31, 126)),
        ("rehearsal-smic", 16, (70, 51, 43), 100, (11, 58)),
        ("rehearsal-samm", 28, (92, 26, 15), 200, (30, 101)),
    ],
)
def test_the_parts_are_shaped_like_the_real_ones(name, subjects, counts, fps, lengths):
    data = datasets.load(name)
    table = data.table()
    assert len(data.groups) == subjects
    assert tuple(Counter(table.label)[c] for c in ("negative", "positive", "surprise")) == counts
    assert set(table.fps) == {fps}
    assert (table.frames.min(), table.frames.max()) == lengths


def test_smic_has_no_apex_and_no_emotion_beyond_the_class():
    for clip in datasets.load("rehearsal-smic"):
        assert clip.apex is None
        assert clip.emotion == clip.label
        assert clip.middle == clip.offset // 2


def test_emotions_lead_to_classes_and_differ_from_them():
    for clip in [*datasets.load("rehearsal-casme2"), *datasets.load("rehearsal-samm")]:
        assert CLASS_OF[clip.emotion] == clip.label
        assert clip.action_units


def test_classes_share_combinations_of_units():
    of_class = {}
    for emotion, several in COMBINATIONS.items():
        assert len(several) >= 3
        of_class.setdefault(CLASS_OF[emotion], set()).update(u.rstrip("LR") for one in several for u in one)
    assert of_class["negative"] & of_class["positive"]
    assert of_class["negative"] & of_class["surprise"]
    assert set().union(*of_class.values()) == set(UNITS)


def test_clips_without_an_expression_stay_outside_the_scored_set():
    data = datasets.load("rehearsal-smic")
    assert len(data.unscored) == 4 * len(data.groups)
    assert not {clip.key for clip in data} & {clip.key for clip in data.unscored}
    assert {clip.emotion for clip in data.unscored} == {"blink", "gaze", "head", "neutral"}
    blink = ClipRenderer(next(entry.spec for entry in others("rehearsal-smic") if entry.emotion == "blink"))
    assert blink.amplitude == 0
    assert blink.blink.max() > 0.99


def test_scripts_keep_to_what_the_corpus_promises():
    for name in CORPORA:
        specs = [entry.spec for entry in entries(name)]
        assert all(0.3 <= spec.peak_px <= 3 for spec in specs)
        assert all(spec.capture.head_px < 1 for spec in specs)
        assert len({spec.seed for spec in specs}) == len(specs)


def test_drawing_a_design_again_gives_the_same_scripts_and_another_seed_others():
    design = DESIGNS["rehearsal-smic"]
    assert draw_entries(design) == entries("rehearsal-smic")
    assert draw_entries(replace(design, seed=1)) != entries("rehearsal-smic")


def test_nobody_takes_part_twice_and_all_kinds_of_people_take_part():
    seeds = [seed for group in people().values() for seed in group]
    assert len(set(seeds)) == len(seeds) == 76 + 24
    subjects = [make_subject(seed) for part in CORPORA for seed in people()[part][::6]]
    assert {subject.male for subject in subjects} == {True, False}
    tones = np.array([subject.tone for subject in subjects])
    assert tones.min() < 0.25
    assert tones.max() > 0.75
    assert selection()["smallest distance"] > 0.3


def test_dlib_finds_one_face_in_onset_frames():
    for name in CORPORA:
        clips = {clip.group: clip for clip in datasets.load(name)}
        for clip in list(clips.values())[::7]:
            assert find_landmarks(clip.load_frames([0])[0], clip.key).shape == (68, 2)


def test_a_clip_leads_to_its_truth(small_dataset):
    for name in ("rehearsal-mini", *CORPORA):
        for clip in datasets.load(name).clips[::40]:
            renderer = ClipRenderer(spec_of(clip))
            assert len(renderer.curve) == clip.length
            assert renderer.curve[renderer.apex] > 0.99
    with pytest.raises(CompanionError, match="no specification of small/01/c0"):
        spec_of(small_dataset.clips[0])


def test_a_coding_names_a_side_only_where_the_other_is_still():
    assert coding({"4L": 0.3, "4R": 1.0, "17": 0.5, "14R": 0.2}) == "4+R14+17"
    assert coding({}) == ""


def test_equal_scripts_give_equal_frames_and_other_seeds_other_noise():
    spec = ClipSpec(34, {"12": 1.0}, 1.0, Timing(60, 10, 60), seed=4, size=160)
    first, second = ClipRenderer(spec).frames(), ClipRenderer(spec).frames()
    assert np.array_equal(first, second)
    assert not np.array_equal(first, ClipRenderer(replace(spec, seed=5)).frames())


def test_frames_do_not_depend_on_what_was_asked_before(smile: ClipRenderer, smile_frames: np.ndarray):
    fresh = ClipRenderer(smile.spec)
    fresh.flow(0, 3)
    assert np.array_equal(fresh.frames(), smile_frames)


@pytest.mark.parametrize("units", [{"12": 1.0}, {"4": 1.0}, {"1": 1.0, "2": 1.0}, {"14L": 1.0}])
@pytest.mark.parametrize("size", [200, 400])
def test_the_peak_is_what_the_script_asks_for_at_any_size(units, size):
    renderer = ClipRenderer(ClipSpec(34, units, 1.3, Timing(100, 20, 100), PERFECT, size=size))
    speed = np.linalg.norm(renderer.flow(0, renderer.apex), axis=2)[renderer.skin(0) > 0.99]
    moving = speed[speed > 0.02 * speed.max()]
    assert np.percentile(moving, 99.5) / renderer.scale == pytest.approx(1.3, rel=0.05)


def test_a_pixel_of_the_script_is_a_pixel_of_the_crop():
    head = load_head()
    jaw = Scene(make_subject(34), 300).landmarks(Pose())[:17, 0]
    assert JAW_WIDTH * CROP / np.ptp(jaw) * 300 / 2.45 == pytest.approx(CROP_SCALE, rel=0.12)
    assert head.mean.shape == head.template.shape


@pytest.mark.parametrize("unit", UNITS)
def test_every_unit_moves_skin(unit):
    renderer = ClipRenderer(ClipSpec(34, {unit: 1.0}, 1.0, Timing(60, 10, 60), PERFECT, size=160))
    assert np.linalg.norm(renderer.flow(0, renderer.apex), axis=2).max() > 0.5


def test_dimples_and_pressed_lips_are_no_smile():
    assert abs(unit_cosine("14", "12")) < 0.5
    assert abs(unit_cosine("24", "12")) < 0.5
    assert unit_cosine("12", "12") == pytest.approx(1)


def test_raised_cheeks_lift_the_lower_lid():
    head = load_head()
    _, lower = head.lid_pairs.T
    left = lower[head.template[lower, 0] > 0]
    assert np.median(head.units["6L"][left, 1]) > 0.1


@pytest.mark.parametrize("unit", ["7", "45", "6"])
def test_lids_meet_and_do_not_cross(unit):
    for seed in (34, 39, 300):
        subject = make_subject(seed)
        closed = subject.points + subject.contract({unit + "L": 0.5, unit + "R": 0.5})
        for side in "LR":
            upper, lower = lid_rims(side)
            assert (closed[upper, 1] - closed[lower, 1]).min() >= 0


def test_a_blink_closes_the_eyes_and_opens_them_again():
    spec = ClipSpec(34, {}, 0.0, Timing(200, 50, 150), PERFECT, blink_ms=50, size=160, fps=100)
    renderer = ClipRenderer(spec)
    lids = renderer.landmarks
    openness = [np.ptp(lids(frame)[36:42, 1]) for frame in range(len(renderer.curve))]
    assert min(openness) < 0.5 * openness[0]
    assert openness[-1] == pytest.approx(openness[0], abs=0.3)


def test_a_shift_of_the_gaze_moves_eyes_and_no_skin():
    spec = ClipSpec(34, {}, 0.0, Timing(60, 20, 60), PERFECT, gaze_ms=0, gaze=(10, 0), size=200)
    renderer = ClipRenderer(spec)
    flow = np.linalg.norm(renderer.flow(0, 10), axis=2)
    assert flow.max() > 1
    assert flow[renderer.skin(0) > 0.999].max() == 0


@pytest.mark.parametrize("unit", ["4", "6", "9"])
def test_a_furrow_darkens_as_its_unit_contracts(unit):
    scene = Scene(make_subject(34), 200)
    furrows = [f for f in scene.subject.furrows if f.unit.rstrip("LR") == unit]
    assert len(furrows) == 2
    for furrow in furrows:
        place = furrow.rows, furrow.columns
        deepest = np.unravel_index(furrow.depth.argmax(), furrow.depth.shape)
        levels = []
        for contraction in (0.0, 0.01, 0.02):
            scene.frame(Pose({furrow.unit: contraction}))
            levels.append(scene.texture[place][deepest].mean())
        assert levels[0] > levels[1] > levels[2]


def test_warping_by_the_true_flow_leaves_less_than_half_a_grey_level():
    for spec in [entries(name)[i].spec for name, i in (("rehearsal-smic", 2), ("rehearsal-samm", 5))]:
        steady = replace(spec.capture, drift=0, light_turn=0, flicker=0, read_noise=0, shot_noise=0)
        renderer = ClipRenderer(replace(spec, capture=steady, blink_ms=None, peak_px=1.5))
        frames = renderer.frames([0, renderer.apex]).astype(np.float32)
        onset, apex = frames.mean(-1) if frames.ndim == 4 else frames
        flow = renderer.flow(0, renderer.apex)
        rows, columns = np.mgrid[: len(onset), : len(onset)].astype(np.float32)
        back = cv2.remap(apex, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_CUBIC)
        known = (renderer.skin(0) > 0.99) & (renderer.visible(0, renderer.apex) > 0.99)
        skin = cv2.erode(known.astype(np.uint8), np.ones((5, 5))) > 0
        assert np.abs(back - onset)[skin].mean() < 0.5


def test_expression_and_head_motion_add_up():
    spec = ClipSpec(34, {"12": 1.0}, 2.0, Timing(100, 20, 100), replace(PERFECT, head_px=0.8), size=200)
    renderer = ClipRenderer(spec)
    frame = renderer.apex
    expression, head = (renderer.flow(0, frame, part) for part in ("expression", "head"))
    assert np.abs(expression + head - renderer.flow(0, frame)).max() < 0.05
    assert np.linalg.norm(expression, axis=2).max() > 1


def test_head_motion_is_as_large_as_asked_for():
    spec = ClipSpec(34, {}, 0.0, Timing(200, 50, 200), replace(PERFECT, head_px=2.0))
    renderer = ClipRenderer(spec)
    start = renderer.landmarks(0)
    moves = [
        np.linalg.norm(renderer.landmarks(i) - start, axis=1).max() / renderer.scale for i in range(len(renderer.curve))
    ]
    assert max(moves) == pytest.approx(2.0, rel=0.15)


def test_what_is_hidden_later_is_not_called_visible():
    spec = ClipSpec(34, {}, 0.0, Timing(200, 50, 150), PERFECT, blink_ms=0, size=200, fps=100)
    renderer = ClipRenderer(spec)
    shut = int(renderer.blink.argmax())
    eyes = renderer.landmarks(0)[36:48].mean(0)
    seen = renderer.visible(0, shut)
    left = renderer.landmarks(0)[42:48].mean(0).round().astype(int)
    assert seen[left[1], left[0]] < 0.5
    assert seen[int(eyes[1]) + 40, int(eyes[0])] > 0.9
    assert renderer.visible(0, 0)[renderer.skin(0) > 0.99].min() > 0.9


def test_warping_by_the_true_flow_explains_the_apex(smile: ClipRenderer, smile_frames: np.ndarray):
    onset, apex = (smile_frames[i].astype(np.float32).mean(2) for i in (0, smile.apex))
    flow = smile.flow(0, smile.apex)
    rows, columns = np.mgrid[: onset.shape[0], : onset.shape[1]].astype(np.float32)
    back = cv2.remap(apex, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_CUBIC)
    skin = cv2.erode((smile.skin(0) > 0.99).astype(np.uint8), np.ones((5, 5))) > 0
    moving = skin & (np.linalg.norm(flow, axis=2) > 0.3)
    before, after = np.abs(apex - onset)[moving].mean(), np.abs(back - onset)[moving].mean()
    assert after < 0.5 * before


def test_the_true_landmarks_are_where_dlib_sees_them(smile: ClipRenderer, smile_frames: np.ndarray):
    error = np.linalg.norm(find_landmarks(smile_frames[0]) - smile.landmarks(0), axis=1)
    assert np.median(error) < 4  # of a face 190 px wide


def test_landmarks_follow_the_true_flow(smile: ClipRenderer):
    onset, apex = smile.landmarks(0), smile.landmarks(smile.apex)
    flow = smile.flow(0, smile.apex)
    for corner in (48, 54):
        column, row = np.round(onset[corner]).astype(int)
        assert apex[corner] - onset[corner] == pytest.approx(flow[row, column], abs=0.35)


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
    lit = ClipRenderer(ClipSpec(34, {}, 0.0, Timing(60, 10, 60), replace(PERFECT, drift=0.05), size=160))
    assert np.abs(lit.flow(0, 5)).max() == 0
    frames = lit.frames().astype(float)
    assert frames[-1].mean() > frames[0].mean() + 1


def test_an_unknown_action_unit_is_named():
    with pytest.raises(CompanionError, match="unknown action unit '99'.* 12"):
        ClipRenderer(ClipSpec(34, {"99": 1.0}, 1.0, Timing(60, 10, 60)))


def test_a_smile_pulls_the_lip_corners_up_and_out():
    head = load_head()
    left, right = head.units["12L"], head.units["12R"]
    corner = np.linalg.norm(left, axis=1).argmax()
    assert left[corner, 1] > 0  # y is up
    assert left[corner, 0] * np.sign(head.template[corner, 0]) > 0
    assert np.linalg.norm(left, axis=1).argmax() != np.linalg.norm(right, axis=1).argmax()


def test_the_lamp_turns_by_as_much_as_it_is_told():
    spec = ClipSpec(34, {}, 0.0, Timing(60, 10, 60), replace(PERFECT, light_turn=5.0))
    renderer = ClipRenderer(spec)
    first, last = renderer.light(0), renderer.light(len(renderer.curve) - 1)
    assert np.rad2deg(np.arccos(first @ last)) == pytest.approx(5, abs=1.5)
    assert renderer.linear(0) == pytest.approx(ClipRenderer(replace(spec, capture=PERFECT)).linear(0))


def test_noise_grows_with_the_light_and_grey_cameras_give_one_channel():
    rng = np.random.default_rng(0)
    flat = np.full((64, 64, 3), 0.2, np.float32)
    quiet = expose(flat, Capture(read_noise=0.001, shot_noise=0.005, blur_px=0), rng).astype(float)
    loud = expose(flat, Capture(read_noise=0.004, shot_noise=0.020, blur_px=0), rng).astype(float)
    assert loud.std() > 3 * quiet.std()
    assert expose(flat, Capture(colour=False), rng).shape == (64, 64)
    assert expose(flat, PERFECT, rng).std() == 0


def test_a_clip_in_files_is_what_the_renderer_says(astsvm, tmp_path):
    result = astsvm("data", "render", "rehearsal-mini", "--clip", "01/ang_01", "--video", "clip.avi")
    if result.returncode:  # the first subject has no such clip: take the one the message offers
        name = re.search(r"such as rehearsal-mini/(\S+?),", result.stderr).group(1)
        result = astsvm("data", "render", "rehearsal-mini", "--clip", name, "--video", "clip.avi")
    assert result.returncode == 0, result.stderr
    root = tmp_path / "rendered" / "rehearsal-mini"
    (script_file,) = root.rglob("spec.json")
    folder = script_file.parent
    clip = datasets.load("rehearsal-mini")[json.loads(script_file.read_text())["clip"]]
    renderer = ClipRenderer(spec_of(clip))
    images = sorted((folder / "frames").glob("*.png"))
    assert len(images) == clip.length
    assert np.array_equal(cv2.imread(str(images[0]))[..., ::-1], renderer.frames([0])[0])
    flow = cv2.readOpticalFlow(str(folder / "flow" / f"{renderer.apex:04d}_all.flo"))
    assert flow == pytest.approx(renderer.flow(0, renderer.apex), abs=1e-5)
    truth = pd.read_csv(folder / "truth.csv")
    assert truth.intensity.to_numpy() == pytest.approx(renderer.curve, abs=1e-5)
    points = pd.read_csv(folder / "landmarks.csv")
    assert len(points) == 68 * clip.length
    annotation = pd.read_csv(root / "annotation.csv", dtype={"subject": str})
    assert annotation.scored.sum() == 48
    assert (tmp_path / "clip.avi").stat().st_size > 1000
    assert not list(tmp_path.rglob("*.part*"))
    before = images[0].stat().st_mtime_ns
    again = astsvm("data", "render", "rehearsal-mini", "--clip", f"{clip.subject}/{clip.name}")
    assert again.returncode == 0
    assert images[0].stat().st_mtime_ns == before


def test_a_wrong_request_to_render_is_refused_before_the_work(astsvm, tmp_path):
    wrong = astsvm("data", "render", "rehearsal-mini", "--clip", "99/x")
    assert (wrong.returncode, "no clip '99/x'" in wrong.stderr) == (2, True)
    assert (
        "--video: expected exactly one --clip" in astsvm("data", "render", "rehearsal-mini", "--video", "a.mp4").stderr
    )
    assert (
        "ends in .mp4 or .avi"
        in astsvm("data", "render", "rehearsal-mini", "--clip", "01/x", "--video", "a.gif").stderr
    )
    assert not (tmp_path / "rendered").exists()


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


def test_a_video_of_no_frame_is_refused(tmp_path):
    with pytest.raises(CompanionError, match="at least one frame to write, found none"):
        write_video([], 25.0, tmp_path / "clip.avi")
    assert list(tmp_path.iterdir()) == []
