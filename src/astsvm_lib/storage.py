"""Atomic writing of files, and digests."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and without whitespace, so that equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(value: Any) -> str:
    """First 16 hexadecimal digits of the SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def digest_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """First 16 hexadecimal digits of the SHA-256 of named arrays: names, shapes, dtypes and values."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        total.update(array.tobytes())
    return total.hexdigest()[:16]


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file atomically: even if the process is killed, a reader sees either the old or the complete new file.

    Parameters
    ----------
    path
        File to write. Missing parent folders are created.
    data
        Content of the file.
    """
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
    """Write named arrays atomically to one ``.npz`` file.

    Parameters
    ----------
    path
        File to write. Missing parent folders are created.
    arrays
        Arrays by name.
    """
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    write_atomically(path, buffer.getvalue())


def read_arrays(path: Path) -> Arrays:
    """Arrays by name from a file of :func:`write_arrays`; the checksum of each member is verified."""
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
