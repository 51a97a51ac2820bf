"""Reading all stored runs, with and without the search for cyclic garbage.

python benchmarks/store.py
"""

from __future__ import annotations

from contextlib import nullcontext

from common import compare

from astsvm_lib.results import store


def main() -> None:
    count = len(store.Store().rows())
    pausing = store._without_collection

    def read() -> None:
        store._record.cache_clear()
        store.Store().records()

    def searching() -> None:
        store._without_collection = nullcontext  # type: ignore[assignment]
        read()
        store._without_collection = pausing

    compare({"garbage is searched while reading": searching, "search paused, as in the library": read}, count, "run", 3)


if __name__ == "__main__":
    main()
