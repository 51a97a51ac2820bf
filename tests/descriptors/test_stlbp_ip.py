import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from reference import plain_stlbp_ip

from astsvm_lib.descriptors import StlbpIp, stlbp_ip
from astsvm_lib.descriptors.stlbp_ip import projections
from astsvm_lib.errors import CompanionError

CLIPS = arrays(np.uint8, st.tuples(st.integers(4, 6), st.integers(10, 16), st.integers(10, 16)))
OPTIONS = st.builds(
    StlbpIp, reference=st.sampled_from(["onset", "previous"]), mask=st.sampled_from([3, 5]), blocks=st.integers(1, 2),
    neighbours=st.sampled_from([4, 8]), radius_space=st.integers(1, 2), uniform=st.booleans(),
)  # fmt: skip


@settings(max_examples=30, deadline=None)
@given(CLIPS, OPTIONS)
def test_the_vectorised_descriptor_is_the_plain_one_bit_for_bit(clip, options):
    assert np.array_equal(stlbp_ip(clip, options), plain_stlbp_ip(clip, options))


@settings(max_examples=20, deadline=None)
@given(CLIPS, OPTIONS)
def test_each_of_the_four_histograms_of_a_block_adds_up_to_one(clip, options):
    vector = stlbp_ip(clip, options)
    assert vector.sum() == pytest.approx(4 * options.blocks**2)


@settings(max_examples=20, deadline=None)
@given(CLIPS, st.integers(0, 127))
def test_light_that_does_not_change_in_time_is_gone(clip, level):
    options = StlbpIp(mask=5, blocks=2, radius_space=1)
    dark = clip // 2
    assert np.array_equal(stlbp_ip(dark + np.uint8(level), options), stlbp_ip(dark, options))


def test_projections_worked_out_by_hand():
    clip = np.zeros((2, 4, 4), np.uint8)
    clip[0] = 7
    clip[1] = 7
    clip[1, 1, :2] += 3  # a bright mark in row 1, columns 0 and 1
    horizontal, vertical = projections(clip, StlbpIp(blocks=2))
    assert horizontal[0].tolist() == [[0, 0], [6, 0], [0, 0], [0, 0]]  # row 1 of the left column of blocks
    assert vertical[0].tolist() == [[3, 3, 0, 0], [0, 0, 0, 0]]


def test_a_still_clip_has_all_ones():
    clip = np.stack([np.random.default_rng(0).integers(0, 255, (20, 20)).astype(np.uint8)] * 6)
    vector = stlbp_ip(clip, StlbpIp(mask=5, blocks=1, radius_space=1, uniform=False)).tolist()
    lengths = [16, 16, 256, 256]
    starts = np.cumsum([0, *lengths[:-1]])
    assert [vector[start + length - 1] for start, length in zip(starts, lengths, strict=True)] == [1, 1, 1, 1]


def test_a_mirrored_clip_has_mirrored_features():
    clip = np.random.default_rng(1).integers(0, 255, (6, 20, 20)).astype(np.uint8)
    options = StlbpIp(mask=5, blocks=2, radius_space=1, uniform=False)
    there = stlbp_ip(clip, options).reshape(2, 2, -1)
    back = stlbp_ip(clip[:, :, ::-1].copy(), options).reshape(2, 2, -1)[:, ::-1]
    assert np.allclose(back[..., :16], there[..., :16])  # sums along the rows do not know left from right
    turned = [sum(((code >> k) & 1) << (3 - k) for k in range(4)) for code in range(16)]
    assert np.allclose(back[..., 16:32][..., turned], there[..., 16:32])


def test_what_cannot_be_described_is_refused():
    with pytest.raises(CompanionError, match="at least 4 frames and blocks of 9 pixels, found 3 and 20"):
        stlbp_ip(np.zeros((3, 100, 100), np.uint8))
    with pytest.raises(CompanionError, match="blocks of 9 pixels, found 10 and 8"):
        stlbp_ip(np.zeros((10, 40, 40), np.uint8))
    with pytest.raises(CompanionError, match="of uint8, found"):
        stlbp_ip(np.zeros((10, 100, 100)))
