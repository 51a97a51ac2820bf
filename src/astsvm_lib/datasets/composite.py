"""A union of data sets, such as MEGC2019: the clips of its parts, known by (data set, subject, clip)."""

from __future__ import annotations

import os
from pathlib import Path

from astsvm_lib.datasets.clip import Dataset
from astsvm_lib.datasets.manifest import Manifest, inspect, load_manifest


def unite(manifest: Manifest, root: Path | None, read_frames: bool) -> Dataset:
    """The union of a manifest's parts.

    Parameters
    ----------
    root
        A folder that holds all parts; by default that of the composite's own variable, else each part
        is looked for where its own variable says.

    Raises
    ------
    CompanionError
        If one of the parts is not there.
    """
    own = os.environ.get(manifest.root or "")
    place = root or (Path(own) if own else None)
    parts = [inspect(part, None if load_manifest(part).root is None else place, read_frames) for part in manifest.parts]
    rehearsal = any(part.manifest.rehearsal for part in parts)
    if rehearsal and not manifest.rehearsal:
        manifest = manifest.model_copy(update={"rehearsal": True, "title": f"{manifest.title}'s layout"})
    return Dataset(
        manifest,
        tuple(clip for part in parts for clip in part),
        tuple(clip for part in parts for clip in part.unscored),
        tuple(line for part in parts for line in part.deviations()),
        tuple(note for part in parts for note in part.notes),
    )
