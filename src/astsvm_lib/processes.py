"""Work in processes of their own, results as they come; and no chatter while a backend starts."""

from __future__ import annotations

import multiprocessing
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from typing import Any, TypeVar

from tqdm import tqdm

Result = TypeVar("Result")

#: What TensorFlow's C++ core and the notebook kernel say whenever they start. No setting silences it.
CHATTER = re.compile(
    r"WARNING: All log messages before absl|I0000 |To enable the following instructions|"
    r"\[IPKernelApp\] (WARNING \| Kernel is running over TCP|ERROR \| KeyboardInterrupt caught in kernel)"
)

#: Variables for processes of which there are as many as cores: libraries start no threads of their own.
ONE_THREAD = {"OPENCV_FOR_THREADS_NUM": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@contextmanager
def without_chatter() -> Iterator[None]:
    """Hold back what is written to the error stream, then pass it on without :data:`CHATTER`."""
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
                if not CHATTER.match(line):
                    os.write(2, line.encode())


def _set_environment(values: dict[str, str]) -> None:
    os.environ.update(values)


def run_each(
    function: Callable[..., Result],
    arguments: Iterable[tuple[Any, ...]],
    jobs: int,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Result]:
    """``function(*a)`` for each tuple of arguments, ``jobs`` at once; results in order of completion.

    Parameters
    ----------
    function, arguments
        Picklable. Processes start fresh ("spawn"), so that no backend is imported before its
        environment is set.
    jobs
        Number of processes, each of which takes many items one after the other.
    environment
        Variables set in each process before anything else.

    Raises
    ------
    Exception
        The first one that an item raises; items that have not begun are dropped.
    """
    pool = ProcessPoolExecutor(
        jobs, multiprocessing.get_context("spawn"), initializer=_set_environment, initargs=(dict(environment or {}),)
    )
    try:
        waiting = [pool.submit(function, *a) for a in arguments]
        for future in as_completed(waiting):
            yield future.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _numbered(number: int, function: Callable[..., Result], arguments: tuple[Any, ...]) -> tuple[int, Result]:
    return number, function(*arguments)


def each(
    function: Callable[..., Result], work: Sequence[tuple[Any, ...]], jobs: int, title: str, progress: bool = True
) -> Iterator[Result]:
    """``function(*a)`` for each tuple of arguments, results in the order of the work, with a bar.

    Parameters
    ----------
    jobs
        With 1 all is done here; with more, in that many processes of one thread each.
    title
        What the bar says.
    progress
        Show it.
    """
    with tqdm(total=len(work), desc=title, disable=None if progress else True, leave=False) as bar:
        if jobs == 1:
            for arguments in work:
                yield function(*arguments)
                bar.update()
            return
        early: dict[int, Result] = {}
        following = 0
        numbered = [(number, function, arguments) for number, arguments in enumerate(work)]
        for number, result in run_each(_numbered, numbered, jobs, ONE_THREAD):
            bar.update()
            early[number] = result
            while following in early:
                yield early.pop(following)
                following += 1
