"""The floor of every table: for each subject, the commonest class of the others."""

from __future__ import annotations

from collections import Counter

import numpy as np

from astsvm_lib.datasets.clip import Dataset
from astsvm_lib.evaluation.loso import loso
from astsvm_lib.evaluation.scores import Scores, score


def majority(dataset: Dataset) -> Scores:
    """Scores of saying, for every clip, the class that most clips of the other subjects have.

    Of classes that are equally common, the first in name order is said.
    """
    truth = np.array([clip.label for clip in dataset])
    said = np.empty(len(truth), object)
    for fold in loso([clip.group for clip in dataset]):
        counts = Counter(truth[fold.train].tolist())
        said[fold.test] = min(counts, key=lambda label: (-counts[label], label))
    return score(truth.tolist(), said.tolist(), dataset.classes)
