"""Folds on many machines: a Dask cluster, through the address of its scheduler or one of this machine's cores."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.loso import Fold
from astsvm_lib.experiments import provenance
from astsvm_lib.experiments.fold import Task, run_fold
from astsvm_lib.experiments.record import FoldResult
from astsvm_lib.experiments.run import Run
from astsvm_lib.storage import Arrays, Cache

if TYPE_CHECKING:
    from distributed import Client

#: A worker has one network, which one fold trains at a time.
_ONE_AT_A_TIME = threading.Lock()
#: How often a fold is tried anew when the machine it is on goes away, as machines of a queue do.
TRIES = 10


@contextmanager
def connected(address: str, workers: int) -> Iterator[Client]:
    """A client of the scheduler at an address; ``"local"`` starts so many workers on this machine.

    Raises
    ------
    CompanionError
        If Dask is not installed, or nobody answers at the address.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError:
        raise CompanionError("a cluster needs Dask: pip install 'astsvm-lib[cluster]'") from None
    with dask.config.set({"distributed.scheduler.allowed-failures": TRIES}):
        if address == "local":
            with (
                LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as cluster,
                Client(cluster) as client,
            ):
                yield client
            return
        try:
            client = Client(address, timeout="20s")
        except (OSError, ValueError) as error:
            raise CompanionError(
                f"--scheduler: no Dask scheduler answers at '{address}' ({error}); "
                "start one with: dask scheduler; or say: local"
            ) from None
        with client:
            yield client


@lru_cache(maxsize=1)
def _arrays(name: str, data: str, holder: _Held) -> Arrays:
    run = holder.run
    return run.method.extract(run.profile.choose(run.dataset), run.recipe, run.settings, Cache(), 1, False)


class _Held:
    """A run as an argument that a cache does not look at: the name and the data beside it say which it is."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def __hash__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held)


def fold_there(run: Run, task: Task, fold: Fold) -> tuple[FoldResult, str]:
    """One fold on a worker, which prepares the clips itself or finds them in its cache; and its device."""
    with _ONE_AT_A_TIME:
        arrays = _arrays(run.name, run.dataset.fingerprint, _Held(run))
        return run_fold(fold, arrays, task), provenance.device()


def folds_on(client: Client, run: Run, task: Task, folds: Sequence[Fold]) -> Iterator[tuple[FoldResult, str]]:
    """Results as they come, each fold once, with the device of the worker that it ran on.

    A fold whose worker goes away is given to another.
    """
    from distributed import as_completed

    waiting: list[Any] = [
        client.submit(fold_there, run, task, fold, key=f"{run.name}-{run.code}-{fold.subject}", retries=1)
        for fold in folds
    ]
    try:
        for future in as_completed(waiting):
            yield future.result()
    finally:
        client.cancel(waiting)
