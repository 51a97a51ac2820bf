"""Settings common to the methods that use onset-apex flow."""

from __future__ import annotations

from typing import Literal

from astsvm_lib.choices import Part, option
from astsvm_lib.features.onset_apex import MissingApex
from astsvm_lib.features.strain import Definition
from astsvm_lib.recipe import Recipe


class Motion(Part):
    """How the motion from onset to apex is measured."""

    flow: Literal["tv-l1", "dis", "lucas-kanade"] = option(
        "tv-l1", "optical flow method; Lucas-Kanade uses the recipe's parameters"
    )
    apex: MissingApex = option("spotted", "apex of a clip without an annotated one: spotted, or the middle frame")
    strain: Definition = option("tensor", "optical strain with shear, or from the normal components alone")

    def over(self, recipe: Recipe) -> Recipe:
        """The recipe with its flow method replaced by this one."""
        return recipe.replace(flow={"method": self.flow})
