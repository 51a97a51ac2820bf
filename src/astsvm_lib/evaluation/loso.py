"""Leave-one-subject-out (LOSO): each subject is tested by a model that is fitted on all other subjects."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import LeaveOneGroupOut

from astsvm_lib.errors import CompanionError

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1


@dataclass(frozen=True)
class Fold:
    """One split.

    Attributes
    ----------
    subject
        ``dataset/subject`` of the subject left out.
    train, test
        Row indices.
    """

    subject: str
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


def fold_rng(seed: int, subject: str) -> np.random.Generator:
    """Random number generator of one fold; independent of the order in which folds are run.

    Parameters
    ----------
    seed
        Seed of the run.
    subject
        ``dataset/subject`` of the subject left out.
    """
    word = int.from_bytes(hashlib.sha256(subject.encode()).digest()[:8], "big")
    return np.random.default_rng([seed, word])
