import numpy as np
import pytest

from astsvm_lib.errors import CompanionError
from astsvm_lib.features.apex_spotting import change_from_onset, divide_and_conquer, region_boxes, spot_apex
from astsvm_lib.features.onset_apex import apex_of, flow_of
from astsvm_lib.preprocessing.detection import find_landmarks
from astsvm_lib.preprocessing.registration import crop_transform, register
from astsvm_lib.preprocessing.shape_model import apply
from astsvm_lib.recipe import Recipe


@pytest.fixture(scope="module")
def registered(smile_frames):
    landmarks = find_landmarks(smile_frames[0], "smile")
    options = Recipe().registration
    crops, _ = register(smile_frames, landmarks, options)
    return crops, apply(crop_transform(landmarks, options), landmarks)


def test_regions_hold_their_landmarks_and_stay_in_the_picture(registered):
    crops, landmarks = registered
    for rows, columns in region_boxes(landmarks, crops.shape[1:]):
        assert 0 <= rows.start < rows.stop <= 192
        assert 0 <= columns.start < columns.stop <= 192
    mouth = region_boxes(landmarks, crops.shape[1:])[2]
    assert mouth[0].start < landmarks[48:68, 1].min() < landmarks[48:68, 1].max() < mouth[0].stop


def test_the_apex_of_a_rendered_smile_is_found_on_its_plateau(registered, smile):
    crops, landmarks = registered
    change = change_from_onset(crops, landmarks)
    assert change[0] == pytest.approx(0, abs=1e-12)
    found = spot_apex(crops, landmarks)
    size = [np.linalg.norm(smile.flow(0, frame), axis=2).mean() for frame in (found, smile.apex)]
    assert size[0] > 0.9 * size[1]  # as strong as at the true apex, but for a tenth


@pytest.mark.parametrize(
    ("change", "apex"),
    [
        ([0, 1, 2, 3, 2, 1], 3),
        ([0, 1, 2, 3], 3),
        ([0, 0, 0, 0], 0),
        ([0, 5], 1),
        ([0, 5, 0, 0, 0, 2, 3, 2, 3, 2, 0], 8),
    ],
)
def test_divide_and_conquer_on_curves_worked_out_by_hand(change, apex):
    """The last one: a blink of height 5, and two peaks of height 3 that outweigh it; between equals the later."""
    assert divide_and_conquer(np.array(change, float)) == apex


def test_an_annotated_apex_is_taken_as_it_is_and_an_unknown_one_is_spotted(small_dataset, cache):
    from dataclasses import replace

    clip = small_dataset.clips[0]
    landmarks = find_landmarks(clip.load_frames([0])[0], clip.key)
    assert apex_of(clip, landmarks, Recipe(), "spotted") == 7
    unknown = replace(clip, apex=None)
    assert apex_of(unknown, landmarks, Recipe(), "middle") == 6
    assert 0 < apex_of(unknown, landmarks, Recipe(), "spotted") <= 13
    assert flow_of(unknown, Recipe(), "spotted", cache).shape == (192, 192, 2)


def test_one_frame_has_no_apex(registered):
    with pytest.raises(CompanionError, match="at least 2 frames, found 1"):
        spot_apex(registered[0][:1], registered[1])
