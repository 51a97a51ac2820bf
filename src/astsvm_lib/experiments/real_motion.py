"""Runs on the published flow maps of real clips: within them, and from rendered faces to them.

The records can be looked up without the maps: which run a row needs does not depend on them.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from astsvm_lib.datasets import load
from astsvm_lib.evaluation.protocol import LOSO, Protocol
from astsvm_lib.experiments.profiles import profile_named
from astsvm_lib.experiments.run import Run, plan, run_key
from astsvm_lib.methods import method_named
from astsvm_lib.recipe import Recipe
from astsvm_lib.results.record import Record, RunKey
from astsvm_lib.results.store import Store

REAL, RENDERED, WIDE = "megc2019-flow", "rehearsal-megc", "rehearsal-wide"
Changes = dict[str, dict[str, object]]

#: Orders and signs of the maps of the training clips that are wrong on purpose.
CONTROLS = (
    "u strain v", "v u strain", "v strain u", "strain u v", "strain v u",
    "-u v strain", "u -v strain", "-u -v strain",
    "-v u strain", "v -u strain", "-v -u strain",
)  # fmt: skip
#: Number of rendered clips of the learning curve.
SIZES = (100, 300, 1000, 3000)


@dataclass(frozen=True)
class Question:
    """One evaluation, and what it is for.

    Attributes
    ----------
    name
        Row in the book's tables.
    method, changes
        Method, and changes of its settings.
    tested
        Data set that is tested on.
    protocol
        How it is tested.
    head
        Classifier of the method.
    """

    name: str
    method: str
    changes: Changes = field(default_factory=dict, hash=False)
    tested: str = REAL
    protocol: Protocol = LOSO
    head: str = "svm"

    def key(self, seed: int = 0) -> RunKey:
        """Identifier of its run, which does not require the data."""
        chosen = method_named(self.method)
        settings = chosen.settings().replace(**self.changes)
        return run_key(self.tested, Recipe(), profile_named("paper"), seed, chosen, settings, self.protocol)

    def run(self, seed: int = 0) -> Run:
        """Its run.

        Raises
        ------
        CompanionError
            If the data is not found.
        """
        settings = method_named(self.method).settings().replace(**self.changes)
        tested, *training = map(load, (self.tested, *self.protocol.train))
        return plan(tested, None, "paper", seed, self.method, settings, self.protocol, training)

    def records(self, store: Store) -> list[Record]:
        """Its stored records, one per seed."""
        return store.seeds(self.key(), None)


def _from(*names: str, joint: bool = False, each: bool = True) -> Protocol:
    return Protocol("subject", names, joint, "corpus" if each else "method")


_SVM = "maps-svm"
_LOSO = replace(LOSO, standardisation="corpus")
NETWORKS = ("ststnet", "off-apexnet")
#: Flow of rendered clips as for the SVM; TV-L1, the networks' own, takes 40 times as long.
SAME_FLOW: Changes = {"motion": {"flow": "lucas-kanade", "apex": "middle"}}
_LINEAR: Changes = {"svm": {"kernel": "linear", "multiclass": "one-vs-rest", "tuning": "inner"}}

#: Methods on the real maps, each left-out subject's clips tested by a classifier trained on all others.
WITHIN = (
    Question("MEGC baseline", "megc-baseline"),
    Question("Linear SVM", _SVM, _LINEAR),
    Question("STSTNet", "ststnet", head="softmax"),
    Question("OFF-ApexNet", "off-apexnet", head="softmax"),
    Question("Majority class", "majority", head="majority"),
)

#: From rendered faces to real ones and back, with one SVM.
ACROSS = (
    Question("trained on rendered faces only", _SVM, protocol=_from(RENDERED)),
    Question("trained on rendered faces only, not standardised by corpus", _SVM, protocol=_from(RENDERED, each=False)),
    Question("trained on rendered faces only, TV-L1", _SVM, {"motion": {"flow": "tv-l1"}}, protocol=_from(RENDERED)),
    Question(f"trained on {RENDERED} and {WIDE}@3000", _SVM, protocol=_from(RENDERED, f"{WIDE}@3000")),
    Question("trained on real maps, tested on rendered faces", _SVM, {}, RENDERED, _from(REAL)),
    Question("real maps, LOSO", _SVM, protocol=_LOSO),
    Question("real maps, LOSO, C = 10", _SVM, {"svm": {"C": 10.0}}, protocol=_LOSO),
    Question(
        "real maps and rendered faces, LOSO, C = 10", _SVM, {"svm": {"C": 10.0}}, protocol=_from(RENDERED, joint=True)
    ),
    Question("holdout-database", _SVM, protocol=Protocol("database", standardisation="corpus")),
    *(
        Question(
            f"{channel} only, real maps, LOSO",
            _SVM,
            {"input": {"channels": channel}},
            protocol=_LOSO,
        )
        for channel in ("v", "u", "strain")
    ),
    *(
        Question(
            f"{channel} only, trained on rendered faces",
            _SVM,
            {"input": {"channels": channel}},
            protocol=_from(RENDERED),
        )
        for channel in ("v", "u", "strain")
    ),
)

#: As the first of :data:`ACROSS`, with the maps of the rendered clips in a wrong order or with a wrong sign.
WRONG = tuple(
    Question(f"rendered maps as {order}", _SVM, {"input": {"training": order}}, protocol=_from(RENDERED))
    for order in CONTROLS
)


def learning_curve(method: str, joint: bool) -> dict[int, Question]:
    """Evaluations on the real maps by number of rendered clips that train.

    A network sees the same flow of rendered clips as the SVM.

    Parameters
    ----------
    method
        Name of the method.
    joint
        Whether the real maps of all other subjects train as well (LOSO).
    """
    head = "softmax" if method in NETWORKS else "svm"
    return {
        size: Question(
            f"{method}, {size} rendered clips{' and real maps' if joint else ''}",
            method,
            SAME_FLOW if method in NETWORKS else {},
            protocol=_from(f"{WIDE}@{size}", joint=joint, each=method not in NETWORKS),
            head=head,
        )
        for size in SIZES
    }


#: Database whose clips a table of the paper reports; None for all.
DATABASE_OF = {4: "casme2", 5: "smic-hs", 6: "samm", 7: None}


@dataclass(frozen=True)
class RealResult:
    """Stored results of a method on the real maps, for the clips of one database or for all clips.

    Attributes
    ----------
    question
        The evaluation: LOSO over the subjects of all three databases.
    database
        Database whose clips are scored; None for all.
    records
        One record for each seed that was run.
    """

    question: Question
    database: str | None
    records: tuple[Record, ...]

    @property
    def matrices(self) -> np.ndarray:
        """Confusion matrix of each subject, (seeds, S, N_c, N_c)."""
        return np.stack([record.subject_matrices(self.question.head, self.database) for record in self.records])

    @property
    def outdated(self) -> list[str]:
        """Stages whose current version differs from that of a record."""
        return sorted({stage for record in self.records for stage in record.outdated})


def real_results(table: int, store: Store) -> list[RealResult]:
    """Results on the real maps that belong to one of Tables 4 to 7: one per method that was run.

    Parameters
    ----------
    table
        Number of the table; there are none for other tables.
    store
        Stored records.
    """
    if table not in DATABASE_OF:
        return []
    found = [RealResult(question, DATABASE_OF[table], tuple(question.records(store))) for question in WITHIN]
    return [result for result in found if result.records]


def questions() -> list[Question]:
    """All evaluations that take minutes on a CPU: those of the SVMs and the majority class."""
    curves = [learning_curve(_SVM, joint) for joint in (False, True)]
    light = [question for question in WITHIN if question.head != "softmax"]
    return [*light, *ACROSS, *WRONG, *(question for curve in curves for question in curve.values())]


def network_questions() -> list[Question]:
    """The evaluations of the networks, which take hours."""
    curves = [learning_curve(method, joint=False) for method in NETWORKS]
    return [q for q in WITHIN if q.head == "softmax"] + [q for curve in curves for q in curve.values()]
