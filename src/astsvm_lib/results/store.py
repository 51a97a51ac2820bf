"""The folder of records, and the folds of a run that is not finished yet."""

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

#: Results that come with an installed wheel.
_PACKAGED = Path(__file__).parents[1] / "stored_results"
#: A file that receives the name of every run that is looked up, found or not: how the book's builder knows them.
TRACE = "ASTSVM_TRACE_RUNS"


def results_folder(given: Path | None = None) -> Path:
    """The folder of records to read.

    Parameters
    ----------
    given
        Folder named by the user; else that of ``ASTSVM_RESULTS``, else that of the project's configuration, else the
        results that come with an installed wheel.

    Raises
    ------
    CompanionError
        If nothing names a folder, or it does not exist.
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
    """Rows of ``runs.csv``, read once for as long as the file stays as it is."""
    return read_runs(path.read_text(encoding="utf-8"), str(path.name))


@lru_cache(maxsize=512)
def _record(folder: Path, values: tuple[str, ...]) -> Record:
    """The record of a row with these values, read once for as long as the row stays as it is."""
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
    """Records in a folder; by default the ones that the book shows.

    Parameters
    ----------
    folder
        Where records lie; see :func:`results_folder` for the default. Unfinished folds lie in ``.partial``
        below it.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._traced = folder is None
        self.folder = results_folder() if folder is None else Path(folder)

    # ------------------------------------------------------------ records

    def rows(self) -> dict[str, Row]:
        """Rows of ``runs.csv`` by run; none where nothing is stored.

        Raises
        ------
        CompanionError
            If the file is damaged.
        """
        path = self.folder / "runs.csv"
        if not path.is_file():
            return {}
        about = path.stat()
        return _rows(path, about.st_mtime_ns, about.st_size)

    def read(self, name: str) -> Record:
        """The record of a run by its name.

        Raises
        ------
        CompanionError
            If there is none, or its files are damaged.
        """
        rows = self.rows()
        if name not in rows:
            raise CompanionError(f"no run '{name}' in {self._shown}; astsvm results list names them")
        return _record(self.folder, tuple(rows[name].values()))

    def records(self) -> list[Record]:
        """All records, by name."""
        return [self.read(name) for name in sorted(self.rows())]

    def find(self, key: RunKey, data: str, outdated: bool = False) -> Record | None:
        """The record of exactly this run; None if there is none, or only an outdated or damaged one.

        Parameters
        ----------
        key
            Identifies the run.
        data
            Fingerprint of the data set: a record of other clips is not this run's.
        outdated
            Also return a record that was made by earlier versions of a stage: whoever shows it must say so
            (:attr:`Record.outdated`).
        """
        if self._traced:
            _trace(key)
        row = self.rows().get(key.name)
        if row is None or row["data"] != data:
            return None
        try:
            record = self.read(key.name)
        except CompanionError as error:
            warnings.warn(f"damaged record, left out: {error}", stacklevel=2)
            return None
        return record if outdated or not record.outdated else None

    def seeds(self, key: RunKey, data: str, outdated: bool = False) -> list[Record]:
        """Records of this run with any seed, by seed; see :meth:`find`."""
        seeds = sorted(
            int(row["seed"])
            for row in self.rows().values()
            if (row["dataset"], row["method"], row["profile"], row["choices"])
            == (key.dataset, key.method, key.profile, key.choices)
        )
        keys = [key.model_copy(update={"seed": seed}) for seed in seeds] or [key]
        return [record for each in keys if (record := self.find(each, data, outdated)) is not None]

    def write(self, record: Record) -> None:
        """Store a record; an older one of the same run is replaced.

        If nothing has changed but the time it took and the commit, the files are left as they are. The tables are
        written first, then the row that names their checksum, under a lock: whoever is killed in between leaves
        a row that does not fit its tables, which is reported, and its folds, from which the run goes on.
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
        """The folder as messages name it."""
        return "/".join(self.folder.resolve().parts[-2:])

    # ------------------------------------------------------------ folds of unfinished runs

    def _partial(self, run: str) -> Path:
        return self.folder / ".partial" / run

    def save_fold(self, run: str, fold: FoldResult) -> None:
        """Keep a finished fold of an unfinished run."""
        path = self._partial(run) / f"{digest(fold.subject)}.json"
        write_atomically(path, fold.model_dump_json().encode())

    def folds(self, run: str) -> dict[str, FoldResult]:
        """Finished folds of an unfinished run, by subject; damaged ones are left out, with a warning."""
        found = {}
        for path in sorted(self._partial(run).glob("*.json")):
            try:
                fold = FoldResult.model_validate_json(path.read_bytes())
            except ValidationError:
                warnings.warn(f"damaged fold {path.name}: run again", stacklevel=2)
                continue
            found[fold.subject] = fold
        return found

    def discard_folds(self, run: str) -> None:
        """Forget the folds of a run: its record is written, or it is to be run again."""
        shutil.rmtree(self._partial(run), ignore_errors=True)
        parent = self.folder / ".partial"
        if parent.is_dir() and not any(parent.iterdir()):
            parent.rmdir()


def _trace(key: RunKey) -> None:
    """Note a look-up for whoever asked to be told."""
    file = os.environ.get(TRACE)
    if file:
        with Path(file).open("a", encoding="utf-8") as stream:
            stream.write(f"{key.name}\n")
