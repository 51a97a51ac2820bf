"""Variants of the recipe for the readings that matter, with one choice changed at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, eq=False)
class Variant:
    """One change of the recipe.

    Attributes
    ----------
    reading
        Identifier of the reading, R1 to R15.
    name
        Short description.
    changes
        Arguments of :meth:`~astsvm_lib.recipe.Recipe.replace`.
    question
        Question that the variant answers.
    """

    reading: str
    name: str
    changes: dict[str, dict[str, Any]]
    question: str


VARIANTS = (
    Variant("R3", "no magnification", {"magnification": {"alpha": 1.0}}, "does magnifying motion help at all?"),
    Variant("R3", "magnification 16", {"magnification": {"alpha": 16.0}}, "does more of it help more?"),
    Variant("R4", "linear sampling", {"interpolation": {"method": "linear"}}, "TIM, or ten frames at equal distances?"),
    Variant("R5", "flow to the onset", {"flow": {"reference": "onset"}}, "motion since the onset, or frame to frame?"),
    Variant("R5", "horizontal flow", {"flow": {"component": "u"}}, "which one number of a vector is kept?"),
    Variant("R6", "absolute differences", {"difference": {"sign": "absolute"}}, "does the sign of a change matter?"),
    Variant("R6", "grey values 0-255", {"difference": {"grey_range": "0-255"}}, "does the scale of a feature matter?"),
    Variant("R7", "literal softmax", {"attention": {"activation": "softmax"}}, "what does the figure's softmax do?"),
    Variant("R7", "sigmoid", {"attention": {"activation": "sigmoid"}}, "and CBAM's sigmoid?"),
    Variant("R10", "2D for IDSF, 3D for flow", {"inception": {"modules": "split"}}, "which stream has which module?"),
)
