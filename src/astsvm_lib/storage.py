"""Atomic writing of files, and digests."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import io
import json
import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray]

#: Age in seconds from which the temporary file of a write is that of a process that was killed.
LEFTOVER = 3600
_UMASK = os.umask(0)
os.umask(_UMASK)


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and without whitespace, so that equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def digest(value: Any) -> str:
    """First 16 hexadecimal digits of the SHA-256 of a value's canonical JSON."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def digest_file(path: Path) -> str:
    """SHA-256 of a file's content, as 64 hexadecimal digits."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


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

    Temporary files of earlier writes of the same file that were killed are removed.

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
        temporary.chmod(0o666 & ~_UMASK)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    for other in path.parent.glob(f".{glob.escape(path.name)}.*.part"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - other.stat().st_mtime > LEFTOVER:
                other.unlink()


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
