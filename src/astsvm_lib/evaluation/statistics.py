"""Is a difference larger than chance? Two sets of predictions of the same clips, with the subject as the unit.

Clips of one subject are not independent: a face that is hard once is hard again. So whole subjects are drawn
anew (bootstrap), and whole subjects change sides (sign-flip test).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.scores import confusion_matrix

EXACT_SUBJECTS = 14  # up to so many, every way of changing sides is gone through


@dataclass(frozen=True)
class Comparison:
    """How one set of predictions compares with another, A less B.

    Attributes
    ----------
    uar, uf1
        Difference of the scores.
    uar_interval, uf1_interval
        95% intervals of the difference, by the paired bootstrap over subjects.
    uar_p, uf1_p
        Two-sided p-values of the sign-flip test.
    subjects
        How many there are.
    better, worse
        Subjects of whom A has more, or fewer, clips right than B.
    exact
        Whether the test went through every way of changing sides, or drew some.
    """

    uar: float
    uf1: float
    uar_interval: tuple[float, float]
    uf1_interval: tuple[float, float]
    uar_p: float
    uf1_p: float
    subjects: int
    better: int
    worse: int
    exact: bool


def by_subject(
    truth: Sequence[str], prediction: Sequence[str], subjects: Sequence[str], classes: Sequence[str]
) -> np.ndarray:
    """Confusion matrix of each subject, (S, N_c, N_c), in name order."""
    who = np.asarray(subjects)
    rows = [np.flatnonzero(who == name).tolist() for name in sorted(set(subjects))]
    return np.stack([confusion_matrix([truth[i] for i in r], [prediction[i] for i in r], classes) for r in rows])


def _scores(matrices: np.ndarray) -> np.ndarray:
    """UAR and UF1 (2, ...) of pooled matrices (..., N_c, N_c), over the classes that have clips."""
    right = np.diagonal(matrices, axis1=-2, axis2=-1)
    clips, said = matrices.sum(-1), matrices.sum(-2)
    there = clips > 0
    recall = np.divide(right, clips, out=np.zeros(right.shape), where=there)
    f1 = np.divide(2 * right, clips + said, out=np.zeros(right.shape), where=there)
    return np.stack([recall.sum(-1), f1.sum(-1)]) / np.maximum(there.sum(-1), 1)


def _pooled(weights: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Scores (2, B), mean over the seeds, when each subject counts ``weights`` (B, S) times."""
    seeds, subjects, classes, _ = matrices.shape
    flat = matrices.reshape(seeds, subjects, -1)
    pooled = (weights @ flat).reshape(seeds, len(weights), classes, classes)
    return np.asarray(_scores(pooled).mean(1))


def compare(first: np.ndarray, second: np.ndarray, rng: np.random.Generator, draws: int = 10_000) -> Comparison:
    """Compare two sets of predictions of the same clips.

    Parameters
    ----------
    first, second
        Confusion matrices (seeds, S, N_c, N_c) of each subject (:func:`by_subject`), for one seed or more;
        scores are means over the seeds.
    rng
        Draws subjects, and sides where there are too many subjects for an exact test.
    draws
        Of the bootstrap, and of the test where it is not exact.

    Raises
    ------
    CompanionError
        If the two do not hold the same clips of the same subjects.
    """
    if not np.array_equal(first[0].sum(-1), second[0].sum(-1)):
        raise CompanionError("a paired comparison needs the same clips of the same subjects on both sides")
    first, second = first.astype(float), second.astype(float)  # whole numbers would be multiplied far more slowly
    subjects = first.shape[1]
    one = np.ones((1, subjects))
    difference = (_pooled(one, first) - _pooled(one, second))[:, 0]
    picked = rng.integers(subjects, size=(draws, subjects)) + subjects * np.arange(draws)[:, None]
    drawn = np.bincount(picked.ravel(), minlength=draws * subjects).reshape(draws, subjects).astype(float)
    intervals = np.percentile(_pooled(drawn, first) - _pooled(drawn, second), [2.5, 97.5], axis=1)

    exact = subjects <= EXACT_SUBJECTS
    if exact:
        stay = ((np.arange(2**subjects)[:, None] >> np.arange(subjects)) & 1).astype(float)
    else:
        stay = np.vstack([one, rng.integers(0, 2, (draws, subjects))])
    # scores are means over seeds, and seeds of the two sides need not be as many: pool each side's own
    seeds = np.lcm(len(first), len(second))
    a, b = np.repeat(first, seeds // len(first), 0), np.repeat(second, seeds // len(second), 0)
    flat_a, flat_b = (side.reshape(seeds, subjects, -1) for side in (a, b))
    shape = (seeds, len(stay), *first.shape[2:])
    kept = (stay @ flat_a + (1 - stay) @ flat_b).reshape(shape)
    changed = (stay @ flat_b + (1 - stay) @ flat_a).reshape(shape)
    flipped = (_scores(kept) - _scores(changed)).mean(1)
    p = (np.abs(flipped) >= np.abs(difference)[:, None] - 1e-12).mean(1)

    right = [np.trace(side, axis1=-2, axis2=-1).mean(0) for side in (first, second)]
    return Comparison(
        uar=float(difference[0]),
        uf1=float(difference[1]),
        uar_interval=(float(intervals[0, 0]), float(intervals[1, 0])),
        uf1_interval=(float(intervals[0, 1]), float(intervals[1, 1])),
        uar_p=float(p[0]),
        uf1_p=float(p[1]),
        subjects=subjects,
        better=int((right[0] > right[1]).sum()),
        worse=int((right[0] < right[1]).sum()),
        exact=exact,
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's correction (1979) for several tests: adjusted p-values, in the order given."""
    order = np.argsort(p_values, kind="stable")
    adjusted, highest = np.empty(len(p_values)), 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = highest
    return adjusted.tolist()
