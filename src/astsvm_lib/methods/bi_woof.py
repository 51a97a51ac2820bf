"""Bi-WOOF of the onset-apex flow with an SVM: a row of the paper's Table 8."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.choices import Choices
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.descriptors import BiWoof, bi_woof
from astsvm_lib.features.onset_apex import flow_of
from astsvm_lib.methods.descriptor_method import HARD_LINEAR, DescriptorMethod
from astsvm_lib.methods.motion import Motion
from astsvm_lib.recipe import Recipe, Transfer

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1


class BiWoofSettings(Choices):
    """Settings of the method Bi-WOOF."""

    called: ClassVar[str] = "bi-woof"

    motion: Motion = Motion()
    descriptor: BiWoof = BiWoof()
    transfer: Transfer = HARD_LINEAR


@dataclass(frozen=True)
class BiWoofMethod(DescriptorMethod):
    """Bi-WOOF; see :mod:`astsvm_lib.descriptors.bi_woof`."""

    def describe(self, clip: Clip, recipe: Recipe, settings: BiWoofSettings, cache: Cache) -> np.ndarray:
        motion = settings.motion
        flow = flow_of(clip, motion.over(recipe), motion.apex, cache)
        return bi_woof(flow, settings.descriptor, motion.strain)
