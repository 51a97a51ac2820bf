"""Files that are written whole or not at all, digests, and the cache built on both."""

from __future__ import annotations

import ast
import hashlib
import io
import json
import os
import tempfile
import threading
import warnings
import zipfile
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

Arrays = dict[str, np.ndarray]


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(value: Any) -> str:
    """First 16 hexadecimal digits of the SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def digest_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """First 16 hexadecimal digits of the SHA-256 of named arrays: names, shapes, types, values."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        total.update(array.tobytes())
    return total.hexdigest()[:16]


#: Python 3.11 counts how deep its parser is for all threads together, and fails when two parse at once (gh-106905).
_PARSING = threading.Lock()


def _structure(node: Any) -> str:
    """A syntax tree as text that is the same in every Python: no docstrings, positions, or fields that are empty.

    :func:`ast.dump` will not do: each Python adds fields that are empty, or leaves them out.
    """
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return "docstring"
    if isinstance(node, ast.Constant):
        return ascii(node.value)
    if isinstance(node, ast.JoinedStr):  # Python 3.12 has empty text after a width
        node = [part for part in node.values if not (isinstance(part, ast.Constant) and part.value == "")]
    if isinstance(node, list):
        return f"[{','.join(map(_structure, node))}]"
    if not isinstance(node, ast.AST):
        return ascii(node)
    fields = [f"{name}={_structure(value)}" for name, value in ast.iter_fields(node) if value not in (None, [])]
    return f"{type(node).__name__}({','.join(fields)})"


@lru_cache
def code_digest(*packages: str) -> str:
    """Digest of what packages of this library compute: code and assets, not comments or docstrings.

    Every supported Python gives the same, so that landmarks and records can travel between machines.

    Parameters
    ----------
    packages
        Names below ``astsvm_lib``, such as ``"preprocessing"``.
    """
    total = hashlib.sha256()
    here = Path(__file__).parent
    for package in packages:
        base = here / package.replace(".", "/")
        files = sorted(base.rglob("*.py")) if base.is_dir() else [base.with_suffix(".py")]
        for file in files:
            with _PARSING:
                tree = ast.parse(file.read_bytes())
            total.update(file.relative_to(here).as_posix().encode())
            total.update(_structure(tree).encode())
        for asset in sorted(base.glob("assets/*")):
            total.update(asset.name.encode())
            total.update(asset.read_bytes())
    return total.hexdigest()[:16]


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that a reader, or a killed run, sees the old file or the whole new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write named arrays as one ``.npz``, whole or not at all."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    write_atomically(path, buffer.getvalue())


def read_arrays(path: Path) -> Arrays:
    """Read what :func:`write_arrays` wrote; every member's checksum is verified on the way."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


class Cache:
    """Arrays on disk, by a key that says what they were made from.

    Two processes may share the folder: entries are replaced atomically, and the same key always
    stands for the same arrays. A damaged entry is reported, made again and replaced.

    Parameters
    ----------
    root
        Folder. By default ``ASTSVM_CACHE``, else the user's cache folder.
    """

    def __init__(self, root: Path | None = None) -> None:
        configured = os.environ.get("ASTSVM_CACHE")
        self.root = Path(root or configured or platformdirs.user_cache_dir("astsvm"))

    def path(self, room: str, key: Any) -> Path:
        """Where the entry for ``key`` lies, whether or not it exists."""
        name = digest(key)
        return self.root / room / name[:2] / f"{name}.npz"

    def get(self, room: str, key: Any, make: Callable[[], Mapping[str, np.ndarray]]) -> Arrays:
        """The arrays stored under ``key``; if there are none, or they are damaged, make them."""
        path = self.path(room, key)
        if path.exists():
            try:
                return read_arrays(path)
            except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
                warnings.warn(f"damaged cache entry {path.name} ({error}): made again", stacklevel=2)
        arrays = dict(make())
        write_arrays(path, arrays)
        return arrays
