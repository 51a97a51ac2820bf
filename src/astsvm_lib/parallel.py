"""Parallel work in separate processes (joblib's loky), and suppression of start-up messages on stderr."""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, as_completed
from contextlib import contextmanager
from typing import Any, TypeVar

from tqdm import tqdm

Result = TypeVar("Result")

#: Messages that TensorFlow's C++ core and the notebook kernel always print on start-up. No setting disables them.
STARTUP_MESSAGES = re.compile(
    r"WARNING: All log messages before absl|I0000 |To enable the following instructions|"
    r"\[IPKernelApp\] (WARNING \| Kernel is running over TCP|ERROR \| KeyboardInterrupt caught in kernel)"
)

#: Environment of worker processes, one per core: libraries start no threads of their own.
ONE_THREAD = {"OPENCV_FOR_THREADS_NUM": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def thread_count() -> int:
    """Number of threads that a fold is computed with in this process, as configured for TensorFlow."""
    configured = os.environ.get("TF_NUM_INTRAOP_THREADS", "0")
    return int(configured) if configured.isdigit() and int(configured) else os.cpu_count() or 1


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Buffer stderr inside the context; on exit, write it out without :data:`STARTUP_MESSAGES`."""
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as buffer:
        os.dup2(buffer.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            os.close(original)
            buffer.seek(0)
            for line in buffer.read().decode(errors="replace").splitlines(keepends=True):
                if not STARTUP_MESSAGES.match(line):
                    os.write(2, line.encode())


@contextmanager
def _pool(jobs: int, environment: Mapping[str, str] | None) -> Iterator[Callable[..., Future[Any]]]:
    """Yield ``submit(function, *arguments)`` for a pool of new processes; on an error, pending work is cancelled."""
    from joblib.externals.loky import ProcessPoolExecutor

    submitted: list[Future[Any]] = []
    pool = ProcessPoolExecutor(jobs, env=dict(environment or {}))

    def submit(function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        submitted.append(pool.submit(function, *arguments))
        return submitted[-1]

    try:
        yield submit
    finally:
        for future in submitted:
            future.cancel()
        pool.shutdown(wait=True)


def map_unordered(
    function: Callable[..., Result],
    arguments: Iterable[tuple[Any, ...]],
    jobs: int,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Result]:
    """Call ``function(*a)`` for each tuple of arguments, in several processes.

    Parameters
    ----------
    function, arguments
        Picklable. The processes are new (not forked), so that no backend is imported before its environment is set.
        A script that calls this function needs no ``__main__`` guard.
    jobs
        Number of processes. Each is reused for many items.
    environment
        Variables set in each process before any import.

    Yields
    ------
    object
        Results, in order of completion.

    Raises
    ------
    Exception
        The first exception raised by an item; pending items are cancelled.
    """
    with _pool(jobs, environment) as submit:
        for future in as_completed([submit(function, *a) for a in arguments]):
            yield future.result()


def map_ordered(
    function: Callable[..., Result], work: Sequence[tuple[Any, ...]], jobs: int, title: str, progress: bool = True
) -> Iterator[Result]:
    """Call ``function(*a)`` for each tuple of arguments, with a progress bar.

    Parameters
    ----------
    function, work
        The function and its tuples of arguments; picklable if ``jobs`` is greater than 1.
    jobs
        Number of processes, with one thread each. With 1, everything runs in the current process.
    title
        Label of the progress bar.
    progress
        Whether to show the progress bar.

    Yields
    ------
    object
        Results, in the order of ``work``.

    Raises
    ------
    Exception
        The first exception raised by an item; pending items are cancelled.
    """
    with tqdm(total=len(work), desc=title, disable=None if progress else True, leave=False) as bar:
        if jobs == 1:
            for arguments in work:
                yield function(*arguments)
                bar.update()
            return
        with _pool(jobs, ONE_THREAD) as submit:
            futures = [submit(function, *arguments) for arguments in work]
            for future in futures:
                future.add_done_callback(lambda _: bar.update())
            for future in futures:
                yield future.result()
