"""How long the runs that wait will take, from those that are done."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from astsvm_lib.experiments.run import Run


class TimeLeft:
    """Time by method and by work: a descriptor's second says nothing of a network's hour.

    Parameters
    ----------
    waiting
        All runs, none of them begun.
    clock
        Seconds, from any start.

    Notes
    -----
    The time since the last run ended is counted to the run that ends now. With several at once that is each
    one's share, so that the sum is still what has passed.
    """

    def __init__(self, waiting: Sequence[Run], clock: Callable[[], float] = time.monotonic):
        self._waiting = {run.name: run for run in waiting}
        self._clock = clock
        self._last = clock()
        self._seconds: dict[str, float] = defaultdict(float)
        self._work: dict[str, int] = defaultdict(int)

    def finished(self, run: Run) -> str:
        """Note that a run ended, and say in words how long the rest will take."""
        now = self._clock()
        del self._waiting[run.name]
        self._seconds[run.method.name] += now - self._last
        self._work[run.method.name] += run.weight
        self._last = now
        known = [other for other in self._waiting.values() if other.method.name in self._work]
        left = sum(other.weight * self._seconds[other.method.name] / self._work[other.method.name] for other in known)
        told = f"about {left / 60:.0f} min left" if known or not self._waiting else ""
        untimed = len(self._waiting) - len(known)
        if untimed:
            methods = dict.fromkeys(o.method.name for o in self._waiting.values() if o.method.name not in self._work)
            told += f"{' and ' if told else ''}{untimed} not yet timed ({', '.join(methods)})"
        return told
