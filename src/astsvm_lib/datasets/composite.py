"""Composite data sets, such as MEGC2019: the union of the clips of several data sets."""

from __future__ import annotations

import os
from pathlib import Path

from astsvm_lib.datasets.clip import Dataset
from astsvm_lib.datasets.loading import inspect
from astsvm_lib.datasets.manifest import Manifest, load_manifest


def unite(manifest: Manifest, root: Path | None, read_frames: bool) -> Dataset:
    """Union of the parts of a composite data set.

    Parameters
    ----------
    manifest
        Declaration of the composite.
    root
        Folder with all parts; by default the folder in the composite's environment variable. If that is not set,
        each part is searched for in the folder of its own variable.
    read_frames
        Also read the first and the last frame of each scored clip.

    Raises
    ------
    CompanionError
        If a part is not found.
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
