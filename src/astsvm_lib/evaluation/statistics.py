"""Significance of the difference between two sets of predictions of the same clips, with the subject as the unit.

Clips of one subject are not independent. The paired bootstrap therefore resamples whole subjects, and the
sign-flip test exchanges the two sets of predictions for whole subjects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.scores import confusion_matrix

EXACT_SUBJECTS = 14  # up to this number of subjects, the test enumerates all sign flips


@dataclass(frozen=True)
class Comparison:
    """Difference between two sets of predictions, A minus B.

    Attributes
    ----------
    uar, uf1
        Differences of the scores.
    uar_interval, uf1_interval
        95% confidence intervals of the differences, by the paired bootstrap over subjects.
    uar_p, uf1_p
        Two-sided p-values of the sign-flip test.
    subjects
        Number of subjects.
    better, worse
        Number of subjects for whom A classifies more, or fewer, clips correctly than B.
    exact
        True if the test enumerates all sign flips, False if it samples them.
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
    """Confusion matrix of each subject, (S, N_c, N_c), sorted by the subject's name.

    Parameters
    ----------
    truth, prediction, subjects
        True label, predicted label and subject of each clip.
    classes
        All labels, in the order of rows and columns.

    Raises
    ------
    CompanionError
        If a label is not in ``classes``.
    """
    names = np.asarray(subjects)
    rows = [np.flatnonzero(names == name).tolist() for name in sorted(set(subjects))]
    return np.stack([confusion_matrix([truth[i] for i in r], [prediction[i] for i in r], classes) for r in rows])


def _scores(cells: np.ndarray) -> np.ndarray:
    """UAR and UF1 (2, ...) of pooled matrices (N_c, N_c, ...), over the classes with clips.

    The classes are the first axes, so that each step works on whole arrays; sums over a last axis of three are slow.
    """
    recall, f1 = np.zeros(cells.shape[2:]), np.zeros(cells.shape[2:])
    present = np.zeros(cells.shape[2:], int)
    for c in range(len(cells)):
        clips, predicted = cells[c].sum(0), cells[:, c].sum(0)
        there = clips > 0
        recall += np.divide(cells[c, c], clips, out=np.zeros(clips.shape), where=there)
        f1 += np.divide(2 * cells[c, c], clips + predicted, out=np.zeros(clips.shape), where=there)
        present += there
    return np.stack([recall, f1]) / np.maximum(present, 1)


def _cells(weights: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Pooled matrices (N_c, N_c, seeds, B), if each subject counts ``weights`` (S, B) times; counts are exact."""
    seeds, subjects, classes, _ = matrices.shape
    flat = matrices.reshape(seeds, subjects, classes * classes).transpose(2, 0, 1).reshape(-1, subjects)
    pooled = np.einsum("cs,sb->cb", flat, weights)  # not by BLAS, whose threads wait for each other on a busy machine
    return pooled.reshape(classes, classes, seeds, weights.shape[1])


def _pooled(weights: np.ndarray, matrices: np.ndarray) -> np.ndarray:
    """Mean scores over the seeds, (2, B), if each subject counts ``weights`` (S, B) times."""
    return np.asarray(_scores(_cells(weights, matrices)).mean(1))


@dataclass(frozen=True)
class Estimate:
    """Scores with 95% confidence intervals, by the bootstrap over subjects.

    Attributes
    ----------
    uar, uf1
        Scores, means over the seeds.
    uar_interval, uf1_interval
        Their intervals.
    subjects
        Number of subjects.
    """

    uar: float
    uf1: float
    uar_interval: tuple[float, float]
    uf1_interval: tuple[float, float]
    subjects: int


def _drawn(subjects: int, rng: np.random.Generator, draws: int) -> np.ndarray:
    """How often each subject is drawn in each bootstrap sample, (subjects, draws)."""
    picked = draws * rng.integers(subjects, size=(draws, subjects)) + np.arange(draws)[:, None]
    return np.bincount(picked.ravel(), minlength=subjects * draws).reshape(subjects, draws).astype(float)


def estimate(matrices: np.ndarray, rng: np.random.Generator, draws: int = 10_000) -> Estimate:
    """Scores of a set of predictions, with confidence intervals.

    Parameters
    ----------
    matrices
        (seeds, S, N_c, N_c): confusion matrices of the subjects (:func:`by_subject`), for one or more seeds.
    rng
        Generator for the bootstrap.
    draws
        Number of bootstrap samples.
    """
    matrices = matrices.astype(float)
    subjects = matrices.shape[1]
    uar, uf1 = _pooled(np.ones((subjects, 1)), matrices)[:, 0]
    (uar_low, uf1_low), (uar_high, uf1_high) = np.percentile(
        _pooled(_drawn(subjects, rng, draws), matrices), [2.5, 97.5], axis=1
    )
    return Estimate(
        float(uar), float(uf1), (float(uar_low), float(uar_high)), (float(uf1_low), float(uf1_high)), subjects
    )


def compare(first: np.ndarray, second: np.ndarray, rng: np.random.Generator, draws: int = 10_000) -> Comparison:
    """Compare two sets of predictions of the same clips.

    Parameters
    ----------
    first, second
        (seeds, S, N_c, N_c): confusion matrices of the subjects (:func:`by_subject`), for one or more seeds.
        Scores are means over the seeds.
    rng
        Generator for the bootstrap and for a sampled test.
    draws
        Number of bootstrap samples, and of sign flips unless the test is exact.

    Raises
    ------
    CompanionError
        If the two sets, or two seeds, do not cover the same clips of the same subjects.
    """
    clips = first[0].sum(-1)
    if not all(np.array_equal(matrices.sum(-1), clips) for matrices in (*first, *second)):
        raise CompanionError("a paired comparison requires the same clips of the same subjects in both sets")
    first, second = first.astype(float), second.astype(float)  # matrix products of integers are much slower
    subjects = first.shape[1]
    one = np.ones((subjects, 1))
    difference = (_pooled(one, first) - _pooled(one, second))[:, 0]
    drawn = _drawn(subjects, rng, draws)
    intervals = np.percentile(_pooled(drawn, first) - _pooled(drawn, second), [2.5, 97.5], axis=1)

    exact = subjects <= EXACT_SUBJECTS
    if exact:
        stay = ((np.arange(2**subjects) >> np.arange(subjects)[:, None]) & 1).astype(float)
    else:
        stay = np.hstack([one, rng.integers(0, 2, (draws, subjects)).T])
    # The two sets may differ in their number of seeds: repeat both to a common multiple.
    seeds = np.lcm(len(first), len(second))
    a, b = np.repeat(first, seeds // len(first), 0), np.repeat(second, seeds // len(second), 0)
    # Both sides of a flip from one product: the counts are whole numbers, which floats add exactly.
    kept = _cells(stay, a - b) + _cells(one, b)
    changed = _cells(one, a + b) - kept
    flipped = (_scores(kept) - _scores(changed)).mean(1)
    p = (np.abs(flipped) >= np.abs(difference)[:, None] - 1e-12).mean(1)

    correct = [np.trace(side, axis1=-2, axis2=-1).mean(0) for side in (first, second)]
    return Comparison(
        uar=float(difference[0]),
        uf1=float(difference[1]),
        uar_interval=(float(intervals[0, 0]), float(intervals[1, 0])),
        uf1_interval=(float(intervals[0, 1]), float(intervals[1, 1])),
        uar_p=float(p[0]),
        uf1_p=float(p[1]),
        subjects=subjects,
        better=int((correct[0] > correct[1]).sum()),
        worse=int((correct[0] < correct[1]).sum()),
        exact=exact,
    )


def smallest_p(subjects: int, tests: int = 1, draws: int = 10_000) -> float:
    """Smallest p-value that the sign-flip test can give after Holm's correction, whatever the predictions.

    Parameters
    ----------
    subjects
        Number of subjects.
    tests
        Number of tests that are corrected for.
    draws
        As for :func:`compare`.

    Returns
    -------
    float
        2 / 2^subjects or 1 / (draws + 1), times the number of tests; at most 1.
    """
    one = 2 / 2**subjects if subjects <= EXACT_SUBJECTS else 1 / (draws + 1)
    return min(1.0, tests * one)


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for multiple tests by Holm's method (1979), in the order of the input."""
    order = np.argsort(p_values, kind="stable")
    adjusted, highest = np.empty(len(p_values)), 0.0
    for place, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        adjusted[index] = highest
    return adjusted.tolist()
