"""Notebooks with one planted leak each: evaluations in which the left-out subject reaches the training in one place.

Every step of the evaluation has two correct forms, and the leak one. A notebook takes one correct form of each step at
random, except for the leak, so that a comparison of two students' notebooks does not tell where it is.
"""

from __future__ import annotations

import csv
import io
import json
import secrets
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
from pydantic import BaseModel, ConfigDict, ValidationError

from astsvm_lib.errors import CompanionError

#: Kind of leak -> what it is, for the students' list.
KINDS = {
    "scaling": "the features are scaled with statistics of all clips",
    "selection": "the features are selected with the labels of all clips",
    "splitting": "clips of one subject are in the training and in the test part of a fold",
    "oversampling": "clips are oversampled before the folds are made",
    "tuning": "a parameter is chosen by its score on the left-out subject",
}
PUBLIC, OWN = "public", "instructor"
KEY = "leaks.json"
COLUMNS = ("code", "kind")

_LOAD = """import numpy as np
import pandas as pd
from sklearn.feature_selection import SelectKBest, f_classif
from sklearn.metrics import confusion_matrix, f1_score, recall_score
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, LeaveOneGroupOut
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

table = pd.read_csv("features.csv")
subjects, labels = table["subject"].to_numpy(), table["label"].to_numpy()
features = table.filter(regex="^f[0-9]+$").to_numpy()
rng = np.random.default_rng(0)
costs = [0.01, 0.1, 1.0, 10.0, 100.0]
print(f"{len(table)} clips of {len(set(subjects))} subjects, {features.shape[1]} features")"""

#: Step -> its two correct forms, for the code inside the loop over folds or, for the folds, before it.
_CORRECT = {
    "scaling": (
        "scaler = StandardScaler().fit(x_train)\nx_train, x_test = scaler.transform(x_train), scaler.transform(x_test)",
        "mean, spread = x_train.mean(0), x_train.std(0) + 1e-9\n"
        "x_train, x_test = (x_train - mean) / spread, (x_test - mean) / spread",
    ),
    "selection": (
        "selected = SelectKBest(f_classif, k=12).fit(x_train, y_train)\n"
        "x_train, x_test = selected.transform(x_train), selected.transform(x_test)",
        "best = np.argsort(f_classif(x_train, y_train)[0])[-12:]\nx_train, x_test = x_train[:, best], x_test[:, best]",
    ),
    "splitting": (
        "folds = list(LeaveOneGroupOut().split(features, labels, subjects))",
        "folds = [(np.flatnonzero(subjects != s), np.flatnonzero(subjects == s)) for s in np.unique(subjects)]",
    ),
    "oversampling": (
        "most = np.unique(y_train, return_counts=True)[1].max()\n"
        "own = [np.flatnonzero(y_train == label) for label in np.unique(y_train)]\n"
        "more = np.concatenate([np.concatenate([o, rng.choice(o, most - len(o))]) for o in own])\n"
        "x_train, y_train, s_train = x_train[more], y_train[more], s_train[more]",
        "counts = pd.Series(y_train).value_counts()\n"
        "extra = [rng.choice(np.flatnonzero(y_train == label), counts.max() - n) for label, n in counts.items()]\n"
        "more = np.concatenate([np.arange(len(y_train)), *extra])\n"
        "x_train, y_train, s_train = x_train[more], y_train[more], s_train[more]",
    ),
    "tuning": (
        'search = GridSearchCV(SVC(), {"C": costs}, scoring="f1_macro", cv=GroupKFold(4))\n'
        "model = search.fit(x_train, y_train, groups=s_train).best_estimator_",
        "scores = np.zeros(len(costs))\n"
        "for inner, held_out in GroupKFold(4).split(x_train, y_train, s_train):\n"
        "    for i, cost in enumerate(costs):\n"
        "        guess = SVC(C=cost).fit(x_train[inner], y_train[inner]).predict(x_train[held_out])\n"
        '        scores[i] += f1_score(y_train[held_out], guess, average="macro")\n'
        "model = SVC(C=costs[int(scores.argmax())]).fit(x_train, y_train)",
    ),
}
#: Kind of leak -> the step's forms with the leak, which come before the loop, or inside it for the tuning.
_LEAKS = {
    "scaling": (
        "features = StandardScaler().fit_transform(features)",
        "features = (features - features.mean(0)) / (features.std(0) + 1e-9)",
    ),
    "selection": (
        "features = SelectKBest(f_classif, k=12).fit_transform(features, labels)",
        "best = np.argsort(f_classif(features, labels)[0])[-12:]\nfeatures = features[:, best]",
    ),
    "splitting": (
        "folds = list(KFold(len(set(subjects)), shuffle=True, random_state=0).split(features))",
        "parts = np.array_split(rng.permutation(len(labels)), len(set(subjects)))\n"
        "folds = [(np.setdiff1d(np.arange(len(labels)), part), part) for part in parts]",
    ),
    "oversampling": (
        "most = np.unique(labels, return_counts=True)[1].max()\n"
        "new = []\n"
        "for label in np.unique(labels):\n"
        "    own = np.flatnonzero(labels == label)\n"
        "    new += [rng.choice(own, 2) for _ in range(most - len(own))]\n"
        "first, second = np.array(new).T\n"
        "features = np.concatenate([features, (features[first] + features[second]) / 2])\n"
        "labels, subjects = np.append(labels, labels[first]), np.append(subjects, subjects[first])",
        "counts = pd.Series(labels).value_counts()\n"
        "for label, count in counts.items():\n"
        "    own = np.flatnonzero(labels == label)\n"
        "    a, b = rng.choice(own, (2, counts.max() - count))\n"
        "    features = np.vstack([features, 0.5 * features[a] + 0.5 * features[b]])\n"
        "    labels, subjects = np.append(labels, labels[a]), np.append(subjects, subjects[b])",
    ),
    "tuning": (
        "models = [SVC(C=cost).fit(x_train, y_train) for cost in costs]\n"
        'model = max(models, key=lambda m: f1_score(labels[test], m.predict(x_test), average="macro"))',
        "hits = [np.mean(SVC(C=cost).fit(x_train, y_train).predict(x_test) == labels[test]) for cost in costs]\n"
        "model = SVC(C=costs[int(np.argmax(hits))]).fit(x_train, y_train)",
    ),
}
_SCORE = """truth, predictions = labels[order], np.array(predicted)
print(confusion_matrix(truth, predictions))
uf1 = f1_score(truth, predictions, average="macro")
uar = recall_score(truth, predictions, average="macro")
print(f"UF1 {uf1:.3f}, UAR {uar:.3f}")"""
_TEXTS = {
    "intro": "# An evaluation with a mistake\n\nAn SVM is evaluated by leave-one-subject-out. In one place, the "
    "left-out subject reaches the training. Find the place, name the kind of leak from the list in README.md, and mend "
    "it: by how much does UF1 change?",
    "load": "## The data",
    "before": "## Before the folds",
    "loop": "## The folds",
    "score": "## The score",
}


class Leaks(BaseModel):
    """What the instructor knows: the seed, and the kind of leak of each student's notebook, by its code."""

    model_config = ConfigDict(extra="forbid")

    format: str
    seed: int
    kinds: dict[str, str]


def leak_cells(kind: str | None, rng: np.random.Generator) -> list[str]:
    """Source of the code cells of a notebook.

    Parameters
    ----------
    kind
        Kind of the leak, one of :data:`KINDS`; None for an evaluation without a leak.
    rng
        Chooses between the forms of each step.

    Raises
    ------
    CompanionError
        If the kind is unknown.
    """
    if kind is not None and kind not in KINDS:
        raise CompanionError(f"kind of leak: expected one of {', '.join(KINDS)}, found '{kind}'")
    form = {step: int(rng.integers(2)) for step in _CORRECT}
    steps = {step: _CORRECT[step][form[step]] for step in _CORRECT}
    before = []
    if kind is not None:
        steps[kind] = _LEAKS[kind][form[kind]]
        if kind in ("scaling", "selection", "oversampling"):
            before = [steps.pop(kind)]
    folds = steps.pop("splitting")
    inside = ["x_train, x_test = features[train], features[test]", "y_train, s_train = labels[train], subjects[train]"]
    inside += [steps[step] for step in ("oversampling", "scaling", "selection", "tuning") if step in steps]
    inside += ["predicted.extend(model.predict(x_test))", "order.extend(test)"]
    body = "\n".join(inside).replace("\n", "\n    ")
    loop = f"predicted, order = [], []\nfor train, test in folds:\n    {body}"
    return [_LOAD, "\n\n".join([*before, folds]), loop, _SCORE]


def leak_notebook(kind: str, rng: np.random.Generator) -> nbformat.NotebookNode:
    """A notebook with one leak, without outputs.

    Parameters
    ----------
    kind, rng
        As for :func:`leak_cells`.
    """
    texts = [f"{_TEXTS['intro']}\n\n{_TEXTS['load']}", _TEXTS["before"], _TEXTS["loop"], _TEXTS["score"]]
    cells = []
    for text, code in zip(texts, leak_cells(kind, rng), strict=True):
        cells += [nbformat.v4.new_markdown_cell(text), nbformat.v4.new_code_cell(code)]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def leak_features(
    rng: np.random.Generator, subjects: int = 16, clips: int = 9, width: int = 60, strength: float = 0.22
) -> pd.DataFrame:
    """Features of made-up clips: what a subject's clips have in common, a little of the class, and noise.

    Parameters
    ----------
    rng
        Source of the numbers.
    subjects, clips, width
        Number of subjects, of clips of each, and of features.
    strength
        Distance of the classes, relative to the noise.

    Returns
    -------
    pandas.DataFrame
        Columns ``clip``, ``subject``, ``label``, ``f0`` to ``f{width - 1}``; the classes are unbalanced, and each
        subject has an own habit of labels.
    """
    classes = np.array(["negative", "positive", "surprise"])
    directions = rng.normal(size=(3, width))
    rows = []
    for number in range(subjects):
        own, habit = rng.normal(size=width), rng.dirichlet([3.0, 1.2, 0.9])
        chosen = rng.choice(3, clips, p=habit)
        scale = rng.uniform(0.5, 2.0)
        for place, label in enumerate(chosen):
            values = scale * (0.9 * own + strength * directions[label] + rng.normal(size=width))
            rows.append([f"c{number:02d}{place}", f"s{number + 1:02d}", classes[label], *values.round(4)])
    return pd.DataFrame(rows, columns=["clip", "subject", "label", *(f"f{i}" for i in range(width))])


def _readme(codes: int) -> str:
    listed = "\n".join(f"- `{kind}`: {text}" for kind, text in KINDS.items())
    return (
        "# Find the leak\n\n"
        f"CODE.ipynb     one of {codes} notebooks; take the one with the code that your instructor gave you\n"
        "features.csv   features of made-up clips: clip, subject, label, f0, f1, ...\n\n"
        "Each notebook evaluates a method by leave-one-subject-out, and the left-out subject reaches the training in "
        "one place. It runs with numpy, pandas and scikit-learn. Say of which kind the leak is:\n\n"
        f"{listed}\n\n"
        "Hand in a row for your code in a CSV file with the columns code and kind.\n"
    )


def _csv(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def make_leaks(folder: Path, students: int, seed: int | None = None) -> Path:
    """Write a notebook with a leak for each student, and the key; after an error, nothing is left.

    Parameters
    ----------
    folder
        Folder to create.
    students
        Number of students; kinds are as equal in number as possible.
    seed
        Of features, kinds, forms and codes; by default a random number of 63 bits.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    CompanionError
        If the folder exists, or there are no students.
    """
    if folder.exists():
        raise CompanionError(f"leaks: expected a folder that does not exist, found {folder}; choose another --out")
    if students < 1:
        raise CompanionError(f"leaks: expected at least 1 student, found {students}")
    seed = secrets.randbits(63) if seed is None else seed
    rng = np.random.default_rng([seed, 1])
    names = list(KINDS)
    kinds = [names[i] for i in rng.permutation(np.arange(students) % len(names))]
    codes = [f"{code:06x}" for code in rng.choice(16**6, students, replace=False)]
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        (part / PUBLIC).mkdir(parents=True)
        (part / OWN).mkdir()
        leak_features(rng).to_csv(part / PUBLIC / "features.csv", index=False)
        for code, kind in zip(codes, kinds, strict=True):
            nbformat.write(leak_notebook(kind, rng), part / PUBLIC / f"{code}.ipynb")
        (part / PUBLIC / "README.md").write_text(_readme(students), encoding="utf-8")
        key = Leaks(format="astsvm-leaks-1", seed=seed, kinds=dict(zip(codes, kinds, strict=True)))
        (part / OWN / KEY).write_text(json.dumps(key.model_dump(), indent=1) + "\n", encoding="utf-8")
        (part / OWN / "students.csv").write_bytes(_csv([["student", "code"], *([["", code] for code in codes])]))
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def read_leaks(folder: Path) -> Leaks:
    """The key of a folder that :func:`make_leaks` wrote.

    Raises
    ------
    CompanionError
        If the key is missing or damaged.
    """
    path = folder / OWN / KEY
    try:
        return Leaks.model_validate_json(path.read_bytes())
    except OSError:
        raise CompanionError(
            f"leaks {folder}: expected {OWN}/{KEY}, found none; name the folder that astsvm challenge leaks wrote"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise CompanionError(f"leaks {folder}: {OWN}/{KEY}: {where}: {first['msg']}") from None


def grade_leaks(key: Leaks, answers: Sequence[Path]) -> pd.DataFrame:
    """Answers beside the key.

    Parameters
    ----------
    key
        The key.
    answers
        CSV files with the columns ``code`` and ``kind``; one for all students, or one each.

    Returns
    -------
    pandas.DataFrame
        One row a student: ``code``, ``planted``, ``answer`` (empty if there is none) and ``right``.

    Raises
    ------
    CompanionError
        If a file cannot be read or lacks a column, a code is unknown or twice, or an answer is no kind of leak.
    """
    given: dict[str, str] = {}
    for path in answers:
        for row in _rows(path):
            code, kind = row["code"].strip(), row["kind"].strip().lower()
            if code not in key.kinds:
                raise CompanionError(f"{path}: code '{code}' is not one of this class")
            if code in given:
                raise CompanionError(f"{path}: code '{code}' has two answers; expected one")
            if kind not in KINDS:
                raise CompanionError(f"{path}: code '{code}': expected one of {', '.join(KINDS)}, found '{kind}'")
            given[code] = kind
    rows = [(code, kind, given.get(code, ""), given.get(code) == kind) for code, kind in key.kinds.items()]
    return pd.DataFrame(rows, columns=["code", "planted", "answer", "right"])


def _rows(path: Path) -> list[Mapping[str, Any]]:
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False, skipinitialspace=True)
    except FileNotFoundError:
        raise CompanionError(f"answers {path}: no such file") from None
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise CompanionError(f"answers {path}: not a readable CSV table ({str(error).strip()})") from None
    absent = [name for name in COLUMNS if name not in table.columns]
    if absent:
        found = ", ".join(map(str, table.columns)) or "none"
        raise CompanionError(f"answers {path}: expected the columns code and kind, found {found}")
    return [{name: row[name] for name in COLUMNS} for row in table.to_dict("records")]
