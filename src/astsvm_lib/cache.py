"""Cache of computed arrays, keyed by everything that determines them."""

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

#: Exceptions that reading a damaged ``.npz`` file may raise.
DAMAGE = (OSError, ValueError, EOFError, KeyError, TypeError, NotImplementedError, RuntimeError, zipfile.BadZipFile)


class Cache:
    """Arrays on disk, stored under a key of all their inputs; see :func:`astsvm_lib.stages.cache_key`.

    Several processes may share the folder: entries are replaced atomically, and equal keys identify equal arrays.
    A damaged entry is computed again and replaced, with a warning.

    Parameters
    ----------
    root
        Folder of the cache. By default the value of ``ASTSVM_CACHE``, else the user's cache folder.
    """

    def __init__(self, root: Path | None = None) -> None:
        configured = os.environ.get("ASTSVM_CACHE")
        self.root = Path(root or configured or platformdirs.user_cache_dir("astsvm"))

    def path(self, kind: str, key: Any) -> Path:
        """Path of an entry, whether or not it exists.

        Parameters
        ----------
        kind
            Subfolder of the cache, such as ``"descriptors"``.
        key
            Value that can be serialised as JSON; see :func:`astsvm_lib.stages.cache_key`.
        """
        name = digest(key)
        return self.root / kind / name[:2] / f"{name}.npz"

    def get(self, kind: str, key: Any, make: Callable[[], Mapping[str, np.ndarray]]) -> Arrays:
        """Arrays of an entry; they are computed and stored if the entry is missing or damaged.

        Parameters
        ----------
        kind, key
            As for :meth:`path`.
        make
            Computes the arrays.

        Returns
        -------
        dict of str to numpy.ndarray
            Arrays by name.
        """
        path = self.path(kind, key)
        if path.exists():
            try:
                return read_arrays(path)
            except DAMAGE as error:
                warnings.warn(f"damaged cache entry {path.name} ({error}): computed again", stacklevel=2)
        arrays = dict(make())
        write_arrays(path, arrays)
        return arrays
