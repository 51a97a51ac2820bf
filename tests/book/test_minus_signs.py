"""Hyphens before numbers become minus signs, and no others."""

import pytest

from astsvm_lib.book.minus_signs import with_minus_signs


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("-0.030 (-0.068 to +0.008)", "−0.030 (−0.068 to +0.008)"),
        ("between -1 and 1", "between −1 and 1"),
        ("[-.5, 3]", "[−.5, 3]"),
        ("1-3 frames of SMIC-HS, AU-4, - 3, 2024-01-05", "1-3 frames of SMIC-HS, AU-4, - 3, 2024-01-05"),
    ],
)
def test_a_hyphen_before_a_number_is_a_minus_sign(text: str, shown: str):
    assert with_minus_signs(text) == shown
