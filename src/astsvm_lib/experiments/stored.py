"""Look-up of the stored record of a run."""

from __future__ import annotations

from astsvm_lib.errors import CompanionError
from astsvm_lib.experiments.run import Run
from astsvm_lib.results.record import Record
from astsvm_lib.results.store import Store


def find_record(run: Run, store: Store | None = None, outdated: bool = False) -> Record | None:
    """The record of exactly this run; None if there is none.

    Parameters
    ----------
    run
        The run; see :func:`~astsvm_lib.experiments.run.plan`.
    store
        Stored records; by default the book's.
    outdated
        Whether to return a record that was made with other versions of a stage. Mark such a record as outdated
        wherever it is shown.
    """
    return (store or Store()).find(run.key, run.data, outdated)


def require_record(run: Run, store: Store | None = None) -> Record:
    """The record of exactly this run, made with the current versions of all stages.

    Parameters
    ----------
    run, store
        As for :func:`find_record`.

    Raises
    ------
    CompanionError
        If there is no record or only an outdated one; the message gives the command that computes the run.
    """
    store = store or Store()
    record = find_record(run, store)
    if record is None:
        here = "/".join(store.folder.resolve().parts[-2:])
        old = find_record(run, store, outdated=True)
        why = f"an outdated one ({'; '.join(old.outdated)})" if old else "none"
        raise CompanionError(
            f"expected a record of {run.dataset.id}, {run.method.title}, profile {run.profile.name}, seed {run.seed}, "
            f"choices {run.key.choices}, data {run.data} in {here}, found {why}; "
            f"make it with: {run.command} --out {here}"
        )
    return record
