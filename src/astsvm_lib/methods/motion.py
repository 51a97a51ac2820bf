"""Settings that the methods on onset-apex flow share."""

from __future__ import annotations

from typing import Literal

from astsvm_lib.choices import Part, option
from astsvm_lib.features.onset_apex import Stand
from astsvm_lib.features.strain import Definition
from astsvm_lib.recipe import Recipe


class Motion(Part):
    """How the motion from onset to apex is measured."""

    flow: Literal["tv-l1", "dis", "lucas-kanade"] = option(
        "tv-l1", "flow method; the parameters of Lucas-Kanade are the recipe's"
    )
    apex: Stand = option("spotted", "what stands for an apex that is not annotated: a spotted one, or the middle frame")
    strain: Definition = option("tensor", "optical strain with its shear, or the stretch along the axes alone")

    def over(self, recipe: Recipe) -> Recipe:
        """The recipe, with this flow method in place of its own."""
        return recipe.replace(flow={"method": self.flow})
