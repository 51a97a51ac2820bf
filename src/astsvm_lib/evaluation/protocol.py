"""Evaluation protocols: which clips train, and which are tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np

from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.loso import Fold, loso
from astsvm_lib.storage import Arrays, digest

#: What is left out if training and test clips are of the same data set.
LeftOut = Literal["subject", "database"]
#: How inputs are standardised before a method sees them.
Standardisation = Literal["method", "corpus"]

_FROM = "trained on "
_ALSO = ", also trained on "
_CORPUS = "; each corpus standardised"


@dataclass(frozen=True)
class Protocol:
    """An evaluation protocol.

    Attributes
    ----------
    left_out
        ``"subject"``: LOSO, which is the composite protocol of MEGC2019 on a composite data set; ``"database"``: the
        holdout-database protocol, which leaves out one part of a composite data set after the other.
    train
        Identifiers of other data sets whose clips train as well. The clips of the tested data set train only with
        ``joint``.
    joint
        Whether each fold also trains on the tested data set, except for the subject or database left out.
    standardisation
        ``"corpus"``: each input feature is standardised within each data set, or each database if databases are
        left out, before any method sees it, so that a method sees the mean and the standard deviation of the test
        data, but no label. ``"method"``: only as the method itself does, with training statistics.
    """

    left_out: LeftOut = "subject"
    train: tuple[str, ...] = ()
    joint: bool = False
    standardisation: Standardisation = "method"

    @property
    def cross(self) -> bool:
        """Whether no clip of the tested data set trains."""
        return bool(self.train) and not self.joint

    @property
    def text(self) -> str:
        """The protocol in words, as in records; :meth:`parse` is its inverse."""
        others = " and ".join(self.train)
        folds = {"subject": "LOSO", "database": "holdout-database"}[self.left_out]
        words = f"{_FROM}{others}" if self.cross else f"{folds}{_ALSO}{others}" if self.train else folds
        return words + (_CORPUS if self.standardisation == "corpus" else "")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The protocol with this text.

        Raises
        ------
        CompanionError
            If the text is not that of a protocol.
        """
        body = text.removesuffix(_CORPUS)
        standardisation: Standardisation = "corpus" if body != text else "method"
        if body.startswith(_FROM):
            return cls("subject", tuple(body.removeprefix(_FROM).split(" and ")), False, standardisation)
        folds, also, others = body.partition(_ALSO)
        names: dict[str, LeftOut] = {"LOSO": "subject", "holdout-database": "database"}
        if folds not in names:
            raise CompanionError(f"protocol: expected LOSO, holdout-database or '{_FROM}...', found '{text}'")
        return cls(names[folds], tuple(others.split(" and ")) if also else (), bool(also), standardisation)

    @property
    def suffix(self) -> str:
        """Suffix of the names of records; empty for LOSO."""
        return "" if self == LOSO else f"_{digest(self.text)[:8]}"

    def folds(self, subjects: Sequence[str], tested: np.ndarray) -> list[Fold]:
        """The folds of this protocol.

        Parameters
        ----------
        subjects
            ``dataset/subject`` (N,) of each clip.
        tested
            Whether each clip is of the tested data set, (N,) bool; the others only train.

        Returns
        -------
        list of Fold
            One fold per subject or database left out; a single fold if no clip of the tested data set trains.

        Raises
        ------
        CompanionError
            If there are fewer than two subjects or databases to leave out.
        """
        own, others = np.flatnonzero(tested), np.flatnonzero(~tested)
        if self.cross:
            return [Fold(self.text.removesuffix(_CORPUS), others, own)]
        groups = [subjects[int(row)] for row in own]
        if self.left_out == "database":
            groups = [group.split("/")[0] for group in groups]
            if len(set(groups)) < 2:
                raise CompanionError(
                    f"holdout-database: expected a composite of at least 2 databases, found {', '.join(set(groups))}"
                )
        return [Fold(f.name, np.concatenate([own[f.train], others]), own[f.test]) for f in loso(groups)]


#: The protocol of the paper's tables.
LOSO = Protocol()


def standardise_corpora(arrays: Arrays, corpora: Sequence[str]) -> Arrays:
    """Standardise each input feature within each corpus; arrays of integers, such as subjects, are not changed.

    Parameters
    ----------
    arrays
        Arrays (N, ...) of a method.
    corpora
        Corpus (N,) of each clip.

    Returns
    -------
    dict of str to numpy.ndarray
        Arrays of the same shapes; features that are constant in a corpus are 0 there.
    """
    names = np.asarray(corpora)
    found = {}
    for name, array in arrays.items():
        if not np.issubdtype(array.dtype, np.floating):
            found[name] = array
            continue
        scaled = np.empty_like(array)
        for corpus in dict.fromkeys(corpora):
            rows = np.flatnonzero(names == corpus)
            mean, deviation = array[rows].mean(0), array[rows].std(0)
            scaled[rows] = (array[rows] - mean) / np.where(deviation > 0, deviation, 1)
        found[name] = scaled
    return found
