"""Trees of rendered clips in a real database's layout say so, in a file, and so does every result on them."""

from __future__ import annotations

from pathlib import Path

from astsvm_lib.datasets.manifest import Manifest

#: The file's name; it lies among the subjects' folders of such a tree.
MARKER = "REHEARSAL.txt"


def as_found(manifest: Manifest, subjects: Path, notes: list[str]) -> Manifest:
    """The manifest of the data with these subjects' folders: marked as rehearsal data where they are marked so."""
    if not (subjects / MARKER).exists():
        return manifest
    notes.insert(
        0, f"{manifest.id}: rendered faces in the layout of {manifest.title}, made to practise on: not the database"
    )
    changes = {
        "rehearsal": True,
        "title": f"{manifest.title}'s layout",
        "version": f"rendered, {manifest.version}",
        "licence": "CC0-1.0 (rendered by this project from CC0 assets)",
    }
    return manifest.model_copy(update=changes)
