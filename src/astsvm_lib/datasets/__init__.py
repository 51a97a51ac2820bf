"""Declared data sets: a table of clips, whose frames are loaded on demand."""

from astsvm_lib.datasets.clip import Clip, Dataset
from astsvm_lib.datasets.loading import inspect, load, load_several
from astsvm_lib.datasets.manifest import Manifest, available, load_manifest

__all__ = ["Clip", "Dataset", "Manifest", "available", "inspect", "load", "load_manifest", "load_several"]
