"""Executors, which compute the folds of a run: in this process, in several processes, or on a Dask cluster."""

from __future__ import annotations

import os
import tempfile
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.loso import Fold
from astsvm_lib.experiments.fold import Task, run_folds
from astsvm_lib.experiments.run import Run
from astsvm_lib.methods.method import OnEpoch
from astsvm_lib.parallel import map_unordered
from astsvm_lib.results.provenance import current_environment
from astsvm_lib.results.record import FinishedFold
from astsvm_lib.storage import Arrays

if TYPE_CHECKING:
    from distributed import Client

#: How often a fold is restarted if its worker is lost, which is common for machines in a job queue.
TRIES = 10
#: A worker has one network, so that it trains one fold at a time.
_ONE_AT_A_TIME = threading.Lock()


class Executor(ABC):
    """Computes the folds of a run.

    Attributes
    ----------
    counts_epochs
        Whether ``on_epoch`` is called after each epoch; otherwise, progress is reported per fold.
    """

    counts_epochs = False

    @abstractmethod
    def run(
        self, run: Run, task: Task, folds: Sequence[Fold], extract: Callable[[], Arrays], on_epoch: OnEpoch
    ) -> Iterator[FinishedFold]:
        """Compute folds.

        Parameters
        ----------
        run
            The run.
        task
            What the folds of the run have in common.
        folds
            Folds to compute.
        extract
            Returns the arrays of the method; called only if they are needed in this process.
        on_epoch
            Called after each epoch of each fold, if :attr:`counts_epochs`.

        Yields
        ------
        FinishedFold
            Each fold once, in any order.
        """


class SerialExecutor(Executor):
    """Computes the folds in this process, one after the other, or several together if the trainer supports it."""

    counts_epochs = True

    def run(
        self, run: Run, task: Task, folds: Sequence[Fold], extract: Callable[[], Arrays], on_epoch: OnEpoch
    ) -> Iterator[FinishedFold]:
        environment = current_environment(task.method.uses_network)
        for result in run_folds(folds, extract(), task, on_epoch):
            yield FinishedFold(result=result, environment=environment)


@lru_cache(maxsize=1)
def _shared_arrays(folder: Path) -> Arrays:
    """Arrays in a folder of ``.npy`` files, memory-mapped."""
    return {path.stem: np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))}


def _run_one(fold: Fold, arrays: Arrays, task: Task) -> FinishedFold:
    (result,) = run_folds([fold], arrays, task)
    return FinishedFold(result=result, environment=current_environment(task.method.uses_network))


def _run_shared(fold: Fold, folder: Path, task: Task) -> FinishedFold:
    return _run_one(fold, _shared_arrays(folder), task)


class ProcessExecutor(Executor):
    """Computes folds in several processes on this machine.

    Parameters
    ----------
    jobs
        Number of processes. The cores of the machine are divided among them. The arrays of all clips are
        memory-mapped; each process copies the training clips of its fold.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def run(
        self, run: Run, task: Task, folds: Sequence[Fold], extract: Callable[[], Arrays], on_epoch: OnEpoch
    ) -> Iterator[FinishedFold]:
        threads = str(max(1, (os.cpu_count() or 1) // self.jobs))
        environment = {
            "TF_NUM_INTRAOP_THREADS": threads,
            "OMP_NUM_THREADS": threads,
            "NUMBA_NUM_THREADS": threads,
            "KERAS_BACKEND": os.environ.get("KERAS_BACKEND", "tensorflow"),
        }
        with tempfile.TemporaryDirectory(prefix="astsvm-") as folder:
            for name, array in extract().items():
                np.save(Path(folder) / f"{name}.npy", array)
            work = [(fold, Path(folder), task) for fold in folds]
            yield from map_unordered(_run_shared, work, min(self.jobs, max(1, len(work))), environment)


_EXTRACTED: dict[tuple[str, str], Arrays] = {}


def _run_on_worker(run: Run, task: Task, fold: Fold) -> FinishedFold:
    """Compute one fold on a worker, which prepares the clips itself or reads them from its cache."""
    with _ONE_AT_A_TIME:
        key = run.name, run.data
        if key not in _EXTRACTED:  # only the arrays of one run are kept in memory
            _EXTRACTED.clear()
            _EXTRACTED[key] = run.inputs(Cache(), 1, False)
        return _run_one(fold, _EXTRACTED[key], task)


class DaskExecutor(Executor):
    """Computes folds on the workers of a Dask cluster; a fold whose worker is lost is assigned to another worker.

    Parameters
    ----------
    client
        See :func:`connected`.
    """

    def __init__(self, client: Client) -> None:
        self.client = client

    def run(
        self, run: Run, task: Task, folds: Sequence[Fold], extract: Callable[[], Arrays], on_epoch: OnEpoch
    ) -> Iterator[FinishedFold]:
        from distributed import as_completed

        versions = "-".join(map(str, run.stages.values()))
        waiting: list[Any] = [
            self.client.submit(
                _run_on_worker, run, task, fold, key=f"{run.name}-{run.epochs}-{versions}-{fold.name}", retries=1
            )
            for fold in folds
        ]
        try:
            for future in as_completed(waiting):
                yield future.result()
        finally:
            self.client.cancel(waiting)


@contextmanager
def connected(address: str, workers: int) -> Iterator[Client]:
    """Connect to a Dask scheduler.

    Parameters
    ----------
    address
        Address of the scheduler, such as ``tcp://host:8786``; ``"local"`` starts a cluster on this machine.
    workers
        Number of workers of a local cluster.

    Yields
    ------
    distributed.Client
        Client that is closed on exit.

    Raises
    ------
    CompanionError
        If Dask is not installed, or no scheduler answers at the address.
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
                "start one with: dask scheduler; or use: --scheduler local"
            ) from None
        with client:
            yield client


def select_executor(run: Run, task: Task, jobs: int, client: Client | None = None) -> Executor:
    """Select the executor for a run.

    Parameters
    ----------
    run
        The run.
    task
        What the folds of the run have in common.
    jobs
        Number of folds computed in parallel.
    client
        Client of a Dask cluster.

    Returns
    -------
    Executor
        :class:`DaskExecutor` if there is a client; :class:`SerialExecutor` for one job, or if the method trains
        several folds together on a GPU; otherwise :class:`ProcessExecutor`.
    """
    if client is not None:
        return DaskExecutor(client)
    if jobs == 1 or run.method.trains_in_batches(task.config):
        return SerialExecutor()
    return ProcessExecutor(jobs)
