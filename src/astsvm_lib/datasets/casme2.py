"""CASME II (Yan et al. 2014): ``sub01/EP02_01f/img46.jpg`` and a coding sheet."""

from __future__ import annotations

from pathlib import Path

from astsvm_lib.datasets.clip import Dataset
from astsvm_lib.datasets.coded import Layout, inspect_coded
from astsvm_lib.datasets.manifest import Manifest

LAYOUT = Layout("casme2", subject=lambda number: f"sub{number:02d}")


def inspect(manifest: Manifest, root: Path | None, read_frames: bool) -> Dataset:
    """CASME II as it is found in a folder; subjects are named as their folders are, ``sub01``.

    Raises
    ------
    CompanionError
        If there is nothing to look at.
    """
    return inspect_coded(manifest, root, read_frames, LAYOUT)
