"""Methods that describe each clip by one vector and learn with an SVM: the features of Table 8."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from astsvm_lib.choices import Choices
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.descriptors import BiWoof, LbpTop, StlbpIp, bi_woof, lbp_top, stlbp_ip
from astsvm_lib.descriptors.onset_apex import flow_of
from astsvm_lib.methods.method import Conditions, Method, OnEpoch, Trained
from astsvm_lib.methods.motion import Motion
from astsvm_lib.preprocessing.pipeline import prepare
from astsvm_lib.processes import each
from astsvm_lib.recipe import Recipe, Transfer
from astsvm_lib.storage import Arrays, Cache, code_digest
from astsvm_lib.transfer.svm import TransferSVM

#: A linear SVM that lets no training clip be on the wrong side, if the clips can be parted at all.
HARD_LINEAR = Transfer(kernel="linear", C=10000.0, standardise=False)


class LbpTopSettings(Choices):
    """Settings of the method LBP-TOP."""

    called: ClassVar[str] = "lbp-top"

    descriptor: LbpTop = LbpTop()
    transfer: Transfer = HARD_LINEAR


class StlbpIpSettings(Choices):
    """Settings of the method STLBP-IP."""

    called: ClassVar[str] = "stlbp-ip"

    descriptor: StlbpIp = StlbpIp()
    transfer: Transfer = Transfer(kernel="chi-squared", C=10000.0, standardise=False)


class BiWoofSettings(Choices):
    """Settings of the method Bi-WOOF."""

    called: ClassVar[str] = "bi-woof"

    motion: Motion = Motion()
    descriptor: BiWoof = BiWoof()
    transfer: Transfer = HARD_LINEAR


def grey_clip(clip: Clip, recipe: Recipe, cache: Cache) -> np.ndarray:
    """A prepared clip as whole grey values, (10, 192, 192) uint8; magnification may have left 0..255."""
    return np.clip(np.rint(prepare(clip, recipe, cache).frames), 0, 255).astype(np.uint8)


def describe_lbp_top(clip: Clip, recipe: Recipe, settings: LbpTopSettings, cache: Cache) -> np.ndarray:
    """LBP-TOP of the prepared clip."""
    return lbp_top(grey_clip(clip, recipe, cache), settings.descriptor)


def describe_stlbp_ip(clip: Clip, recipe: Recipe, settings: StlbpIpSettings, cache: Cache) -> np.ndarray:
    """STLBP-IP of the prepared clip."""
    return stlbp_ip(grey_clip(clip, recipe, cache), settings.descriptor)


def describe_bi_woof(clip: Clip, recipe: Recipe, settings: BiWoofSettings, cache: Cache) -> np.ndarray:
    """Bi-WOOF of the flow from onset to apex."""
    motion = settings.motion
    flow = flow_of(clip, motion.over(recipe), motion.apex, cache)
    return bi_woof(flow, settings.descriptor, motion.strain)


def _describe_at(
    describe: Callable[..., np.ndarray], clip: Clip, recipe: Recipe, settings: Choices, root: Path, code: str, key: str
) -> np.ndarray:
    """A clip's vector, from the cache where it was computed before."""
    cache = Cache(root)

    def make() -> dict[str, np.ndarray]:
        return {"vector": describe(clip, recipe, settings, cache).astype(np.float32)}

    return cache.get("descriptors", {"clip": clip.key, "content": clip.content, "choices": key, "code": code}, make)[
        "vector"
    ]


@dataclass(frozen=True)
class Described(Method):
    """A descriptor and an SVM.

    Attributes
    ----------
    describe
        Vector of a clip: ``(clip, recipe, settings, cache)``.
    """

    describe: Callable[..., np.ndarray]

    def extract(
        self, clips: Sequence[Clip], recipe: Recipe, settings: Choices, cache: Cache, jobs: int, progress: bool
    ) -> Arrays:
        key = self.choices_digest(recipe, settings.replace(transfer={}))
        code = code_digest(*self.rooms)
        work: list[tuple[Any, ...]] = [(self.describe, clip, recipe, settings, cache.root, code, key) for clip in clips]
        return {"vectors": np.stack(list(each(_describe_at, work, jobs, f"describing by {self.title}", progress)))}

    def run(
        self,
        train: Arrays,
        labels: np.ndarray,
        test: Arrays,
        conditions: Conditions,
        rng: np.random.Generator,
        on_epoch: OnEpoch = None,
    ) -> Trained:
        machine = TransferSVM(conditions.settings.transfer).fit(train["vectors"], labels)  # type: ignore[attr-defined]
        return Trained({"svm": machine.decide(test["vectors"], conditions.classes)}, [])
