import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError
from reference import plain_lbp_top
from skimage.feature import local_binary_pattern

from astsvm_lib.descriptors import LbpTop, lbp_top
from astsvm_lib.descriptors.lbp_top import code_volumes
from astsvm_lib.errors import CompanionError
from astsvm_lib.features.binary_patterns import changes, code_bins

SMALL = LbpTop(radius_time=1, blocks_column=2, blocks_row=3)
CLIPS = arrays(np.uint8, st.tuples(st.integers(3, 6), st.integers(7, 12), st.integers(7, 12)))
OPTIONS = st.builds(
    LbpTop,
    neighbours=st.sampled_from([4, 6, 8]),
    radius_column=st.integers(1, 2),
    radius_row=st.integers(1, 2),
    radius_time=st.just(1),
    blocks_column=st.integers(1, 3),
    blocks_row=st.integers(1, 3),
    overlap=st.sampled_from([0.0, 0.3]),
    uniform=st.booleans(),
    interpolation=st.sampled_from(["bilinear", "nearest"]),
)


@settings(max_examples=30, deadline=None)
@given(CLIPS, OPTIONS)
def test_the_compiled_descriptor_is_the_plain_one_bit_for_bit(clip, options):
    assert np.array_equal(lbp_top(clip, options), plain_lbp_top(clip, options))


@settings(max_examples=30, deadline=None)
@given(CLIPS, OPTIONS)
def test_each_block_and_plane_adds_up_to_one(clip, options):
    _, count = code_bins(options.neighbours, options.uniform)
    vector = lbp_top(clip, options)
    blocks = 3 * options.blocks_time * options.blocks_row * options.blocks_column
    assert vector.shape == (blocks * count,)
    assert np.allclose(vector.reshape(blocks, count).sum(1), 1)
    assert vector.min() >= 0


@settings(max_examples=30, deadline=None)
@given(CLIPS, st.lists(st.integers(0, 255), min_size=256, max_size=256, unique=True))
def test_a_monotone_change_of_grey_values_changes_nothing(clip, levels):
    """Of whole pixels; a value between pixels is a mean, which only an affine change carries along."""
    clip = clip // 2
    increasing = np.sort(np.array(levels, np.uint8))
    nearest = SMALL.model_copy(update={"interpolation": "nearest"})
    assert np.array_equal(lbp_top(increasing[clip], nearest), lbp_top(clip, nearest))
    even = clip // 2 * 2  # no mean of even values lies halfway between whole ones, where rounding would decide
    assert np.array_equal(lbp_top(even + np.uint8(100), SMALL), lbp_top(even, SMALL))


def test_the_picture_plane_agrees_with_scikit_image():
    """scikit-image turns the same way round; its values between pixels are not rounded, so those are left out."""
    rng = np.random.default_rng(0)
    frame = rng.integers(0, 255, (20, 24)).astype(np.uint8)
    options = LbpTop(neighbours=4, radius_time=1, uniform=False)
    ours = code_volumes(np.stack([frame] * 3), options)["XY"][0]
    theirs = local_binary_pattern(frame, 4, 1, "default").astype(int)[1:-1, 1:-1]
    assert np.array_equal(ours, theirs)


def test_bins_of_uniform_codes():
    bins, count = code_bins(8, True)
    assert count == 59
    assert sorted(set(bins)) == list(range(59))
    assert (bins == 58).sum() == 256 - 58
    assert all((changes(code, 8) <= 2) == (bins[code] < 58) for code in range(256))


def test_a_clip_worked_out_by_hand():
    clip = np.full((3, 3, 3), 10, np.uint8)
    clip[1, 1, 1] = 20  # brighter than all around it: no bit is set in any plane
    options = LbpTop(neighbours=4, radius_time=1, blocks_column=1, blocks_row=1, uniform=False)
    assert lbp_top(clip, options).reshape(3, 16).argmax(1).tolist() == [0, 0, 0]
    clip[1, 1, 2] = 30  # to the right: bit 0 in XY and XT
    clip[2, 1, 1] = 30  # later: "down" in XT and YT, the fourth on the way round
    assert lbp_top(clip, options).reshape(3, 16).argmax(1).tolist() == [1, 1 + 8, 8]


def test_a_still_clip_has_the_code_of_all_ones_along_time():
    rng = np.random.default_rng(1)
    clip = np.stack([rng.integers(0, 255, (9, 9), np.uint8)] * 5)
    codes = code_volumes(clip, LbpTop(neighbours=4, radius_time=1, uniform=False))
    for plane in ("XT", "YT"):
        assert ((codes[plane] >> 1) & 1).all()  # before and after are as bright as now
        assert ((codes[plane] >> 3) & 1).all()


def test_a_mirrored_clip_has_mirrored_features():
    rng = np.random.default_rng(2)
    clip = rng.integers(0, 255, (5, 14, 14)).astype(np.uint8)
    options = SMALL.model_copy(
        update={"uniform": False, "interpolation": "nearest", "blocks_column": 2, "blocks_row": 1}
    )
    there = lbp_top(clip, options).reshape(3, 2, 256)
    back = lbp_top(clip[:, :, ::-1].copy(), options).reshape(3, 2, 256)
    turned = np.array([sum(((code >> k) & 1) << ((4 - k) % 8) for k in range(8)) for code in range(256)])
    assert np.allclose(back[:2, ::-1][:, :, turned], there[:2])
    assert np.allclose(back[2, ::-1], there[2])  # columns over time do not know left from right


def test_what_cannot_be_described_is_refused():
    with pytest.raises(CompanionError, match="expected at least 9x3x3"):
        lbp_top(np.zeros((8, 20, 20), np.uint8))
    with pytest.raises(CompanionError, match=r"expected a clip \(T, H, W\) of uint8, found \(9, 9\)"):
        lbp_top(np.zeros((9, 9), np.uint8))
    with pytest.raises(CompanionError, match="of float64"):
        lbp_top(np.zeros((9, 9, 9)))
    with pytest.raises(CompanionError, match="at least one voxel per block"):
        lbp_top(np.zeros((9, 9, 9), np.uint8))
    for wrong in ({"neighbours": 1}, {"overlap": 1.0}, {"radius_row": 0}):
        with pytest.raises(ValidationError, match=next(iter(wrong))):
            LbpTop(**wrong)
