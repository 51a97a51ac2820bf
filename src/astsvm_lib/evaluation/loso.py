"""Leave-one-subject-out (LOSO), and folds of several subjects for development data."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import LeaveOneGroupOut, StratifiedGroupKFold

from astsvm_lib.errors import CompanionError

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 2


@dataclass(frozen=True)
class Fold:
    """One split.

    Attributes
    ----------
    name
        ``dataset/subject`` of the subject left out; ``fold 1``, ``fold 2``, ... if several subjects are left out.
    train, test
        Row indices.
    """

    name: str
    train: np.ndarray
    test: np.ndarray


def loso(subjects: Sequence[str]) -> list[Fold]:
    """One fold per subject, sorted by name.

    Parameters
    ----------
    subjects
        ``dataset/subject`` of each row.

    Raises
    ------
    CompanionError
        If there are fewer than two subjects.
    """
    names = np.asarray(subjects)
    if len(set(subjects)) < 2:
        raise CompanionError(f"LOSO: expected at least 2 subjects, found {len(set(subjects))}")
    splits = LeaveOneGroupOut().split(names, groups=names)
    return [Fold(str(names[test[0]]), train, test) for train, test in splits]


def grouped_folds(subjects: Sequence[str], labels: Sequence[str], count: int) -> list[Fold]:
    """Folds of several subjects each, with similar shares of the classes (``StratifiedGroupKFold``).

    Parameters
    ----------
    subjects
        ``dataset/subject`` of each row.
    labels
        Class of each row.
    count
        Number of folds.

    Raises
    ------
    CompanionError
        If there are fewer subjects than folds.
    """
    if len(set(subjects)) < count:
        raise CompanionError(f"{count} folds: expected at least as many subjects, found {len(set(subjects))}")
    splits = StratifiedGroupKFold(count).split(np.zeros(len(subjects)), np.asarray(labels), np.asarray(subjects))
    return [Fold(f"fold {number}", train, test) for number, (train, test) in enumerate(splits, 1)]


def fold_rng(seed: int, name: str) -> np.random.Generator:
    """Random number generator of one fold; independent of the order in which folds are run.

    Parameters
    ----------
    seed
        Seed of the run.
    name
        Name of the fold.
    """
    word = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return np.random.default_rng([seed, word])
