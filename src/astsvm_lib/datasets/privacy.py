"""Which of the data sets in use may not be shown: their licences forbid it, so the figures ask here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astsvm_lib.datasets.manifest import Manifest

_IN_USE: dict[str, Manifest] = {}


def remember(manifest: Manifest) -> None:
    """A data set is in use in this process; from now on its licence holds for every figure."""
    _IN_USE[manifest.id] = manifest


def frames_forbidden() -> tuple[str, ...]:
    """Data sets in use in this process whose frames may not be shown, by identifier."""
    return tuple(sorted(name for name, manifest in _IN_USE.items() if not manifest.show.frames))
