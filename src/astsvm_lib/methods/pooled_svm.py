"""Baseline: a linear SVM on the network's inputs, reduced to 32x32 pixels; no features are learned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.features.pipeline import extract_all, stream_names
from astsvm_lib.methods.method import FitConfig, FoldPrediction, Method, OnEpoch
from astsvm_lib.methods.svm_head import subject_numbers, svm_decisions
from astsvm_lib.recipe import Recipe
from astsvm_lib.storage import Arrays

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1

#: Height and width after the reduction, as in the network (R9).
SIDE = 32


def pooled(x: np.ndarray) -> np.ndarray:
    """Means (N, T * 32 * 32) over square blocks of the maps x (N, T, H, W)."""
    count, frames, height, _ = x.shape
    side = height // SIDE
    return x.reshape(count, frames, SIDE, side, SIDE, side).mean((3, 5)).reshape(count, -1)


@dataclass(frozen=True)
class PooledSvm(Method):
    """A linear SVM on the block means of the streams that the recipe selects (R10).

    Each stream is divided by its standard deviation over the training fold if the network's inputs are (R13). The
    SVM is fitted as the recipe's section ``transfer`` says, except for its kernel.
    """

    def extract(
        self, clips: Sequence[Clip], recipe: Recipe, settings: Any, cache: Cache, jobs: int, progress: bool
    ) -> Arrays:
        inputs = extract_all(clips, recipe, cache, jobs, progress).inputs
        return {name: pooled(inputs[name]) for name in stream_names(recipe)} | {"subject": subject_numbers(clips)}

    def fit_predict(
        self,
        train: Arrays,
        labels: np.ndarray,
        test: Arrays,
        config: FitConfig,
        rng: np.random.Generator,
        on_epoch: OnEpoch = None,
    ) -> FoldPrediction:
        names = stream_names(config.recipe)
        scales = dict.fromkeys(names, 1.0)
        if config.recipe.training.input_scale == "deviation":
            scales = {name: float(train[name].std()) or 1.0 for name in names}
        features, test_features = (
            np.concatenate([arrays[name] / scales[name] for name in names], axis=1) for arrays in (train, test)
        )
        options = config.recipe.transfer.model_copy(update={"kernel": "linear"})
        decisions = svm_decisions(features, labels, train["subject"], test_features, options, config.classes)
        return FoldPrediction({"svm": decisions}, [])
