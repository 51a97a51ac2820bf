"""Marker file of rendered clips in a real database's layout, so that every result on them is marked as well."""

from __future__ import annotations

from pathlib import Path

from astsvm_lib.datasets.manifest import Manifest

#: Name of the file, which is stored beside the subjects' folders.
MARKER = "REHEARSAL.txt"


def as_found(manifest: Manifest, subjects: Path, notes: list[str]) -> Manifest:
    """The manifest of the data found; marked as rehearsal data if the marker file exists.

    Parameters
    ----------
    manifest
        Declaration of the database.
    subjects
        Folder that contains the subjects' folders.
    notes
        List to which a note is prepended for rehearsal data.
    """
    if not (subjects / MARKER).exists():
        return manifest
    notes.insert(
        0, f"{manifest.id}: rendered faces in the layout of {manifest.title}, for rehearsal; not the database itself"
    )
    changes = {
        "rehearsal": True,
        "title": f"{manifest.title}'s layout",
        "version": f"rendered, {manifest.version}",
        "licence": "CC0-1.0 (rendered by this project from CC0 assets)",
    }
    return manifest.model_copy(update=changes)
