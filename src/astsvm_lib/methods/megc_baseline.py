"""The public baseline of MEGC2019: an SVM on onset-apex flow and strain, without learned features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from astsvm_lib.cache import Cache
from astsvm_lib.datasets.clip import Clip, Dataset
from astsvm_lib.evaluation.scores import Scores, score
from astsvm_lib.features.onset_apex import all_maps
from astsvm_lib.methods.method import FitConfig, FoldPrediction, Method, OnEpoch
from astsvm_lib.models.svm_transfer import expand_decisions
from astsvm_lib.recipe import Recipe
from astsvm_lib.storage import Arrays

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1


def baseline_estimator(kernel: Literal["rbf", "linear"] = "rbf", penalty: float = 1.0) -> Pipeline:
    """Standardisation, then an SVM with gamma = 1 / (features x variance) and balanced class weights.

    By default the public baseline, of which no parameter was tuned on these data. The SVM has one decision value
    per class (``decision_function_shape="ovr"``).

    Parameters
    ----------
    kernel
        Kernel of the SVM.
    penalty
        C of the SVM.
    """
    svm = SVC(kernel=kernel, C=penalty, gamma="scale", class_weight="balanced", break_ties=True)
    return make_pipeline(StandardScaler(), svm)


def predict(maps: np.ndarray, labels: Sequence[str], subjects: Sequence[str]) -> list[str]:
    """Labels predicted by the baseline with LOSO.

    Parameters
    ----------
    maps
        (N, 28, 28, 3) from :func:`astsvm_lib.features.onset_apex.all_maps`.
    labels
        Label of each clip (N,).
    subjects
        ``dataset/subject`` of each clip (N,).

    Returns
    -------
    list of str
        Predicted label of each clip (N,).
    """
    rows = maps.reshape(len(maps), -1).astype(np.float64)
    found = cross_val_predict(
        baseline_estimator(), rows, np.asarray(labels), groups=np.asarray(subjects), cv=LeaveOneGroupOut()
    )
    return [str(label) for label in found]


def parts_of(dataset: Dataset) -> dict[str, np.ndarray]:
    """Row indices of the whole data set and, for a composite, of each of its parts, by identifier."""
    found = {dataset.id: np.arange(len(dataset))}
    names = np.array([clip.dataset for clip in dataset])
    parts = dict.fromkeys(names.tolist())
    if len(parts) > 1:
        found |= {part: np.flatnonzero(names == part) for part in parts}
    return found


def evaluate_baseline(dataset: Dataset, recipe: Recipe, jobs: int = 1, progress: bool = True) -> dict[str, Scores]:
    """Evaluate the baseline by LOSO on a data set and, for a composite, on each of its parts separately.

    Parameters
    ----------
    dataset
        Data set to evaluate on.
    recipe
        Sections ``registration`` and ``flow`` are used.
    jobs
        Number of clips processed in parallel.
    progress
        Whether to show a progress bar.

    Returns
    -------
    dict of str to Scores
        Pooled scores by data set, the whole data set first.

    Raises
    ------
    CompanionError
        If a clip cannot be prepared.
    """
    maps = all_maps(dataset.clips, recipe, jobs=jobs, progress=progress)
    found = {}
    for name, rows in parts_of(dataset).items():
        clips = [dataset.clips[row] for row in rows]
        truth = [clip.label for clip in clips]
        predicted = predict(maps[rows], truth, [clip.group for clip in clips])
        found[name] = score(truth, predicted, dataset.classes)
    return found


@dataclass(frozen=True)
class MegcBaseline(Method):
    """The baseline as a method, with flattened maps (28, 28, 3) of flow and strain."""

    def extract(
        self, clips: Sequence[Clip], recipe: Recipe, settings: Any, cache: Cache, jobs: int, progress: bool
    ) -> Arrays:
        maps = all_maps(clips, recipe, cache, jobs, progress)
        return {"maps": maps.reshape(len(maps), -1).astype(np.float64)}

    def fit_predict(
        self,
        train: Arrays,
        labels: np.ndarray,
        test: Arrays,
        config: FitConfig,
        rng: np.random.Generator,
        on_epoch: OnEpoch = None,
    ) -> FoldPrediction:
        estimator = baseline_estimator().fit(train["maps"], labels)
        decisions = estimator.decision_function(test["maps"])
        return FoldPrediction({"svm": expand_decisions(decisions, estimator.classes_, config.classes)}, [])
