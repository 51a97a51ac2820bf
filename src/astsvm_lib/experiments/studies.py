"""Studies: sets of runs. Three are on the development data, on which all defaults of the recipe were chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from astsvm_lib.datasets import load
from astsvm_lib.errors import CompanionError
from astsvm_lib.experiments.multiverse import Specification, specifications
from astsvm_lib.experiments.real_motion import network_questions, questions
from astsvm_lib.experiments.run import Run, plan
from astsvm_lib.experiments.table_results import runs_of
from astsvm_lib.experiments.variants import VARIANTS
from astsvm_lib.paper.tables import TABLES
from astsvm_lib.recipe import Recipe
from astsvm_lib.results.record import Record
from astsvm_lib.results.store import Store

DATASET = "rehearsal-dev"


@dataclass(frozen=True)
class Study:
    """A set of runs.

    Attributes
    ----------
    name
        Name on the command line.
    purpose
        One line for help texts.
    profile
        Name of the profile of its runs.
    runs
        Function from a seed to the runs.
    """

    name: str
    purpose: str
    profile: str
    runs: Callable[[int], list[Run]]


def _convergence(seed: int) -> list[Run]:
    tables = [TABLES[number] for number in (9, 10, 11)]
    runs = runs_of(tables, load(DATASET), Recipe(), "convergence", [seed])
    return [run for run in runs if run.method.name == "ast-svmnet"]


def _development(seed: int) -> list[Run]:
    data = load(DATASET)
    recipes = [Recipe(), *(Recipe().replace(**variant.changes) for variant in VARIANTS)]
    deterministic = ("pooled-svm", "megc-baseline", "majority")
    others = ("untrained", *(deterministic if seed == 0 else ()))
    return [
        *(plan(data, recipe, "development", seed) for recipe in recipes),
        *(plan(data, None, "development", seed, method) for method in others),
    ]


STREAMS: tuple[Literal["both", "flow", "idsf"], ...] = ("both", "flow", "idsf")


def multiverse_runs(seed: int = 0) -> dict[tuple[Specification, str], Run]:
    """Runs of the multiverse by specification and streams (``"both"``, ``"flow"``, ``"idsf"``).

    Parameters
    ----------
    seed
        Seed of the runs.
    """
    data = load(DATASET)
    return {
        (specification, streams): plan(data, specification.with_streams(streams), "multiverse", seed)
        for specification in specifications()
        for streams in STREAMS
    }


def multiverse_scores(store: Store, seed: int = 0) -> dict[tuple[Specification, str], dict[str, float]]:
    """UF1 of each head of the runs of the multiverse that are stored.

    Parameters
    ----------
    store
        Stored records.
    seed
        Seed of the runs.

    Returns
    -------
    dict
        By specification and streams, as :func:`multiverse_runs`; then by head, ``"svm"`` and ``"softmax"``.
    """
    found: dict[tuple[Specification, str], dict[str, float]] = {}
    for which, run in multiverse_runs(seed).items():
        if record := store.find(run.key, run.data):
            found[which] = {head: record.scores(head).uf1 for head in ("svm", "softmax")}
    return found


def multiverse_is_complete(found: dict[tuple[Specification, str], dict[str, float]]) -> bool:
    """Whether at least 95% of the runs of the multiverse are stored; a diverged training has no record.

    Parameters
    ----------
    found
        As from :func:`multiverse_scores`.
    """
    return len(found) >= 0.95 * len(specifications()) * len(STREAMS)


def _multiverse(seed: int) -> list[Run]:
    return list(multiverse_runs(seed).values())


def _real(seed: int) -> list[Run]:
    return [question.run(seed) for question in questions()]


def _real_networks(seed: int) -> list[Run]:
    return [question.run(seed) for question in network_questions()]


STUDIES = {
    study.name: study
    for study in (
        Study("convergence", "training curves of the eight networks of Tables 9 to 11", "convergence", _convergence),
        Study("development", "the default recipe, and one changed choice at a time", "development", _development),
        Study("multiverse", "recipes in which all choices are changed at once", "multiverse", _multiverse),
        Study(
            "real-motion",
            "SVMs on the published flow maps of real clips, and from rendered faces to them",
            "paper",
            _real,
        ),
        Study("real-motion-networks", "the same with OFF-ApexNet and STSTNet: hours", "paper", _real_networks),
    )
}


#: Rule for the number of epochs: the first multiple of STEP at which every network has this training accuracy.
ACCURACY, STEP = 0.95, 5


def training_accuracy(record: Record) -> tuple[np.ndarray, np.ndarray]:
    """Stored epochs of a record, and the training accuracy at each, averaged over the folds."""
    epochs = np.array([epoch["epoch"] for epoch in record.folds[0].epochs])
    return epochs, np.mean([[epoch["accuracy"] for epoch in fold.epochs] for fold in record.folds], axis=0)


def epochs_needed(records: Iterable[Record]) -> int | None:
    """Number of epochs by the rule :data:`ACCURACY`, :data:`STEP`, from the study of convergence.

    Parameters
    ----------
    records
        Records of the study. Accuracies are interpolated between the stored epochs.

    Returns
    -------
    int or None
        None if a network does not reach the accuracy.
    """
    curves = [training_accuracy(record) for record in records]
    last = int(min(epochs[-1] for epochs, _ in curves))
    for count in range(STEP, last + 1, STEP):
        if all(np.interp(count, epochs, accuracy) >= ACCURACY for epochs, accuracy in curves):
            return count
    return None


def study_named(name: str) -> Study:
    """The study with this name.

    Raises
    ------
    CompanionError
        If there is no such study; the message lists the names.
    """
    if name not in STUDIES:
        raise CompanionError(f"unknown study '{name}'; expected one of {', '.join(STUDIES)}")
    return STUDIES[name]
