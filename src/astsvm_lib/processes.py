"""Work in processes of their own, results as they come."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

Result = TypeVar("Result")


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
