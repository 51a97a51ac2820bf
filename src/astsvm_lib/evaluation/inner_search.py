"""C, gamma and scaling of an SVM by leave-one-subject-out inside the training fold (reading R12)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from astsvm_lib.evaluation.loso import loso
from astsvm_lib.evaluation.scores import confusion_matrix, uf1
from astsvm_lib.recipe import Transfer
from astsvm_lib.transfer import gram, resolve_gamma

PENALTIES = (0.1, 1.0, 10.0, 100.0, 1000.0)
#: Of gamma, as multiples of "scale".
FACTORS = (0.1, 1.0, 10.0)


@dataclass(frozen=True)
class Chosen:
    """What a search found.

    Attributes
    ----------
    options
        With numbers for C and gamma.
    uf1
        Of the inner folds together: what the choice was made by.
    """

    options: Transfer
    uf1: float


def search(features: np.ndarray, labels: np.ndarray, subjects: np.ndarray, kernel: str) -> Chosen:
    """The best C, gamma and scaling of one kernel, by UF1 over inner folds; of equals, the first tried.

    Parameters
    ----------
    features, labels, subjects
        Of the training fold's clips: (N, D), class numbers, and who is shown.
    kernel
        As in the recipe's ``transfer.kernel``. The chi-squared kernel takes features as they are, and the linear
        one has no gamma.

    Notes
    -----
    A Gram matrix is computed once for each scaling and gamma and shared by all inner folds and penalties, so
    that features are standardised over the outer training fold, not over each inner one. The network whose
    features these are has seen all of the training fold, its inner test subjects included: inner scores are
    too high, alike for all candidates. The outer test subject is seen by neither.
    """
    features = features.astype(np.float64)
    folds = loso([str(subject) for subject in subjects])
    classes = list(range(int(labels.max()) + 1))
    best: Chosen | None = None
    for standardise in (True, False) if kernel != "chi-squared" else (False,):
        rows = StandardScaler().fit_transform(features) if standardise else features
        options = Transfer.model_validate({"kernel": kernel, "standardise": standardise})
        scale = resolve_gamma(rows, options)
        for factor in FACTORS if kernel != "linear" else (1.0,):
            matrix = gram(rows, rows, options, factor * scale)
            for penalty in PENALTIES:
                said = np.empty(len(labels), int)
                for fold in folds:
                    machine = OneVsRestClassifier(SVC(kernel="precomputed", C=penalty))
                    machine.fit(matrix[np.ix_(fold.train, fold.train)], labels[fold.train])
                    said[fold.test] = machine.predict(matrix[np.ix_(fold.test, fold.train)])
                found = uf1(confusion_matrix(labels.tolist(), said.tolist(), classes))
                if best is None or found > best.uf1:
                    chosen = options.model_copy(update={"C": penalty, "gamma": factor * scale})
                    best = Chosen(chosen, found)
    assert best is not None
    return best
