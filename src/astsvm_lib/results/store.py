"""The folder of records, and the finished folds of interrupted runs."""

from __future__ import annotations

import os
import shutil
import warnings
from functools import lru_cache
from pathlib import Path

from filelock import FileLock
from pydantic import ValidationError

from astsvm_lib.configuration import configured_folder
from astsvm_lib.datasets.manifest import available, load_manifest
from astsvm_lib.errors import CompanionError
from astsvm_lib.results.files import (
    COLUMNS,
    Row,
    curves_text,
    predictions_text,
    read_runs,
    record_of,
    row_of,
    runs_text,
    same_result,
)
from astsvm_lib.results.record import FoldResult, Record, RunKey
from astsvm_lib.storage import digest, write_atomically

#: Results that are part of an installed wheel.
_PACKAGED = Path(__file__).parents[1] / "stored_results"
#: Environment variable with a file to which the name of every run looked up is appended, for the book's builder.
TRACE = "ASTSVM_TRACE_RUNS"


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
            "no folder of results: name one with --results FOLDER or ASTSVM_RESULTS, or work inside the project, whose "
            "pyproject.toml names it"
        )
    if not folder.is_dir():
        raise CompanionError(f"results: expected a folder, found none at {folder}; name another one with --results")
    return folder


@lru_cache(maxsize=8)
def _rows(path: Path, changed: int, size: int) -> dict[str, Row]:
    """Rows of ``runs.csv``, cached until modification time or size of the file change."""
    return read_runs(path.read_text(encoding="utf-8"), str(path.name))


@lru_cache(maxsize=512)
def _record(folder: Path, values: tuple[str, ...]) -> Record:
    """The record of a row with these values, cached until the row changes."""
    row = dict(zip(COLUMNS, values, strict=True))
    name = row["run"]
    tables = []
    for kind in ("predictions", "curves"):
        path = folder / kind / f"{name}.csv"
        tables.append(path.read_text(encoding="utf-8") if path.is_file() else "")
    record = record_of(row, *tables)
    if record.dataset in available() and load_manifest(record.dataset).rehearsal and not record.rehearsal:
        raise CompanionError(f"{name}: results on rendered faces must be marked as rehearsal data; restore runs.csv")
    return record


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

    def read(self, name: str) -> Record:
        """The record of the run with this name.

        Raises
        ------
        CompanionError
            If there is no such record, or its files are damaged.
        """
        rows = self.rows()
        if name not in rows:
            raise CompanionError(f"no run '{name}' in {self._shown}; astsvm results list names them")
        return _record(self.folder, tuple(rows[name].values()))

    def records(self) -> list[Record]:
        """All records, sorted by name.

        Raises
        ------
        CompanionError
            If a record is damaged.
        """
        return [self.read(name) for name in sorted(self.rows())]

    def find(self, key: RunKey, data: str, outdated: bool = False) -> Record | None:
        """The record of exactly this run; None if there is none, or only an outdated or damaged one.

        A damaged record is reported by a warning.

        Parameters
        ----------
        key
            Identifier of the run.
        data
            Fingerprint of the data set, which must equal that of the record.
        outdated
            Whether to return a record that was made with other versions of a stage (:attr:`Record.outdated`). Mark
            such a record as outdated wherever it is shown.
        """
        if self._traced:
            _trace(key)
        row = self.rows().get(key.name)
        if row is None or row["data"] != data:
            return None
        try:
            record = self.read(key.name)
        except CompanionError as error:
            warnings.warn(f"damaged record, ignored: {error}", stacklevel=2)
            return None
        return record if outdated or not record.outdated else None

    def seeds(self, key: RunKey, data: str, outdated: bool = False) -> list[Record]:
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
            if (row["dataset"], row["method"], row["profile"], row["choices"])
            == (key.dataset, key.method, key.profile, key.choices)
        )
        keys = [key.model_copy(update={"seed": seed}) for seed in seeds] or [key]
        return [record for each in keys if (record := self.find(each, data, outdated)) is not None]

    def write(self, record: Record) -> None:
        """Store a record, and replace an earlier record of the same run.

        If only the computing time and the commit differ, no file is changed. The two tables are written first, then
        the row of ``runs.csv`` with their checksum, under a lock. If the process is killed in between, the row does
        not match its tables, which is reported on reading; the folds in ``.partial`` remain, and the run resumes from
        them.
        """
        row = row_of(record)
        old = self.rows().get(record.name)
        if old is not None and same_result(old, row):
            return
        for kind, text in (("predictions", predictions_text(record)), ("curves", curves_text(record))):
            path = self.folder / kind / f"{record.name}.csv"
            if text:
                write_atomically(path, text.encode())
            else:
                path.unlink(missing_ok=True)
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / ".runs.lock"):
            rows = {**self.rows(), record.name: row}
            write_atomically(self.folder / "runs.csv", runs_text(rows).encode())

    @property
    def _shown(self) -> str:
        """Last two parts of the folder's path, for messages."""
        return "/".join(self.folder.resolve().parts[-2:])

    # ------------------------------------------------------------ folds of unfinished runs

    def _partial(self, run: str) -> Path:
        return self.folder / ".partial" / run

    def save_fold(self, run: str, fold: FoldResult) -> None:
        """Store a finished fold of an unfinished run.

        Parameters
        ----------
        run
            Identifier of the unfinished run.
        fold
            Result of the fold; an earlier result for the same subject is replaced.
        """
        path = self._partial(run) / f"{digest(fold.subject)}.json"
        write_atomically(path, fold.model_dump_json().encode())

    def folds(self, run: str) -> dict[str, FoldResult]:
        """Finished folds of an unfinished run, by subject; damaged folds are omitted with a warning."""
        found = {}
        for path in sorted(self._partial(run).glob("*.json")):
            try:
                fold = FoldResult.model_validate_json(path.read_bytes())
            except ValidationError:
                warnings.warn(f"damaged fold {path.name}: it will be computed again", stacklevel=2)
                continue
            found[fold.subject] = fold
        return found

    def discard_folds(self, run: str) -> None:
        """Delete the stored folds of a run, after its record is written or before it is run again."""
        shutil.rmtree(self._partial(run), ignore_errors=True)
        parent = self.folder / ".partial"
        if parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()


def _trace(key: RunKey) -> None:
    """Append the name of a run that is looked up to the file named by :data:`TRACE`."""
    file = os.environ.get(TRACE)
    if file:
        with Path(file).open("a", encoding="utf-8") as stream:
            stream.write(f"{key.name}\n")
