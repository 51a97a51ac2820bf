"""Choice of C, gamma and scaling of an SVM by inner validation within the training fold (reading R12)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.svm import SVC

from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.scores import confusion_matrix, uf1
from astsvm_lib.models.fold_kernels import FoldKernels
from astsvm_lib.models.svm_transfer import TransferSVM, svc_of
from astsvm_lib.recipe import Transfer

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 2

#: Number of inner folds.
FOLDS = 5
#: Limit of libsvm's iterations in a fit of the search. Usual fits take some hundred; on features that are equal up to
#: rounding, as after a literal softmax, libsvm's own limit of ten million would take hours in all.
ITERATIONS = 100_000
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


def search(features: np.ndarray, labels: np.ndarray, subjects: np.ndarray, options: Transfer) -> Best:
    """As :func:`search_kernels`, from the features (N, D) of the training clips."""
    return search_kernels(FoldKernels(features), labels, subjects, options)


def search_kernels(kernels: FoldKernels, labels: np.ndarray, subjects: np.ndarray, options: Transfer) -> Best:
    """Grid search for C, gamma and scaling, by pooled UF1 over inner folds of whole subjects.

    Parameters
    ----------
    kernels
        Kernel values of the fold; those of its test clips are not used.
    labels
        Class numbers (N,).
    subjects
        Subject (N,) of each clip.
    options
        ``kernel``, ``scale_floor`` and ``class_weights``. Features are not standardised for the chi-squared kernel,
        and gamma is not searched for the linear kernel.

    Returns
    -------
    Best
        In case of a tie, the first in the grid.

    Raises
    ------
    CompanionError
        If there are fewer than two subjects, or the kernel is chi-squared and a feature negative.

    Notes
    -----
    Each subject is in one of :data:`FOLDS` inner folds (scikit-learn's ``StratifiedGroupKFold``). ``GridSearchCV``
    averages a score over folds; here, one confusion matrix is pooled over the inner folds, as over the outer folds
    (R14). Inner products are computed once for each scaling, and shared by all inner folds and values of C and
    gamma; features are therefore standardised over the outer training fold and not over each inner training
    fold. The network that computes the features is trained on the outer training fold, which includes the inner test
    subjects, so that inner scores are biased upwards. The outer test subject is used neither in training nor in the
    search.
    """
    count = len(np.unique(subjects))
    if count < 2:
        raise CompanionError(f"inner validation: expected at least 2 subjects, found {count}")
    classes = list(range(int(labels.max()) + 1))
    with warnings.catch_warnings():  # a class may have fewer clips than there are folds, or be missing from one
        warnings.simplefilter("ignore", UserWarning)
        inner = list(StratifiedGroupKFold(min(FOLDS, count)).split(labels, labels, subjects))
    best: Best | None = None
    for standardise in (True, False) if options.kernel != "chi-squared" else (False,):
        scaled = options.model_copy(update={"tuning": "none", "gamma": "scale", "standardise": standardise})
        scale = kernels.gamma(scaled)
        for factor in FACTORS if options.kernel != "linear" else (1.0,):
            tried = scaled.model_copy(update={"gamma": factor * scale})
            matrix = kernels.gram(tried)
            for penalty in PENALTIES:
                svc = svc_of(penalty, options.class_weights).set_params(max_iter=ITERATIONS)
                predicted = _inner_predictions(matrix, labels, inner, svc)
                found = uf1(confusion_matrix(labels.tolist(), predicted.tolist(), classes))
                if best is None or found > best.uf1:
                    best = Best(tried.model_copy(update={"C": penalty}), found)
    assert best is not None
    return best


def _inner_predictions(
    matrix: np.ndarray, labels: np.ndarray, inner: list[tuple[np.ndarray, np.ndarray]], svc: SVC
) -> np.ndarray:
    """Class numbers (N,) predicted over the inner folds from a Gram matrix (N, N), one class versus the rest.

    This is ``cross_val_predict`` with ``OneVsRestClassifier``, which takes five times as long: most of it for the
    validation of arguments, in each of the several hundred small fits of a search.
    """
    predicted = np.empty(len(labels), int)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a fit that ends at the limit is scored like the others
        for train, test in inner:
            own, other = np.ascontiguousarray(matrix[np.ix_(train, train)]), matrix[np.ix_(test, train)]
            decisions = np.full((len(test), labels.max() + 1), -np.inf)
            for label in np.unique(labels[train]):
                one = labels[train] == label
                decisions[:, label] = np.inf if one.all() else svc.fit(own, one).decision_function(other)
            predicted[test] = decisions.argmax(1)
    return predicted


def fit_svm(features: np.ndarray, labels: np.ndarray, subjects: np.ndarray, options: Transfer) -> TransferSVM:
    """As :func:`fit_svm_kernels`, from the features (N, D) of the training clips."""
    return fit_svm_kernels(FoldKernels(features), labels, subjects, options)


def fit_svm_kernels(kernels: FoldKernels, labels: np.ndarray, subjects: np.ndarray, options: Transfer) -> TransferSVM:
    """The SVM of a training fold, fitted.

    Parameters
    ----------
    kernels, labels, subjects
        As for :func:`search_kernels`; ``subjects`` is used only with ``tuning="inner"``.
    options
        ``tuning``: whether C, gamma and standardise are chosen by :func:`search_kernels`, or used as given.

    Raises
    ------
    CompanionError
        As for :func:`search_kernels` and :meth:`~astsvm_lib.models.svm_transfer.TransferSVM.fit`.
    """
    if options.tuning == "inner":
        options = search_kernels(kernels, labels, subjects, options).options
    return TransferSVM.from_options(options).fit_kernels(kernels, labels)
