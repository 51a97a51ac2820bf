"""SAMM (Davison et al. 2018): ``006/006_1_2/006_05562.jpg`` and a FACS coding sheet."""

from __future__ import annotations

from pathlib import Path

from astsvm_lib.datasets.clip import Dataset
from astsvm_lib.datasets.coded import Layout, inspect_coded
from astsvm_lib.datasets.manifest import Manifest

LAYOUT = Layout("samm", subject=lambda number: f"{number:03d}")


def inspect(manifest: Manifest, root: Path | None, read_frames: bool) -> Dataset:
    """SAMM as it is found in a folder; subjects are named as their folders are, ``006``.

    Raises
    ------
    CompanionError
        If there is nothing to look at.
    """
    return inspect_coded(manifest, root, read_frames, LAYOUT)
