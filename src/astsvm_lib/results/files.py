"""Records as CSV tables: one row of ``runs.csv``, and one table each of predictions and of training curves."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from astsvm_lib.errors import CompanionError
from astsvm_lib.results.record import FoldResult, Record, RunKey
from astsvm_lib.storage import canonical_json

#: Columns of ``runs.csv``. Those in :data:`VOLATILE` may differ between equal results.
COLUMNS = (
    "run", "dataset", "heading", "rehearsal", "protocol", "method", "differs", "profile", "epochs", "seed", "folds",
    "clips", "classes", "stages", "libraries", "backend", "device", "processor", "threads", "seconds", "commit", "data",
    "choices", "recipe", "settings", "checksum",
)  # fmt: skip
VOLATILE = ("seconds", "commit")
#: Maximum number of epochs stored per fold, which suffices for a learning curve.
EPOCHS_KEPT = 20

Row = dict[str, str]


def _csv(rows: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def runs_text(rows: Mapping[str, Row]) -> str:
    """The text of ``runs.csv``, sorted by name of the run."""
    return _csv([list(COLUMNS), *([rows[name][column] for column in COLUMNS] for name in sorted(rows))])


def read_runs(text: str, where: str) -> dict[str, Row]:
    """Rows of ``runs.csv`` by name of the run.

    Parameters
    ----------
    text
        Text of the file.
    where
        Name of the file in error messages.

    Raises
    ------
    CompanionError
        If the columns are not :data:`COLUMNS`, a row has another number of fields, or a run has two rows.
    """
    header, *lines = list(csv.reader(io.StringIO(text))) or [[]]
    if tuple(header) != COLUMNS:
        raise CompanionError(
            f"{where}: expected the columns {', '.join(COLUMNS)}; found {', '.join(header) or 'nothing'}"
        )
    for number, line in enumerate(lines, 2):
        if len(line) != len(COLUMNS):
            raise CompanionError(f"{where}, line {number}: expected {len(COLUMNS)} fields, found {len(line)}")
    rows = [dict(zip(COLUMNS, line, strict=True)) for line in lines]
    twice = [run for run, count in Counter(row["run"] for row in rows).items() if count > 1]
    if twice:
        raise CompanionError(f"{where}: expected one row per run, found two of {', '.join(twice[:3])}; delete one")
    return {row["run"]: row for row in rows}


def _pairs(values: Mapping[str, Any]) -> str:
    """``name value`` pairs on one line."""
    return "; ".join(f"{name} {value}" for name, value in values.items())


def _from_pairs(text: str) -> dict[str, str]:
    return dict(pair.rsplit(" ", 1) for pair in text.split("; ")) if text else {}


def stages_of(row: Row) -> dict[str, int]:
    """Version of each stage that a run depends on, from its row of ``runs.csv``."""
    return {name: int(version) for name, version in _from_pairs(row["stages"]).items()}


def checksum(predictions: str, curves: str) -> str:
    """First 16 hexadecimal digits of the SHA-256 of a run's two tables.

    Parameters
    ----------
    predictions, curves
        Text of the two tables, from :func:`predictions_text` and :func:`curves_text`.
    """
    return hashlib.sha256(f"{predictions}\0{curves}".encode()).hexdigest()[:16]


def predictions_text(record: Record) -> str:
    """Table of predictions with one row per clip: key, truth, then each head's prediction and scores by class.

    The data set is omitted from the key if it is that of the run, and the fold if each fold is a subject. The score is
    empty for a class that is absent from the training fold.
    """
    own = f"{record.dataset}/"
    named = {fold.name for fold in record.folds} != {clip.subject for clip in record.clips}
    header = ["clip", *(["fold"] if named else []), "truth"]
    for head in record.heads:
        header += [head, *(f"{head}:{name}" for name in record.classes)]
    rows = [header]
    for fold in record.folds:
        for clip in fold.clips:
            row = [clip.key.removeprefix(own), *([fold.name] if named else []), clip.truth]
            for result in clip.heads.values():
                scores = [result.scores[name] for name in record.classes]
                row += [result.prediction, *("" if value is None else f"{value:.3f}" for value in scores)]
            rows.append(row)
    return _csv(rows)


def curves_text(record: Record) -> str:
    """Table of training curves with two rows per fold, loss and accuracy, and one column per stored epoch.

    Empty for a method without epochs.
    """
    if not any(fold.epochs for fold in record.folds):
        return ""
    numbers = [str(int(epoch["epoch"])) for epoch in record.folds[0].epochs]
    rows = [["fold", "measure", *numbers]]
    for fold in record.folds:
        rows.append([fold.name, "loss", *(f"{epoch['loss']:.4g}" for epoch in fold.epochs)])
        rows.append([fold.name, "accuracy", *(f"{epoch['accuracy']:.3f}" for epoch in fold.epochs)])
    return _csv(rows)


def row_of(record: Record) -> Row:
    """The record's row of ``runs.csv``."""
    return {
        "run": record.name,
        "dataset": record.dataset,
        "heading": record.heading,
        "rehearsal": "yes" if record.rehearsal else "no",
        "protocol": record.protocol,
        "method": record.method,
        "differs": record.differs,
        "profile": record.profile,
        "epochs": str(record.epochs),
        "seed": str(record.seed),
        "folds": str(len(record.folds)),
        "clips": str(len(record.clips)),
        "classes": "; ".join(record.classes),
        "stages": _pairs(record.stages),
        "libraries": _pairs(record.libraries),
        "backend": record.backend,
        "device": record.device,
        "processor": record.processor,
        "threads": str(record.threads),
        "seconds": f"{record.seconds:.1f}",
        "commit": record.commit or "",
        "data": record.data,
        "choices": record.key.choices,
        "recipe": canonical_json(record.recipe),
        "settings": canonical_json(record.settings),
        "checksum": checksum(predictions_text(record), curves_text(record)),
    }


def evaluations_text(entries: Sequence[tuple[str, Record]], header: bool = True) -> str:
    """Rows of ``evaluations.csv``: date and time, run, what was evaluated how, and the scores of each head.

    Parameters
    ----------
    entries
        Date and time, and the record, of each evaluation.
    header
        Whether to begin with the names of the columns.
    """
    rows = [["time", "run", "dataset", "protocol", "method", "differs", "seed", "head", "uar", "uf1", "commit"]]
    for time, record in entries:
        about = [time, record.name, record.dataset, record.protocol, record.method, record.differs, str(record.seed)]
        for head in record.heads:
            found = record.scores(head)
            rows.append([*about, head, f"{found.uar:.4f}", f"{found.uf1:.4f}", record.commit or ""])
    return _csv(rows if header else rows[1:])


def same_result(first: Row, second: Row) -> bool:
    """Whether two rows of ``runs.csv`` are equal except for the columns :data:`VOLATILE`."""
    return all(first[column] == second[column] for column in COLUMNS if column not in VOLATILE)


def _read_predictions(text: str, row: Row) -> dict[str, list[dict[str, Any]]]:
    """Test clips by fold, in the order of the file, as values of a :class:`~astsvm_lib.results.record.ClipResult`."""
    classes = row["classes"].split("; ")
    header, *lines = list(csv.reader(io.StringIO(text)))
    place = {name: number for number, name in enumerate(header)}
    heads = [name for name in header[place["truth"] + 1 :] if ":" not in name]
    columns = [(head, place[head], [(name, place[f"{head}:{name}"]) for name in classes]) for head in heads]
    clip, truth, fold = place["clip"], place["truth"], place.get("fold")
    found: dict[str, list[dict[str, Any]]] = {}
    for line in lines:
        if len(line) != len(header):
            raise ValueError(f"expected {len(header)} values in a line of predictions, found {len(line)}")
        key = line[clip] if line[clip].count("/") == 2 else f"{row['dataset']}/{line[clip]}"
        results = {
            head: {"prediction": line[own], "scores": {name: line[at] or None for name, at in scores}}
            for head, own, scores in columns
        }
        subject = key.rsplit("/", 1)[0]
        tested = {"key": key, "subject": subject, "truth": line[truth], "heads": results}
        found.setdefault(subject if fold is None else line[fold], []).append(tested)
    return found


def _read_curves(text: str) -> dict[str, list[dict[str, float]]]:
    """Epochs by fold."""
    if not text:
        return {}
    header, *lines = list(csv.reader(io.StringIO(text)))
    found: dict[str, list[dict[str, float]]] = {}
    for fold, measure, *values in lines:
        epochs = found.setdefault(fold, [{"epoch": float(number)} for number in header[2:]])
        for epoch, value in zip(epochs, values, strict=True):
            epoch[measure] = float(value)
    return found


def record_of(row: Row, predictions: str, curves: str) -> Record:
    """The record from its row of ``runs.csv`` and its two tables.

    Parameters
    ----------
    row
        Row of ``runs.csv``.
    predictions, curves
        Text of the two tables; empty if the file does not exist.

    Returns
    -------
    Record
        The computing time of each fold is not stored and therefore 0.

    Raises
    ------
    CompanionError
        If the tables do not match the checksum or the counts in the row, or a field cannot be read.
    """
    if checksum(predictions, curves) != row["checksum"]:
        raise CompanionError(
            f"{row['run']}: predictions or training curves do not match runs.csv (expected checksum "
            f"{row['checksum']}, found {checksum(predictions, curves)}); restore the files, or run it again"
        )
    try:
        return _record_of(row, predictions, curves)
    except (ValueError, KeyError) as error:  # also pydantic's and JSON's errors
        raise CompanionError(f"{row['run']}: runs.csv or its tables are damaged ({error}); restore them") from None


def _record_of(row: Row, predictions: str, curves: str) -> Record:
    clips, epochs, stages = _read_predictions(predictions, row), _read_curves(curves), stages_of(row)
    trainer = next((name for name in stages if name.startswith("trainer-")), "")
    folds = [
        FoldResult.model_validate(
            {"name": name, "epochs": epochs.get(name, []), "trainer": trainer, "seconds": 0.0, "clips": tested}
        )
        for name, tested in clips.items()
    ]
    counts = {"folds": len(folds), "clips": sum(len(fold.clips) for fold in folds)}
    for what, count in counts.items():
        if str(count) != row[what]:
            raise CompanionError(f"{row['run']}: expected {row[what]} {what}, found {count}; run it again")
    return Record(
        key=RunKey(
            dataset=row["dataset"],
            method=row["method"],
            profile=row["profile"],
            epochs=int(row["epochs"]),
            seed=int(row["seed"]),
            choices=row["choices"],
            protocol=row["protocol"],
        ),
        heading=row["heading"],
        rehearsal=row["rehearsal"] == "yes",
        classes=row["classes"].split("; "),
        recipe=json.loads(row["recipe"]),
        settings=json.loads(row["settings"]),
        differs=row["differs"],
        data=row["data"],
        stages=stages,
        libraries=_from_pairs(row["libraries"]),
        backend=row["backend"],
        device=row["device"],
        processor=row["processor"],
        threads=int(row["threads"]),
        commit=row["commit"] or None,
        seconds=float(row["seconds"]),
        folds=folds,
    )
