"""Search for C, gamma and scaling of an SVM by LOSO within the training fold (reading R12)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC

from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.scores import confusion_matrix, uf1
from astsvm_lib.models.kernels import gram, resolve_gamma
from astsvm_lib.models.scaling import FlooredScaler
from astsvm_lib.recipe import Transfer

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1

PENALTIES = (0.1, 1.0, 10.0, 100.0, 1000.0)
#: Values of gamma, as multiples of "scale".
FACTORS = (0.1, 1.0, 10.0)


@dataclass(frozen=True)
class Best:
    """Result of a search.

    Attributes
    ----------
    options
        The best options, with numeric values of C and gamma.
    uf1
        Their UF1, pooled over the inner folds.
    """

    options: Transfer
    uf1: float


def search(features: np.ndarray, labels: np.ndarray, subjects: np.ndarray, kernel: str) -> Best:
    """Grid search for C, gamma and scaling of one kernel, by pooled UF1 over inner LOSO folds.

    Parameters
    ----------
    features
        Features (N, D) of the clips in the training fold.
    labels
        Class numbers (N,).
    subjects
        Subject (N,) of each clip.
    kernel
        As in the recipe's ``transfer.kernel``. Features are not standardised for the chi-squared kernel, and gamma
        is not searched for the linear kernel.

    Returns
    -------
    Best
        Options for :class:`~astsvm_lib.models.svm_transfer.TransferSVM`; in case of a tie, the first in the grid.

    Raises
    ------
    CompanionError
        If there are fewer than two subjects, or the kernel is chi-squared and a feature negative.

    Notes
    -----
    scikit-learn's ``GridSearchCV`` averages a score over folds. Here, one confusion matrix is pooled over the inner
    folds, as over the outer folds (R14). The Gram matrix is computed once for each scaling and gamma, and shared by
    all inner folds and values of C; features are therefore standardised over the outer training fold and not over
    each inner training fold. The network that computes the features is trained on the outer training fold, which
    includes the inner test subjects, so that inner scores are biased upwards. The outer test subject is used
    neither in training nor in the search.
    """
    if len(np.unique(subjects)) < 2:
        raise CompanionError(f"inner search: expected at least 2 subjects, found {len(np.unique(subjects))}")
    features = features.astype(np.float64)
    classes = list(range(int(labels.max()) + 1))
    best: Best | None = None
    for standardise in (True, False) if kernel != "chi-squared" else (False,):
        options = Transfer.model_validate({"kernel": kernel, "standardise": standardise})
        rows = FlooredScaler(options.scale_floor).fit_transform(features) if standardise else features
        scale = resolve_gamma(rows, options)
        for factor in FACTORS if kernel != "linear" else (1.0,):
            matrix = gram(rows, rows, options, factor * scale)
            for penalty in PENALTIES:
                svm = OneVsRestClassifier(SVC(kernel="precomputed", C=penalty))
                predicted = cross_val_predict(svm, matrix, labels, groups=subjects, cv=LeaveOneGroupOut())
                found = uf1(confusion_matrix(labels.tolist(), predicted.tolist(), classes))
                if best is None or found > best.uf1:
                    best = Best(options.model_copy(update={"C": penalty, "gamma": factor * scale}), found)
    assert best is not None
    return best
