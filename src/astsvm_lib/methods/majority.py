"""Baseline: the majority class of the training fold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier

from astsvm_lib.cache import Cache
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.methods.method import FitConfig, FoldPrediction, Method, OnEpoch
from astsvm_lib.recipe import Recipe
from astsvm_lib.storage import Arrays

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1


@dataclass(frozen=True)
class Majority(Method):
    """scikit-learn's ``DummyClassifier``; in case of a tie, the first class in the data set's order."""

    def extract(
        self, clips: Sequence[Clip], recipe: Recipe, settings: Any, cache: Cache, jobs: int, progress: bool
    ) -> Arrays:
        return {"nothing": np.zeros((len(clips), 1))}

    def fit_predict(
        self,
        train: Arrays,
        labels: np.ndarray,
        test: Arrays,
        config: FitConfig,
        rng: np.random.Generator,
        on_epoch: OnEpoch = None,
    ) -> FoldPrediction:
        classifier = DummyClassifier(strategy="most_frequent").fit(train["nothing"], labels)
        scores = np.full((len(test["nothing"]), config.classes), -np.inf)
        scores[:, classifier.classes_] = classifier.predict_proba(test["nothing"])
        return FoldPrediction({"majority": scores}, [])
