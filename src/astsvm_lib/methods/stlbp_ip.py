"""STLBP-IP of the prepared clip with an SVM: a row of the paper's Table 8."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.choices import Choices
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.descriptors import StlbpIp, stlbp_ip
from astsvm_lib.methods.descriptor_method import DescriptorMethod, grey_clip
from astsvm_lib.recipe import Recipe, Transfer

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1


class StlbpIpSettings(Choices):
    """Settings of the method STLBP-IP."""

    called: ClassVar[str] = "stlbp-ip"

    descriptor: StlbpIp = StlbpIp()
    transfer: Transfer = Transfer(kernel="chi-squared", tuning="none", C=10000.0, standardise=False)


@dataclass(frozen=True)
class StlbpIpMethod(DescriptorMethod):
    """STLBP-IP; see :mod:`astsvm_lib.descriptors.stlbp_ip`."""

    def describe(self, clip: Clip, recipe: Recipe, settings: StlbpIpSettings, cache: Cache) -> np.ndarray:
        return stlbp_ip(grey_clip(clip, recipe, cache), settings.descriptor)
