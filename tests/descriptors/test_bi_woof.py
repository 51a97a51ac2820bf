import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydantic import ValidationError
from reference import plain_bi_woof

from astsvm_lib.descriptors import BiWoof, bi_woof
from astsvm_lib.errors import CompanionError
from astsvm_lib.features.strain import optical_strain

FLOWS = arrays(np.float64, st.tuples(st.integers(6, 12), st.integers(6, 12), st.just(2)),
               elements=st.floats(-3, 3, width=16))  # fmt: skip
OPTIONS = st.builds(
    BiWoof, bins=st.integers(2, 9), blocks=st.integers(1, 4), local_weight=st.booleans(), global_weight=st.booleans(),
    normalise=st.booleans(),
)  # fmt: skip
RAW = BiWoof(blocks=8, normalise=False)


@settings(max_examples=50, deadline=None)
@given(FLOWS, OPTIONS)
def test_it_is_what_the_plain_loops_give(flow, options):
    assert np.allclose(bi_woof(flow, options), plain_bi_woof(flow, optical_strain(flow), options), rtol=1e-12)


def test_a_still_clip_and_a_rigid_shift_give_zero():
    assert not bi_woof(np.zeros((32, 32, 2))).any()
    shift = np.full((32, 32, 2), 0.5)
    assert not bi_woof(shift).any()  # nothing is stretched
    assert bi_woof(shift, RAW.model_copy(update={"global_weight": False})).sum() == pytest.approx(
        32 * 32 * np.hypot(0.5, 0.5)
    )


def test_a_stretch_worked_out_by_hand():
    """The right half is drawn to the right by a tenth of the distance; two blocks a side, four directions."""
    flow = np.zeros((8, 8, 2))
    flow[:, 4:, 0] = 0.1 * np.arange(1, 5)
    found = bi_woof(flow, BiWoof(bins=4, blocks=2, normalise=False)).reshape(2, 2, 4)
    strain = optical_strain(flow)
    assert strain[0, 4:].round(6).tolist() == [0.1, 0.1, 0.1, 0.1]
    expected = 4 * (0.1 + 0.2 + 0.3 + 0.4) * 0.1  # four rows, the flow's length, the mean strain
    assert found[:, 1, 2] == pytest.approx([expected, expected])  # from 0 to 90 degrees
    assert found.sum() == pytest.approx(2 * expected)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**31))
def test_a_mirrored_clip_has_mirrored_features(seed):
    rng = np.random.default_rng(seed)
    flow = rng.normal(size=(12, 12, 2))
    mirrored = flow[:, ::-1] * (-1, 1)
    options = BiWoof(bins=8, blocks=3)
    there = bi_woof(flow, options).reshape(3, 3, 8)
    back = bi_woof(mirrored, options).reshape(3, 3, 8)
    turned = [(3 - k) % 8 for k in range(8)]  # a direction a becomes 180 degrees - a
    assert np.allclose(back[:, ::-1][:, :, turned], there)


def test_twice_the_motion_counts_four_times():
    flow = np.random.default_rng(3).normal(size=(16, 16, 2))
    assert np.allclose(bi_woof(2 * flow, RAW), 4 * bi_woof(flow, RAW))  # once by the length, once by the strain
    assert np.allclose(bi_woof(2 * flow), bi_woof(flow))  # normalised, only the pattern is left
    assert np.linalg.norm(bi_woof(flow)) == pytest.approx(1)


def test_what_is_no_flow_is_refused():
    with pytest.raises(CompanionError, match=r"expected a flow field \(H, W, 2\), found \(8, 8\)"):
        bi_woof(np.zeros((8, 8)))
    with pytest.raises(CompanionError, match="at least one pixel per block"):
        bi_woof(np.zeros((4, 20, 2)))
    with pytest.raises(ValidationError, match="bins"):
        BiWoof(bins=1)
