"""Grading of submissions: checks, scores with intervals over subjects, ranks with ties, and identical submissions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from astsvm_lib.challenge.design import CLASSES
from astsvm_lib.challenge.files import Sealed
from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.statistics import Estimate, by_subject, compare, estimate

#: Clips that a message names at most.
NAMED = 3
COLUMNS = ("clip", "label")


@dataclass
class Graded:
    """The result of one submission.

    Attributes
    ----------
    name
        Name of the file without its suffix: the student's code.
    problems
        Why it was not graded; empty for a graded submission.
    remarks
        What the instructor should know of it.
    scores
        UAR and UF1 over all test clips, with intervals; None if it was not graded.
    rank
        Rank by UF1, the same for submissions that cannot be told apart; None if it was not graded.
    tied
        Whether the rank is shared.
    matrices
        (1, S, N_c, N_c): confusion matrix of each subject.
    """

    name: str
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    scores: Estimate | None = None
    rank: int | None = None
    tied: bool = False
    matrices: np.ndarray | None = None


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    except FileNotFoundError:
        raise CompanionError(f"submission {path}: no such file") from None
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise CompanionError(f"not a readable CSV table ({str(error).strip()})") from None


def problems_of(table: pd.DataFrame, clips: Sequence[str]) -> list[str]:
    """What keeps a submission from being graded, each with what was expected.

    Parameters
    ----------
    table
        The submission, all values as text.
    clips
        Names of the test clips.
    """
    absent = [name for name in COLUMNS if name not in table.columns]
    if absent:
        return [f"expected the columns clip and label, found {', '.join(map(str, table.columns)) or 'none'}"]
    names, known = table["clip"].str.strip(), set(clips)
    found = []
    doubled = sorted(set(names[names.duplicated()]))
    if doubled:
        found.append(f"expected each clip once, found {_listed(doubled)} more than once")
    unknown = sorted(set(names) - known)
    if unknown:
        found.append(f"expected the clips of test.csv, found {_listed(unknown)}")
    missing = sorted(known - set(names))
    if missing:
        found.append(f"expected all {len(known)} test clips, {len(missing)} missing: {_listed(missing)}")
    wrong = sorted(set(table["label"].str.strip()) - set(CLASSES))
    if wrong:
        found.append(f"expected the labels {', '.join(CLASSES)}, found {_listed([repr(w) for w in wrong])}")
    return found


def grade(sealed: Sealed, submissions: Sequence[Path], draws: int = 10_000) -> list[Graded]:
    """Grade submissions.

    Parameters
    ----------
    sealed
        The truth; see :func:`~astsvm_lib.challenge.files.read_sealed`.
    submissions
        CSV files with the columns ``clip`` and ``label``.
    draws
        Number of bootstrap samples.

    Returns
    -------
    list of Graded
        Graded submissions by rank and UF1, then those that were not graded, by name.

    Raises
    ------
    CompanionError
        If a file does not exist, or two files have the same name.

    Notes
    -----
    Submissions are sorted by UF1. One shares the rank of the first of its group if the 95% interval of their
    difference, from a paired bootstrap over subjects, contains 0; otherwise it is the first of the next group. That two
    submissions have the same rank does not show that they are equally good.
    """
    names = [path.stem for path in submissions]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise CompanionError(f"submissions: expected different file names, found {_listed(doubled)} more than once")
    truth = sealed.part("test")
    clips = sorted(truth)
    results, predictions = [], {}
    for path in submissions:
        result = Graded(path.stem)
        results.append(result)
        if path.stem not in sealed.codes:
            result.remarks.append("its name is not one of the codes")
        try:
            table = _read(path)
        except CompanionError as error:
            if not path.exists():
                raise
            result.problems.append(str(error))
            continue
        result.problems += problems_of(table, clips)
        if result.problems:
            continue
        labels = dict(zip(table["clip"].str.strip(), table["label"].str.strip(), strict=True))
        predictions[result.name] = [labels[clip] for clip in clips]
        subjects = [truth[clip].subject for clip in clips]
        result.matrices = by_subject(
            [truth[clip].label for clip in clips], predictions[result.name], subjects, CLASSES
        )[None]
        result.scores = estimate(result.matrices, np.random.default_rng(0), draws)
    _mark_identical(results, predictions)
    _rank(results, draws)
    last = len(results) + 1
    return sorted(results, key=lambda r: (r.rank or last, -(r.scores.uf1 if r.scores else 0), r.name))


def _mark_identical(results: Sequence[Graded], predictions: dict[str, list[str]]) -> None:
    for result in results:
        own = predictions.get(result.name)
        same = [name for name, other in predictions.items() if name != result.name and other == own]
        if own is not None and same:
            what = "predicts one class for all clips" if len(set(own)) == 1 else "every label is the same"
            result.remarks.append(f"identical to {_listed(sorted(same))} ({what})")


def _rank(results: Sequence[Graded], draws: int) -> None:
    graded = [r for r in results if r.scores is not None]
    graded.sort(key=lambda r: (-(r.scores.uf1 if r.scores else 0), r.name))
    first: Graded | None = None
    for place, result in enumerate(graded, 1):
        if first is not None and first.matrices is not None and result.matrices is not None:
            low, high = compare(first.matrices, result.matrices, np.random.default_rng(0), draws).uf1_interval
            if low <= 0 <= high:
                result.rank, result.tied, first.tied = first.rank, True, True
                continue
        first, result.rank = result, place
