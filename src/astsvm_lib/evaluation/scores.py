r"""UAR and UF1 (equations 8-11, reading R14).

With :math:`TP_c, FP_c, FN_c` pooled over **all** folds,

.. math:: UAR = \frac1{N_c}\sum_c \frac{TP_c}{TP_c + FN_c}, \qquad
          UF1 = \frac1{N_c}\sum_c \frac{2\,TP_c}{2\,TP_c + FP_c + FN_c}
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np

from astsvm_lib.errors import CompanionError

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1


def confusion_matrix(
    truth: Sequence[Hashable], prediction: Sequence[Hashable], classes: Sequence[Hashable]
) -> np.ndarray:
    """Counts (N_c, N_c): row = true class, column = predicted class.

    Parameters
    ----------
    truth, prediction
        True and predicted label of each clip.
    classes
        All labels, in the order of rows and columns.

    Raises
    ------
    CompanionError
        If the sequences differ in length, or contain a label that is not in ``classes``.
    """
    if len(truth) != len(prediction):
        raise CompanionError(f"expected as many predictions as true labels, found {len(prediction)} and {len(truth)}")
    number = {label: i for i, label in enumerate(classes)}
    unknown = sorted({str(label) for label in [*truth, *prediction] if label not in number})
    if unknown:
        raise CompanionError(f"expected labels {', '.join(map(str, classes))}; found {', '.join(unknown)}")
    matrix = np.zeros((len(number), len(number)), int)
    np.add.at(matrix, ([number[t] for t in truth], [number[p] for p in prediction]), 1)
    return matrix


def recalls(matrix: np.ndarray) -> np.ndarray:
    """Recall of each class (equation 9), (N_c,); NaN for a class without clips."""
    total = matrix.sum(1)
    return np.divide(np.diag(matrix), total, out=np.full(len(matrix), np.nan), where=total > 0)


def f1_scores(matrix: np.ndarray) -> np.ndarray:
    """F1 score of each class (equation 11), (N_c,); 0 without true positives, NaN for a class without clips."""
    total = matrix.sum(0) + matrix.sum(1)
    value = np.divide(2 * np.diag(matrix), total, out=np.zeros(len(matrix)), where=total > 0)
    return np.where(matrix.sum(1) > 0, value, np.nan)


def uar(matrix: np.ndarray) -> float:
    """Unweighted average recall (equation 8), over the classes with clips.

    Raises
    ------
    CompanionError
        If there are no clips.
    """
    return _mean_over_present(recalls(matrix))


def uf1(matrix: np.ndarray) -> float:
    """Unweighted F1 score (equation 10), over the classes with clips.

    Raises
    ------
    CompanionError
        If there are no clips.
    """
    return _mean_over_present(f1_scores(matrix))


def _mean_over_present(values: np.ndarray) -> float:
    present = values[~np.isnan(values)]
    if not len(present):
        raise CompanionError("score: expected at least one clip, found none")
    return float(present.mean())


@dataclass(frozen=True)
class Scores:
    """Scores of one pooled log.

    Attributes
    ----------
    classes
        In the order of the matrix.
    matrix
        Confusion matrix, row = truth.
    """

    classes: tuple[str, ...]
    matrix: np.ndarray

    @property
    def uar(self) -> float:
        return uar(self.matrix)

    @property
    def uf1(self) -> float:
        return uf1(self.matrix)

    @property
    def per_class(self) -> dict[str, dict[str, float]]:
        """Number of clips, recall and F1 score of each class with clips."""
        rows = zip(self.classes, self.matrix.sum(1), recalls(self.matrix), f1_scores(self.matrix), strict=True)
        return {c: {"clips": int(n), "recall": float(r), "f1": float(f)} for c, n, r, f in rows if n}


def score(truth: Sequence[str], prediction: Sequence[str], classes: Sequence[str]) -> Scores:
    """Pooled scores; the order of the clips does not matter.

    Parameters
    ----------
    truth, prediction
        True and predicted label of each clip.
    classes
        All labels, in the order of the confusion matrix.

    Raises
    ------
    CompanionError
        If the sequences differ in length, or contain a label that is not in ``classes``.
    """
    return Scores(tuple(classes), confusion_matrix(truth, prediction, classes))


def fold_mean(
    truth: Sequence[str], prediction: Sequence[str], subjects: Sequence[str], classes: Sequence[str]
) -> tuple[float, float]:
    """Mean over folds of each fold's UAR and UF1, over the classes present in the fold.

    Not a valid summary; computed only for comparison with the pooled scores. Most subjects have clips of only
    one or two classes, so a fold's score depends on which classes it contains, and a subject with one clip has
    the same weight as one with thirty.

    Parameters
    ----------
    truth, prediction, subjects
        True label, predicted label and subject of each clip.
    classes
        All labels.

    Returns
    -------
    tuple of float
        Mean UAR and mean UF1.

    Raises
    ------
    CompanionError
        If a label is not in ``classes``.
    """
    values = []
    for subject in sorted(set(subjects)):
        rows = [i for i, s in enumerate(subjects) if s == subject]
        matrix = confusion_matrix([truth[i] for i in rows], [prediction[i] for i in rows], classes)
        values.append((uar(matrix), uf1(matrix)))
    mean = np.mean(values, axis=0)
    return float(mean[0]), float(mean[1])
