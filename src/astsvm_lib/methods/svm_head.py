"""The SVM that methods fit to the features of the clips in a training fold."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from astsvm_lib.datasets.clip import Clip
from astsvm_lib.models.inner_search import fit_svm
from astsvm_lib.models.svm_transfer import expand_decisions
from astsvm_lib.recipe import Transfer


def subject_numbers(clips: Sequence[Clip]) -> np.ndarray:
    """Number (N,) of the subject of each clip among these clips, for inner validation."""
    groups = sorted({clip.group for clip in clips})
    return np.array([groups.index(clip.group) for clip in clips])


def svm_decisions(
    features: np.ndarray,
    labels: np.ndarray,
    subjects: np.ndarray,
    test_features: np.ndarray,
    options: Transfer,
    classes: int,
) -> np.ndarray:
    """Decision values (M, classes) of test clips, by an SVM that is fitted to the training clips.

    Parameters
    ----------
    features, labels, subjects, options
        As for :func:`~astsvm_lib.models.inner_search.fit_svm`.
    test_features
        Features (M, D) of the test clips.
    classes
        Number of classes of the data set.
    """
    svm = fit_svm(features, labels, subjects, options)
    return expand_decisions(svm.decision_function(test_features), svm.classes_, classes)
