"""The cache of computed arrays, keyed by everything that determines them."""

from __future__ import annotations

import os
import warnings
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from astsvm_lib.storage import Arrays, digest, read_arrays, write_arrays

#: What reading a damaged ``.npz`` file may raise.
DAMAGE = (OSError, ValueError, EOFError, KeyError, TypeError, NotImplementedError, RuntimeError, zipfile.BadZipFile)


class Cache:
    """Arrays on disk, by a key that says what they were made from; see :func:`astsvm_lib.stages.cache_key`.

    Two processes may share the folder: entries are replaced atomically, and the same key always
    stands for the same arrays. A damaged entry is reported, computed again and replaced.

    Parameters
    ----------
    root
        Folder. By default ``ASTSVM_CACHE``, else the user's cache folder.
    """

    def __init__(self, root: Path | None = None) -> None:
        configured = os.environ.get("ASTSVM_CACHE")
        self.root = Path(root or configured or platformdirs.user_cache_dir("astsvm"))

    def path(self, kind: str, key: Any) -> Path:
        """Path of the entry for ``key``, whether or not it exists; ``kind`` names the folder."""
        name = digest(key)
        return self.root / kind / name[:2] / f"{name}.npz"

    def get(self, kind: str, key: Any, make: Callable[[], Mapping[str, np.ndarray]]) -> Arrays:
        """The arrays stored under ``key``; if there are none, or they are damaged, those that ``make`` returns."""
        path = self.path(kind, key)
        if path.exists():
            try:
                return read_arrays(path)
            except DAMAGE as error:
                warnings.warn(f"damaged cache entry {path.name} ({error}): computed again", stacklevel=2)
        arrays = dict(make())
        write_arrays(path, arrays)
        return arrays
