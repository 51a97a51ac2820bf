"""Estimate of the remaining time from the runs that are finished."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from astsvm_lib.experiments.run import Run


class TimeLeft:
    """Remaining time of the waiting runs, estimated for each method in proportion to the amount of work.

    Parameters
    ----------
    waiting
        All runs, before the first is started.
    clock
        Function that returns the time in seconds.

    Notes
    -----
    A finished run is charged with the time since the previous run finished. If several runs are computed at once,
    the times therefore still add up to the elapsed time.
    """

    def __init__(self, waiting: Sequence[Run], clock: Callable[[], float] = time.monotonic):
        self._waiting = {run.name: run for run in waiting}
        self._clock = clock
        self._last = clock()
        self._seconds: dict[str, float] = defaultdict(float)
        self._work: dict[str, int] = defaultdict(int)

    def finished(self, run: Run) -> str:
        """Register a finished run, and return a description of the remaining time."""
        now = self._clock()
        del self._waiting[run.name]
        self._seconds[run.method.name] += now - self._last
        self._work[run.method.name] += run.weight
        self._last = now
        known = [other for other in self._waiting.values() if other.method.name in self._work]
        left = sum(other.weight * self._seconds[other.method.name] / self._work[other.method.name] for other in known)
        text = f"about {left / 60:.0f} min left" if known or not self._waiting else ""
        untimed = len(self._waiting) - len(known)
        if untimed:
            methods = dict.fromkeys(o.method.name for o in self._waiting.values() if o.method.name not in self._work)
            text += f"{' and ' if text else ''}{untimed} not yet timed ({', '.join(methods)})"
        return text
