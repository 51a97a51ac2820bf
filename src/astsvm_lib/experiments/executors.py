"""Where the folds of a run are computed: in this process, in several, or on a Dask cluster."""

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
from astsvm_lib.results import provenance
from astsvm_lib.results.record import FoldResult, Part
from astsvm_lib.storage import Arrays

if TYPE_CHECKING:
    from distributed import Client

#: How often a fold is tried again when the machine it is on goes away, as machines of a queue do.
TRIES = 10
#: A worker has one network, which one fold trains at a time.
_ONE_AT_A_TIME = threading.Lock()


class Place(Part):
    """Where a fold was computed."""

    device: str
    processor: str
    threads: int


Results = Iterator[tuple[FoldResult, Place]]


def this_place() -> Place:
    """Where the code runs now; imports the Keras backend."""
    return Place(device=provenance.device(), processor=provenance.processor(), threads=provenance.threads())


class Executor(ABC):
    """Computes folds; results come as they are ready, each fold once.

    Attributes
    ----------
    counts_epochs
        Whether ``on_epoch`` is called after each epoch; otherwise progress is known by folds alone.
    """

    counts_epochs = False

    @abstractmethod
    def run(
        self, run: Run, task: Task, folds: Sequence[Fold], extract: Callable[[], Arrays], on_epoch: OnEpoch
    ) -> Results:
        """Results of folds, in any order.

        Parameters
        ----------
        run, task
            What is run, and what its folds have in common.
        folds
            Those that are wanted.
        extract
            Gives the method's arrays, where they are needed in this process.
        on_epoch
            Called after each epoch of each fold, if :attr:`counts_epochs`.
        """


class SerialExecutor(Executor):
    """One fold after the other in this process, or in batches where the trainer takes many at once."""

    counts_epochs = True

    def run(
        self, run: Run, task: Task, folds: Sequence[Fold], extract: Callable[[], Arrays], on_epoch: OnEpoch
    ) -> Results:
        place = this_place()
        for result in run_folds(folds, extract(), task, on_epoch):
            yield result, place


@lru_cache(maxsize=1)
def _shared_arrays(folder: Path) -> Arrays:
    """Arrays left in a folder, mapped into memory rather than copied."""
    return {path.stem: np.load(path, mmap_mode="r") for path in sorted(folder.glob("*.npy"))}


def _run_shared(fold: Fold, folder: Path, task: Task) -> tuple[FoldResult, Place]:
    (result,) = run_folds([fold], _shared_arrays(folder), task)
    return result, this_place()


class ProcessExecutor(Executor):
    """Several folds at once on this machine, each in a process that takes one after the other.

    Parameters
    ----------
    jobs
        Number of processes. They share the machine's cores and map the arrays into memory once.
    """

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs

    def run(
        self, run: Run, task: Task, folds: Sequence[Fold], extract: Callable[[], Arrays], on_epoch: OnEpoch
    ) -> Results:
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


def _run_on_worker(run: Run, task: Task, fold: Fold) -> tuple[FoldResult, Place]:
    """One fold on a worker, which prepares the clips itself or finds them in its cache."""
    with _ONE_AT_A_TIME:
        key = run.name, run.dataset.fingerprint
        if key not in _EXTRACTED:  # the arrays of one run at a time
            _EXTRACTED.clear()
            _EXTRACTED[key] = run.method.extract(run.clips, run.recipe, run.settings, Cache(), 1, False)
        (result,) = run_folds([fold], _EXTRACTED[key], task)
        return result, this_place()


class DaskExecutor(Executor):
    """Folds on the workers of a Dask cluster; a fold whose worker goes away is given to another.

    Parameters
    ----------
    client
        See :func:`connected`.
    """

    def __init__(self, client: Client) -> None:
        self.client = client

    def run(
        self, run: Run, task: Task, folds: Sequence[Fold], extract: Callable[[], Arrays], on_epoch: OnEpoch
    ) -> Results:
        from distributed import as_completed

        versions = "-".join(map(str, run.stages.values()))
        waiting: list[Any] = [
            self.client.submit(
                _run_on_worker, run, task, fold, key=f"{run.name}-{run.epochs}-{versions}-{fold.subject}", retries=1
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
    """A client of the Dask scheduler at an address.

    Parameters
    ----------
    address
        Such as ``tcp://host:8786``; ``"local"`` starts a cluster on this machine.
    workers
        Of a local cluster.

    Raises
    ------
    CompanionError
        If Dask is not installed, or nothing answers at the address.
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


def select_executor(run: Run, task: Task, jobs: int, client: Client | None = None) -> Executor:
    """The executor for a run: the cluster's where there is a client, else by the number of jobs.

    With one job, or where a GPU trains many folds at once, folds are computed in this process.
    """
    if client is not None:
        return DaskExecutor(client)
    if jobs == 1 or run.method.trains_in_batches(task.config):
        return SerialExecutor()
    return ProcessExecutor(jobs)
