"""Base class of the hand-crafted descriptors of Table 8: one feature vector per clip, and an SVM."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.choices import Choices
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.methods.method import FitConfig, FoldPrediction, Method, OnEpoch
from astsvm_lib.methods.svm_head import subject_numbers, svm_decisions
from astsvm_lib.parallel import map_ordered
from astsvm_lib.preprocessing.pipeline import prepare
from astsvm_lib.recipe import Recipe, Transfer
from astsvm_lib.stages import cache_key, stage_version
from astsvm_lib.storage import Arrays

#: A linear SVM with a large C, close to a hard margin: no training error if the classes are linearly separable.
HARD_LINEAR = Transfer(kernel="linear", tuning="none", C=10000.0, standardise=False)


def grey_clip(clip: Clip, recipe: Recipe, cache: Cache) -> np.ndarray:
    """A prepared clip as integer grey values.

    Parameters
    ----------
    clip
        Clip to prepare.
    recipe
        Choices of the preprocessing. The onset is always included as the first of the ten frames.
    cache
        Cache for prepared clips.

    Returns
    -------
    numpy.ndarray
        (10, 192, 192) uint8; values that magnification moved out of 0..255 are clipped.

    Raises
    ------
    CompanionError
        If the clip cannot be prepared.
    """
    ten = recipe.replace(difference={"onset": "included"})
    return np.clip(np.rint(prepare(clip, ten, cache).frames), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class DescriptorMethod(Method):
    """A descriptor and an SVM, whose parameters are the section ``transfer`` of the settings.

    Attributes
    ----------
    descriptor
        Stage of the descriptor, for the keys of the cache.
    """

    descriptor: str = field(kw_only=True)

    @abstractmethod
    def describe(self, clip: Clip, recipe: Recipe, settings: Any, cache: Cache) -> np.ndarray:
        """Compute the descriptor of a clip.

        Parameters
        ----------
        clip
            Clip to describe.
        recipe
            Choices of the preprocessing.
        settings
            The method's own parameters.
        cache
            Cache for prepared clips.

        Returns
        -------
        numpy.ndarray
            Feature vector (D,).
        """

    def _described(self, clip: Clip, recipe: Recipe, settings: Choices, root: Path) -> np.ndarray:
        """The clip's feature vector (D,), read from the cache if it is stored there."""
        cache = Cache(root)
        sections = {name: values for name, values in settings.to_dict().items() if name != "transfer"}
        key = cache_key(
            self.descriptor, recipe, clip=clip.key, content=clip.content, fps=clip.fps, settings=sections,
            frames=[clip.onset, clip.apex, clip.offset], method=stage_version(self.stage),
        )  # fmt: skip
        made = cache.get(
            "descriptors", key, lambda: {"vector": self.describe(clip, recipe, settings, cache).astype(np.float32)}
        )
        return made["vector"]

    def extract(
        self, clips: Sequence[Clip], recipe: Recipe, settings: Any, cache: Cache, jobs: int, progress: bool
    ) -> Arrays:
        work: list[tuple[Any, ...]] = [(clip, recipe, settings, cache.root) for clip in clips]
        vectors = np.stack(list(map_ordered(self._described, work, jobs, self.title, progress)))
        return {"vectors": vectors, "subject": subject_numbers(clips)}

    def fit_predict(
        self,
        train: Arrays,
        labels: np.ndarray,
        test: Arrays,
        config: FitConfig,
        rng: np.random.Generator,
        on_epoch: OnEpoch = None,
    ) -> FoldPrediction:
        options: Transfer = config.settings.transfer
        decisions = svm_decisions(train["vectors"], labels, train["subject"], test["vectors"], options, config.classes)
        return FoldPrediction({"svm": decisions}, [])
