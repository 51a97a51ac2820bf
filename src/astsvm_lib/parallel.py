"""Work in other processes, by joblib's loky; and a quiet error stream while a backend starts."""

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

#: What TensorFlow's C++ core and the notebook kernel print whenever they start. No setting silences it.
STARTUP_MESSAGES = re.compile(
    r"WARNING: All log messages before absl|I0000 |To enable the following instructions|"
    r"\[IPKernelApp\] (WARNING \| Kernel is running over TCP|ERROR \| KeyboardInterrupt caught in kernel)"
)

#: Environment of processes of which there are as many as cores: libraries start no threads of their own.
ONE_THREAD = {"OPENCV_FOR_THREADS_NUM": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Buffer the error stream, then pass it on without :data:`STARTUP_MESSAGES`."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            held.seek(0)
            for line in held.read().decode(errors="replace").splitlines(keepends=True):
                if not STARTUP_MESSAGES.match(line):
                    os.write(2, line.encode())


@contextmanager
def _pool(jobs: int, environment: Mapping[str, str] | None) -> Iterator[Callable[..., Future[Any]]]:
    """``submit(function, *arguments)`` to fresh processes; on an error, what has not begun is dropped."""
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
    """``function(*a)`` for each tuple of arguments, ``jobs`` at once; results in order of completion.

    Parameters
    ----------
    function, arguments
        Picklable. Processes start fresh, so that no backend is imported before its environment is set; a
        script that calls this needs no ``__main__`` guard.
    jobs
        Number of processes, each of which takes many items one after the other.
    environment
        Variables set in each process before anything is imported.

    Raises
    ------
    Exception
        The first one that an item raises; items that have not begun are dropped.
    """
    with _pool(jobs, environment) as submit:
        for future in as_completed([submit(function, *a) for a in arguments]):
            yield future.result()


def map_ordered(
    function: Callable[..., Result], work: Sequence[tuple[Any, ...]], jobs: int, title: str, progress: bool = True
) -> Iterator[Result]:
    """``function(*a)`` for each tuple of arguments, results in the order of the work, with a progress bar.

    Parameters
    ----------
    function, work
        Picklable where there are several jobs.
    jobs
        With 1 everything runs in this process; with more, in that many processes of one thread each.
    title
        Label of the progress bar.
    progress
        Whether to show it.

    Raises
    ------
    Exception
        The first one that an item raises; items that have not begun are dropped.
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
