"""Pairs of rendered frames in any number."""

from collections import Counter

import numpy as np
import pytest

from astsvm_lib.datasets import load
from astsvm_lib.errors import CompanionError
from astsvm_lib.rehearsal.clip_renderer import ClipRenderer
from astsvm_lib.rehearsal.design import CLASS_OF, people
from astsvm_lib.rehearsal.wide import CROP, FIRST_SUBJECT, WIDE, draw_pair, pairs


def test_a_larger_data_set_begins_with_the_clips_of_a_smaller_one():
    whole, few = load("rehearsal-wide"), load("rehearsal-wide@40")
    assert few.clips == whole.clips[:40]
    assert [clip.fingerprint for clip in few] == [clip.fingerprint for clip in whole.clips[:40]]
    assert len(few.groups) == 4
    assert few.id == "rehearsal-wide@40"
    assert few.manifest.rehearsal
    assert few.deviations() == []


def test_classes_have_their_shares_and_subjects_are_nobody_else():
    clips, design = pairs("rehearsal-wide"), WIDE["rehearsal-wide"]
    drawn = [CLASS_OF[entry.emotion] for entry in clips]
    for count in (100, 1000, 10_000):
        found = Counter(drawn[:count])
        for label, share in design.classes.items():
            assert found[label] == pytest.approx(count * share / sum(design.classes.values()), abs=3)
    mislabelled = np.mean([label != entry.label for label, entry in zip(drawn, clips, strict=True)])
    assert mislabelled == pytest.approx(design.variation.mislabelled * 2 / 3, abs=0.006)
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
