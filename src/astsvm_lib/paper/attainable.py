r"""Pairs of UAR and UF1 that some confusion matrix attains: an exact search (equations 8 to 11).

With :math:`n_c` clips of class :math:`c`, :math:`t_c` of them correctly classified, and :math:`p_c` predictions of
the class,

.. math:: UAR = \frac1{N_c}\sum_c \frac{t_c}{n_c}, \qquad UF1 = \frac1{N_c}\sum_c \frac{2\,t_c}{n_c + p_c}

so both scores depend only on the diagonal and the column sums of the matrix. A matrix of counts with given
:math:`t, p` exists if and only if :math:`\sum p_c = \sum n_c`, :math:`p_c \ge t_c`, and, for each class, its false
negatives and false positives together do not exceed the total number of errors. (The errors are a flow from rows
to columns that avoids the diagonal; by the max-flow min-cut theorem, no further condition is needed.)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np

from astsvm_lib.errors import CompanionError

SLACK = 1e-12  # floating-point tolerance; an exact half of the last decimal may have been rounded either way


@dataclass(frozen=True)
class Attainable:
    """Result of :func:`attainable`.

    Attributes
    ----------
    possible
        Whether a confusion matrix has both scores after rounding.
    matrix
        (3, 3) example of such a matrix, row = true class; None if there is none.
    uf1_range
        Minimum and maximum UF1 of all matrices with this UAR; None if no matrix has this UAR.
    """

    possible: bool
    matrix: np.ndarray | None
    uf1_range: tuple[float, float] | None


@numba.njit(cache=True)
def _search(n: np.ndarray, uar: float, uf1: float, half: float, found: np.ndarray) -> tuple[bool, float, float]:
    """Search the diagonals and column sums of three classes; ``found`` (2, 3) receives the first match."""
    whole = n.sum()
    least, most = 2.0, -1.0
    for t0 in range(n[0] + 1):
        for t1 in range(n[1] + 1):
            # only these diagonals of the third class give the required UAR
            middle = (3 * uar - t0 / n[0] - t1 / n[1]) * n[2]
            first = max(0, int(np.ceil(middle - 3 * half * n[2] - 1e-7)))
            last = min(n[2], int(np.floor(middle + 3 * half * n[2] + 1e-7)))
            for t2 in range(first, last + 1):
                if abs((t0 / n[0] + t1 / n[1] + t2 / n[2]) / 3 - uar) > half:
                    continue
                wrong = whole - t0 - t1 - t2
                top0, top1, top2 = 2 * t0 - n[0] + wrong, 2 * t1 - n[1] + wrong, 2 * t2 - n[2] + wrong
                for p0 in range(t0, top0 + 1):
                    low, high = max(t1, whole - p0 - top2), min(top1, whole - p0 - t2)
                    if low > high:
                        continue
                    fixed = 2 * t0 / (n[0] + p0) if t0 else 0.0
                    rest = whole - p0 + n[2]
                    # UF1 is convex in p1: it decreases to a minimum, then increases
                    left, right = low, high
                    while left < right:
                        p1 = (left + right) // 2
                        here = 2 * t1 / (n[1] + p1) + 2 * t2 / (rest - p1)
                        following = 2 * t1 / (n[1] + p1 + 1) + 2 * t2 / (rest - p1 - 1)
                        if following < here:
                            left = p1 + 1
                        else:
                            right = p1
                    bottom = left
                    at_low = (fixed + 2 * t1 / (n[1] + low) + 2 * t2 / (rest - low)) / 3
                    at_high = (fixed + 2 * t1 / (n[1] + high) + 2 * t2 / (rest - high)) / 3
                    at_bottom = (fixed + 2 * t1 / (n[1] + bottom) + 2 * t2 / (rest - bottom)) / 3
                    least, most = min(least, at_bottom), max(most, at_low, at_high)
                    for side in range(2):
                        # starting at the minimum, the first p1 whose UF1 is not below the target
                        left, right = (low, bottom) if side == 0 else (bottom, high)
                        if (at_low if side == 0 else at_high) < uf1 - half or at_bottom > uf1 + half:
                            continue
                        while left < right:
                            p1 = (left + right + 1) // 2 if side == 0 else (left + right) // 2
                            value = (fixed + 2 * t1 / (n[1] + p1) + 2 * t2 / (rest - p1)) / 3
                            if value >= uf1 - half:
                                if side == 0:
                                    left = p1
                                else:
                                    right = p1
                            elif side == 0:
                                right = p1 - 1
                            else:
                                left = p1 + 1
                        value = (fixed + 2 * t1 / (n[1] + left) + 2 * t2 / (rest - left)) / 3
                        if abs(value - uf1) <= half:
                            found[0, 0], found[0, 1], found[0, 2] = t0, t1, t2
                            found[1, 0], found[1, 1], found[1, 2] = p0, left, whole - p0 - left
                            return True, least, most
    return False, least, most


def _matrix(n: np.ndarray, diagonal: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """A confusion matrix of three classes with the given row sums, diagonal and column sums."""
    missed, alarms = n - diagonal, columns - diagonal
    for first in range(missed[0] + 1):
        matrix = np.diag(diagonal)
        matrix[0, 1], matrix[0, 2] = first, missed[0] - first
        matrix[2, 1] = alarms[1] - first
        matrix[2, 0] = missed[2] - matrix[2, 1]
        matrix[1, 0] = alarms[0] - matrix[2, 0]
        matrix[1, 2] = missed[1] - matrix[1, 0]
        if (matrix >= 0).all():
            return matrix
    raise AssertionError("no confusion matrix has these column sums")


def attainable(sizes: Sequence[int], uar: float, uf1: float, decimals: int = 3) -> Attainable:
    """Whether a confusion matrix of three classes of the given sizes has this UAR and UF1, rounded to ``decimals``.

    Parameters
    ----------
    sizes
        Number of clips of each class.
    uar, uf1
        Printed scores, in 0..1.
    decimals
        Number of decimals of the scores. An exact half of the last one may have been rounded up or down.

    Raises
    ------
    CompanionError
        If there are not three classes with clips, or a score or ``decimals`` is out of range.

    Notes
    -----
    Chapter "Attainable pairs of UAR and UF1". The scores are those of one pooled confusion matrix; the
    result does not apply to means over folds.
    """
    if len(sizes) != 3 or min(sizes) < 1:
        raise CompanionError(f"attainable: expected the sizes of three classes, each at least 1, found {list(sizes)}")
    if not (0 <= uar <= 1 and 0 <= uf1 <= 1):
        raise CompanionError(f"attainable: expected scores between 0 and 1, found UAR {uar} and UF1 {uf1}")
    if not 1 <= decimals <= 6:
        raise CompanionError(f"attainable: expected 1 to 6 decimals, found {decimals}")
    counts = np.asarray(sizes, np.int64)
    found = np.zeros((2, 3), np.int64)
    possible, least, most = _search(counts, uar, uf1, 0.5 * 10**-decimals + SLACK, found)
    if possible:  # the search stops at the first match: search again for the range
        _, least, most = _search(counts, uar, 2.0, 0.5 * 10**-decimals + SLACK, np.zeros((2, 3), np.int64))
    return Attainable(
        possible,
        _matrix(counts, found[0], found[1]) if possible else None,
        (least, most) if most >= 0 else None,
    )
