"""The SVM that methods fit to the features of the clips in a training fold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from astsvm_lib.datasets.clip import Clip
from astsvm_lib.models.fold_kernels import FoldKernels
from astsvm_lib.models.inner_search import fit_svm_kernels
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
    features
        Features (N, D) of the training clips.
    labels, subjects, options
        As for :func:`~astsvm_lib.models.inner_search.fit_svm_kernels`.
    test_features
        Features (M, D) of the test clips.
    classes
        Number of classes of the data set.

    Raises
    ------
    CompanionError
        As for :func:`~astsvm_lib.models.inner_search.fit_svm_kernels`.
    """
    heads = svm_decisions_of_heads(features, labels, subjects, test_features, {"svm": options}, classes)
    return heads["svm"]


def svm_decisions_of_heads(
    features: np.ndarray,
    labels: np.ndarray,
    subjects: np.ndarray,
    test_features: np.ndarray,
    heads: Mapping[str, Transfer],
    classes: int,
) -> dict[str, np.ndarray]:
    """Decision values (M, classes) of test clips by head, each an SVM that is fitted to the same training clips.

    The SVMs share their inner products, which take longer than the SVMs if there are many features.

    Parameters
    ----------
    features, labels, subjects, test_features, classes
        As for :func:`svm_decisions`.
    heads
        Options of the SVM by name of the head.

    Raises
    ------
    CompanionError
        As for :func:`~astsvm_lib.models.inner_search.fit_svm_kernels`.
    """
    kernels = FoldKernels(features, test_features)
    decisions = {}
    for head, options in heads.items():
        svm = fit_svm_kernels(kernels, labels, subjects, options)
        decisions[head] = expand_decisions(svm.decide(kernels), svm.classes_, classes)
    return decisions
