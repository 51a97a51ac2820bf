"""The folder of records, and the folds of a run that is not finished yet."""

from __future__ import annotations

import shutil
import warnings
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from pydantic import ValidationError

from astsvm_lib.errors import CompanionError
from astsvm_lib.experiments.record import FoldResult, Record
from astsvm_lib.experiments.run import Run
from astsvm_lib.storage import digest, write_atomically

COMMITTED = Path(__file__).parents[3] / "book" / "results"


@lru_cache(maxsize=256)
def _read(path: Path, changed: int, size: int) -> Record:
    """A record, read once for as long as its file stays as it is: tables ask for the same ones over and over."""
    return Record.read(path)


class Store:
    """Records in a folder; by default the ones that the book shows.

    Parameters
    ----------
    folder
        Where records lie, one JSON file each. Unfinished folds lie in ``.partial`` below it.
    """

    def __init__(self, folder: Path = COMMITTED) -> None:
        self.folder = Path(folder)

    def records(self) -> list[Record]:
        """All records, by name."""
        return [Record.read(path) for path in sorted(self.folder.glob("*.json"))]

    def find(self, run: Run) -> Record | None:
        """The record of exactly this run, or None."""
        path = self.folder / f"{run.name}.json"
        if not path.exists():
            return None
        about = path.stat()
        record = _read(path, about.st_mtime_ns, about.st_size)
        return record if (record.choices_digest, record.data_digest) == (run.choices, run.dataset.fingerprint) else None

    def is_current(self, run: Run) -> bool:
        """Whether there is a record of this run, made by the code as it is now."""
        record = self.find(run)
        return record is not None and record.code_digest == run.code

    def seeds(self, run: Run) -> list[Record]:
        """Records of this run with any seed, by seed."""
        paths = self.folder.glob(f"{run.dataset.id}_{run.method.name}_{run.profile.name}_seed*_{run.choices}.json")
        found = [self.find(replace(run, seed=int(path.stem.split("_seed")[1].split("_")[0]))) for path in paths]
        return sorted((record for record in found if record is not None), key=lambda record: record.seed)

    def require(self, run: Run) -> Record:
        """The record of exactly this run.

        Raises
        ------
        CompanionError
            If there is none: the message gives the command that makes it.
        """
        record = self.find(run)
        if record is None:
            here = "/".join(self.folder.parts[-2:])
            about = (
                f"profile {run.profile.name}, seed {run.seed}, choices {run.choices}, data {run.dataset.fingerprint}"
            )
            raise CompanionError(
                f"no record of {run.dataset.id}, {run.method.title}, {about} in {here}; "
                f"make it with: {run.command} --out {here}"
            )
        return record

    def write(self, record: Record) -> Path:
        """Store a record; an older one of the same run is replaced."""
        return record.write(self.folder)

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
