"""Register of the data sets in use, from which figures check whether the licences permit showing frames."""

from __future__ import annotations

from astsvm_lib.datasets.manifest import Manifest

_IN_USE: dict[str, Manifest] = {}


def remember(manifest: Manifest) -> None:
    """Register a data set as in use in this process; its licence then applies to every figure."""
    _IN_USE[manifest.id] = manifest


def frames_forbidden() -> tuple[str, ...]:
    """Identifiers of the data sets in use in this process whose frames may not be shown."""
    return tuple(sorted(name for name, manifest in _IN_USE.items() if not manifest.show.frames))


def flow_forbidden() -> tuple[str, ...]:
    """Identifiers of the data sets in use in this process of whose flow only averages over clips may be shown."""
    return tuple(sorted(name for name, manifest in _IN_USE.items() if not manifest.show.flow))
