"""Pairs of rendered frames in any number."""

from collections import Counter

import numpy as np
import pytest

from astsvm_lib.datasets import load
from astsvm_lib.errors import CompanionError
from astsvm_lib.rehearsal.clip_renderer import ClipRenderer
from astsvm_lib.rehearsal.design import people
from astsvm_lib.rehearsal.wide import CROP, FIRST_SUBJECT, WIDE, draw_pair, pairs


def test_a_larger_data_set_begins_with_the_clips_of_a_smaller_one():
    whole, few = load("rehearsal-wide"), load("rehearsal-wide@40")
    assert few.clips == whole.clips[:40]
    assert [clip.fingerprint for clip in few] == [clip.fingerprint for clip in whole.clips[:40]]
    assert len(few.groups) == 4
    assert few.id == "rehearsal-wide@40"
    assert few.manifest.rehearsal
    assert few.deviations() == []


def test_classes_take_turns_and_subjects_are_nobody_else():
    clips = pairs("rehearsal-wide")
    mislabelled = np.mean([entry.label != ("negative", "positive", "surprise")[i % 3] for i, entry in enumerate(clips)])
    share = WIDE["rehearsal-wide"].variation.mislabelled
    assert mislabelled == pytest.approx(share * 2 / 3, abs=0.006)
    assert set(Counter(entry.subject for entry in clips).values()) == {10}
    assert not {entry.spec.subject for entry in clips} & {seed for group in people().values() for seed in group}
    assert min(entry.spec.subject for entry in clips) == FIRST_SUBJECT


def test_a_clip_is_onset_and_apex():
    entry = draw_pair(WIDE["rehearsal-wide"], 2)
    renderer = ClipRenderer(entry.spec)
    np.testing.assert_array_equal(renderer.curve, [0, 1])
    assert renderer.apex == 1
    clip = load("rehearsal-wide@40").clips[2]
    frames = clip.load_frames()
    assert frames.shape[:3] == (2, entry.spec.size, entry.spec.size)
    np.testing.assert_array_equal(clip.load_landmarks(), renderer.landmarks(0))


def test_alignments_vary_as_designed():
    options = WIDE["rehearsal-wide"].variation
    maps = np.array([entry.alignment for entry in pairs("rehearsal-wide")[:2000]])
    scale = np.sqrt(np.linalg.det(maps[..., :2]))
    centre = (CROP - 1) / 2
    moved = maps @ [centre, centre, 1] - centre
    assert np.log(scale).std() == pytest.approx(options.crop_scale, rel=0.1)
    assert moved.std() == pytest.approx(CROP * options.crop_shift, rel=0.1)
    assert abs(np.log(scale).mean()) < 0.01


def test_wrong_numbers_of_clips_are_refused():
    for name in ("rehearsal-wide@1", "rehearsal-wide@10001", "rehearsal-wide@x", "samm@20", "rehearsal-megc@20"):
        with pytest.raises(CompanionError, match="expected ID@N with the number of clips of a generated data set"):
            load(name)
