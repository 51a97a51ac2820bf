"""The public baseline: an SVM on onset-apex flow, with nothing learned before it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from astsvm_lib.datasets.clip import Dataset
from astsvm_lib.descriptors.onset_apex import all_maps
from astsvm_lib.evaluation.loso import loso
from astsvm_lib.evaluation.scores import Scores, score
from astsvm_lib.recipe import Recipe


def predict(maps: np.ndarray, labels: Sequence[str], subjects: Sequence[str]) -> list[str]:
    """Label predicted for each clip by an SVM that never saw its subject.

    Parameters
    ----------
    maps
        (N, 28, 28, 3) of :func:`astsvm_lib.descriptors.onset_apex.all_maps`.
    labels, subjects
        Of each clip; subjects as ``dataset/subject``.

    Notes
    -----
    RBF kernel, C = 1, gamma = 1 / (features x variance), classes balanced, each feature standardised
    on the training clips of the fold. No choice was made on these data.
    """
    rows, truth = maps.reshape(len(maps), -1).astype(np.float64), np.asarray(labels)
    found = np.empty(len(truth), object)
    for fold in loso(subjects):
        machine = make_pipeline(StandardScaler(), SVC(C=1.0, gamma="scale", class_weight="balanced"))
        found[fold.test] = machine.fit(rows[fold.train], truth[fold.train]).predict(rows[fold.test])
    return [str(label) for label in found]


def evaluate_baseline(dataset: Dataset, recipe: Recipe, jobs: int = 1, progress: bool = True) -> dict[str, Scores]:
    """Pooled scores of the baseline by data set: the whole, then each part of a composite on its own.

    Parameters
    ----------
    recipe
        Stages ``registration`` and ``flow``.
    jobs
        Clips that are worked on at once.
    """
    maps = all_maps(dataset.clips, recipe, jobs=jobs, progress=progress)
    return {name: scores_of(dataset, maps, rows) for name, rows in parts_of(dataset).items()}


def parts_of(dataset: Dataset) -> dict[str, np.ndarray]:
    """Rows of the whole data set, then, for a composite, of each of its parts."""
    found = {dataset.id: np.arange(len(dataset))}
    names = np.array([clip.dataset for clip in dataset])
    parts = dict.fromkeys(names.tolist())
    if len(parts) > 1:
        found |= {part: np.flatnonzero(names == part) for part in parts}
    return found


def scores_of(dataset: Dataset, maps: np.ndarray, rows: np.ndarray) -> Scores:
    """Pooled scores of the baseline on some clips, trained on these alone."""
    clips = [dataset.clips[row] for row in rows]
    truth = [clip.label for clip in clips]
    return score(truth, predict(maps[rows], truth, [clip.group for clip in clips]), dataset.classes)
