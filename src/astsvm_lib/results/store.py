"""The folder of records, and the finished folds of interrupted runs."""

from __future__ import annotations

import contextlib
import csv
import gc
import os
import shutil
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from filelock import FileLock
from pydantic import ValidationError

from astsvm_lib.configuration import configured_folder
from astsvm_lib.datasets.manifest import available, load_manifest
from astsvm_lib.errors import CompanionError
from astsvm_lib.methods import method_named
from astsvm_lib.results.files import (
    COLUMNS,
    Row,
    checksum,
    curves_text,
    evaluations_text,
    predictions_text,
    read_runs,
    record_of,
    row_of,
    runs_text,
    same_result,
)
from astsvm_lib.results.record import FinishedFold, Record, RunKey
from astsvm_lib.storage import digest, write_atomically

#: Results that are part of an installed wheel, for reading only.
_PACKAGED = Path(str(files("astsvm_lib") / "stored_results"))
#: Environment variable with a file to which the name of every run looked up is appended, for the book's builder.
TRACE = "ASTSVM_TRACE_RUNS"
#: Stands in this file for all stored runs.
ALL_RUNS = "*"


def results_folder(given: Path | None = None) -> Path:
    """The folder of records to read.

    Parameters
    ----------
    given
        Folder specified by the user. By default, the folder of ``ASTSVM_RESULTS``, else that of the project's
        configuration, else the results that are part of an installed wheel.

    Raises
    ------
    CompanionError
        If no folder is specified, or it does not exist.
    """
    folder = configured_folder("results", given)
    if folder is None and (_PACKAGED / "runs.csv").is_file():
        folder = _PACKAGED
    if folder is None:
        raise CompanionError(
            "no folder of results: name one with --results FOLDER, as an argument or with ASTSVM_RESULTS, or work "
            "inside the project, whose pyproject.toml names it"
        )
    if not folder.is_dir():
        raise CompanionError(f"results: expected a folder, found none at {folder}; name another one with --results")
    return folder


@lru_cache(maxsize=8)
def _rows(path: Path, changed: int, size: int) -> dict[str, Row]:
    """Rows of ``runs.csv``, cached until modification time or size of the file change."""
    return read_runs(path.read_text(encoding="utf-8"), str(path.name))


@lru_cache(maxsize=4096)
def _record(folder: Path, values: tuple[str, ...]) -> Record:
    """The record of a row with these values, cached until the row changes."""
    row = dict(zip(COLUMNS, values, strict=True))
    name = row["run"]
    with _without_collection():
        record = record_of(row, *_tables(folder, name))
    if ":" in record.method:  # of a class of one's own, whose version is known once it is loaded
        with contextlib.suppress(CompanionError):
            method_named(record.method)
    dataset = record.dataset.split("@")[0]
    if dataset in available() and load_manifest(dataset).rehearsal and not record.rehearsal:
        raise CompanionError(f"{name}: results on rendered faces must be marked as rehearsal data; restore runs.csv")
    return record


@contextlib.contextmanager
def _without_collection() -> Iterator[None]:
    """Pause the search for cyclic garbage, which takes three quarters of the time in which many records are read.

    A record has no cycles and is kept until the process ends: its parts are left out of later searches.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.freeze()
            gc.enable()


def _tables(folder: Path, name: str) -> tuple[str, str]:
    """Text of a run's predictions and curves; empty for a file that does not exist."""
    paths = (folder / kind / f"{name}.csv" for kind in ("predictions", "curves"))
    predictions, curves = (path.read_text(encoding="utf-8") if path.is_file() else "" for path in paths)
    return predictions, curves


class Store:
    """Records in a folder; by default those shown in the book.

    Parameters
    ----------
    folder
        Folder of records; see :func:`results_folder` for the default. Finished folds of interrupted runs are stored
        in its subfolder ``.partial``.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._traced = folder is None
        self.folder = results_folder() if folder is None else Path(folder)

    # ------------------------------------------------------------ records

    def rows(self) -> dict[str, Row]:
        """Rows of ``runs.csv`` by name of the run; empty if there is no such file.

        Raises
        ------
        CompanionError
            If the file is damaged.
        """
        path = self.folder / "runs.csv"
        if not path.is_file():
            return {}
        status = path.stat()
        return _rows(path, status.st_mtime_ns, status.st_size)

    def _readable(self, name: str) -> Record | None:
        """The record with this name; None, with a warning, if it is damaged."""
        try:
            return self.read(name)
        except CompanionError as error:
            warnings.warn(f"damaged record, ignored: {error}", stacklevel=3)
            return None

    def read(self, name: str) -> Record:
        """The record of the run with this name.

        Raises
        ------
        CompanionError
            If there is no such record, or its files are damaged.
        """
        rows = self.rows()
        if name not in rows:
            raise CompanionError(
                f"no run '{name}' in {self._shown}; list the runs with: astsvm results list --results {self.folder}"
            )
        return _record(self.folder, tuple(rows[name].values()))

    def records(self) -> list[Record]:
        """All records, sorted by name; damaged ones are omitted with a warning.

        Raises
        ------
        CompanionError
            If ``runs.csv`` is damaged.
        """
        if self._traced:
            _trace(ALL_RUNS)
        return [record for name in sorted(self.rows()) if (record := self._readable(name)) is not None]

    def find(self, key: RunKey, data: str | None, outdated: bool = False) -> Record | None:
        """The record of exactly this run; None if there is none, or only an outdated or damaged one.

        A damaged record is reported by a warning.

        Parameters
        ----------
        key
            Identifier of the run; the number of epochs must equal that of the record.
        data
            Fingerprint of the clips, which must equal that of the record; None where the data is not at hand.
        outdated
            Whether to return a record that was made with other versions of a stage (:attr:`Record.outdated`). Mark
            such a record as outdated wherever it is shown.
        """
        if self._traced:
            _trace(key.name)
        row = self.rows().get(key.name)
        if row is None or row["epochs"] != str(key.epochs) or data not in (None, row["data"]):
            return None
        record = self._readable(key.name)
        return record if record is not None and (outdated or not record.outdated) else None

    def seeds(self, key: RunKey, data: str | None, outdated: bool = False) -> list[Record]:
        """Records of this run with any seed, sorted by seed.

        Parameters
        ----------
        key
            Identifier of the run; its seed is ignored.
        data, outdated
            As for :meth:`find`.
        """
        seeds = sorted(
            int(row["seed"])
            for row in self.rows().values()
            if (row["dataset"], row["method"], row["profile"], row["choices"], row["protocol"])
            == (key.dataset, key.method, key.profile, key.choices, key.protocol)
        )
        keys = [key.model_copy(update={"seed": seed}) for seed in seeds] or [key]
        return [record for each in keys if (record := self.find(each, data, outdated)) is not None]

    def write(self, record: Record) -> None:
        """Store a record, and replace an earlier record of the same run.

        If only the computing time and the commit differ, no file is changed. Under a lock, the two tables are written
        first, then the row of ``runs.csv`` with their checksum. If the process is killed in between, the row does
        not match its tables, which is reported on reading; the folds in ``.partial`` remain, and the run resumes from
        them.

        Raises
        ------
        CompanionError
            If the folder is that of an installed package, or ``runs.csv`` is damaged.
        """
        self.check_writable()
        row = row_of(record)
        runs = self.folder / "runs.csv"
        with FileLock(self.folder / ".runs.lock"):
            rows = read_runs(runs.read_text(encoding="utf-8"), runs.name) if runs.is_file() else {}
            old = rows.get(record.name)
            if old is not None and same_result(old, row):
                if checksum(*_tables(self.folder, record.name)) == row["checksum"]:
                    return
                row = old
            for kind, text in (("predictions", predictions_text(record)), ("curves", curves_text(record))):
                path = self.folder / kind / f"{record.name}.csv"
                if text:
                    write_atomically(path, text.encode())
                else:
                    path.unlink(missing_ok=True)
            write_atomically(runs, runs_text({**rows, record.name: row}).encode())
        _record.cache_clear()

    def log_evaluation(self, record: Record) -> None:
        """Append the scores of a record to ``evaluations.csv``, one row per head, with the date and time in UTC.

        Every evaluation on real data leaves a row, also one whose record is later replaced or deleted, so that the
        number of attempts can be read from the log.

        Parameters
        ----------
        record
            Record of a run that was just computed.
        """
        path = self.folder / "evaluations.csv"
        now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
        with FileLock(self.folder / ".runs.lock"):
            text = path.read_text(encoding="utf-8") if path.is_file() else evaluations_text([])
            write_atomically(path, (text + evaluations_text([(now, record)], header=False)).encode())

    def evaluations(self) -> list[dict[str, str]]:
        """Rows of ``evaluations.csv``, the oldest first; empty if there is no such file."""
        path = self.folder / "evaluations.csv"
        if self._traced:
            _trace(ALL_RUNS)
        return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines())) if path.is_file() else []

    def check_writable(self) -> None:
        """Check that records may be written here.

        Raises
        ------
        CompanionError
            If the folder is that of an installed package, or cannot be written.
        """
        if self.folder == _PACKAGED:
            raise CompanionError(
                "the results that come with the package cannot be changed: name a folder for new ones with --out "
                "FOLDER or ASTSVM_RESULTS"
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CompanionError(f"results: cannot create the folder {self.folder} ({error.strerror})") from None
        if not os.access(self.folder, os.W_OK):
            raise CompanionError(f"results: no permission to write to {self.folder}; name another folder")

    @property
    def _shown(self) -> str:
        """Last two parts of the folder's path, for messages."""
        return "/".join(self.folder.resolve().parts[-2:])

    # ------------------------------------------------------------ folds of unfinished runs

    def _partial(self, run: str) -> Path:
        return self.folder / ".partial" / run

    def save_fold(self, run: str, fold: FinishedFold) -> None:
        """Store a finished fold of an unfinished run.

        Parameters
        ----------
        run
            Identifier of the unfinished run.
        fold
            The fold; an earlier one of the same name is replaced.
        """
        path = self._partial(run) / f"{digest(fold.result.name)}.json"
        write_atomically(path, fold.model_dump_json().encode())

    def folds(self, run: str) -> dict[str, FinishedFold]:
        """Finished folds of an unfinished run, by name; damaged folds are omitted with a warning."""
        found = {}
        for path in sorted(self._partial(run).glob("*.json")):
            try:
                fold = FinishedFold.model_validate_json(path.read_bytes())
            except ValidationError:
                warnings.warn(f"damaged fold {path.name}: it will be computed again", stacklevel=2)
                continue
            found[fold.result.name] = fold
        return found

    def discard_folds(self, run: str) -> None:
        """Delete the stored folds of a run, after its record is written or before it is run again."""
        shutil.rmtree(self._partial(run), ignore_errors=True)
        with contextlib.suppress(OSError):  # the folder is absent, or other runs use it
            (self.folder / ".partial").rmdir()


def _trace(name: str) -> None:
    """Append the name of a run that is looked up to the file named by :data:`TRACE`."""
    file = os.environ.get(TRACE)
    if file:
        with Path(file).open("a", encoding="utf-8") as stream:
            stream.write(f"{name}\n")
