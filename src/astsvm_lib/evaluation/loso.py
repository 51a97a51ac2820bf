"""Leave-one-subject-out: each subject is tested by a model that never saw them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from astsvm_lib.errors import CompanionError


@dataclass(frozen=True)
class Fold:
    """One split.

    Attributes
    ----------
    subject
        ``dataset/subject`` that is left out.
    train, test
        Row numbers.
    """

    subject: str
    train: np.ndarray
    test: np.ndarray


def loso(subjects: Sequence[str]) -> list[Fold]:
    """One fold a subject, in the order of their names.

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
    unique = sorted(set(subjects))
    if len(unique) < 2:
        raise CompanionError(f"LOSO: expected at least 2 subjects, found {len(unique)}")
    return [Fold(name, np.flatnonzero(names != name), np.flatnonzero(names == name)) for name in unique]


def fold_seed(seed: int, subject: str) -> np.random.Generator:
    """Generator of one fold: it depends on the seed and on who is left out, not on any order."""
    word = int.from_bytes(hashlib.sha256(subject.encode()).digest()[:8], "big")
    return np.random.default_rng([seed, word])
