"""Declared data sets: a table of clips, and their frames when somebody asks for them."""

from astsvm_lib.datasets.clip import Clip, Dataset
from astsvm_lib.datasets.manifest import Manifest, available, inspect, load, load_manifest

__all__ = ["Clip", "Dataset", "Manifest", "available", "inspect", "load", "load_manifest"]
