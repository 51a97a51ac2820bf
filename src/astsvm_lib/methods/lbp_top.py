"""LBP-TOP of the prepared clip with an SVM: a row of the paper's Table 8."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.choices import Choices
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.descriptors import LbpTop, lbp_top
from astsvm_lib.methods.descriptor_method import HARD_LINEAR, DescriptorMethod, grey_clip
from astsvm_lib.recipe import Recipe, Transfer

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1


class LbpTopSettings(Choices):
    """Settings of the method LBP-TOP."""

    called: ClassVar[str] = "lbp-top"

    descriptor: LbpTop = LbpTop()
    transfer: Transfer = HARD_LINEAR


@dataclass(frozen=True)
class LbpTopMethod(DescriptorMethod):
    """LBP-TOP; see :mod:`astsvm_lib.descriptors.lbp_top`."""

    def describe(self, clip: Clip, recipe: Recipe, settings: LbpTopSettings, cache: Cache) -> np.ndarray:
        return lbp_top(grey_clip(clip, recipe, cache), settings.descriptor)
