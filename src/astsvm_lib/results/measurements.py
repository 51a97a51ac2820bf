"""Measurements of chapters that take minutes: stored as JSON, and computed on the page if they are not current."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from astsvm_lib.errors import CompanionError
from astsvm_lib.results import provenance
from astsvm_lib.results.store import results_folder
from astsvm_lib.stages import stage_versions
from astsvm_lib.storage import canonical_json, write_atomically

T = TypeVar("T")

#: Environment variable that lets :func:`measured` store what it computes; set by ``astsvm chapter run --store``.
STORE = "ASTSVM_STORE_MEASUREMENTS"


def _plain(value: Any) -> Any:
    """A value as it is after writing and reading JSON."""
    return json.loads(canonical_json(value))


def measured(name: str, inputs: Mapping[str, Any], stages: Iterable[str], compute: Callable[[], T]) -> T:
    """A measurement, from the stored file if it was made with these inputs and stages; else computed.

    Parameters
    ----------
    name
        Name of the file in ``measurements/`` of the folder of results, without ending.
    inputs
        Everything that determines the value besides the code, such as the fingerprint of the data and the recipe;
        serialisable as JSON.
    stages
        Stages of the computation; if the version of one changes, the value is computed again.
    compute
        Computes the value, which must be serialisable as JSON.

    Returns
    -------
    Any
        The value, as read from JSON: tuples are lists, and keys are text.

    Raises
    ------
    CompanionError
        If the value is to be stored and cannot be serialised.
    """
    key = _plain({"inputs": inputs, "stages": stage_versions(stages)})
    path = results_folder() / "measurements" / f"{name}.json"
    if path.is_file():
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
        except ValueError:
            stored = {}
        if stored.get("key") == key:
            value: T = stored["value"]
            return value
    try:
        computed: T = _plain(compute())
    except TypeError as error:
        raise CompanionError(f"measurement {name}: expected a value for JSON, found one that is not: {error}") from None
    if os.environ.get(STORE):
        about = {"processor": provenance.processor(), "versions": provenance.library_versions()}
        text = json.dumps({"key": key, "value": computed, **about}, indent=1, sort_keys=True)
        write_atomically(path, f"{text}\n".encode())
    return computed
