"""Digests of a recorded clip's frames, computed once and stored with each file's size and modification time."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from astsvm_lib.cache import Cache
from astsvm_lib.errors import CompanionError
from astsvm_lib.storage import digest, digest_file, write_atomically


def _memory(folder: Path) -> Path:
    """File that stores the digests of a folder's files."""
    name = digest(str(folder.resolve()))
    return Cache().root / "frame-digests" / name[:2] / f"{name}.json"


def _read(path: Path) -> dict[str, list[object]]:
    """Size, modification time and digest by file name; empty if the file is missing or unreadable."""
    try:
        known = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def hash_files(files: Sequence[Path], where: str) -> str:
    """Digest of the names and contents of frame files; independent of their location.

    A file is read again only if its size or modification time has changed.

    Parameters
    ----------
    files
        Files of one folder, in order.
    where
        Name of the clip in error messages.

    Raises
    ------
    CompanionError
        If a file cannot be read.
    """
    memory = _memory(files[0].parent)
    known = _read(memory)
    fresh: dict[str, list[object]] = {}
    total = hashlib.sha256()
    for path in files:
        try:
            about = path.stat()
            entry = known.get(path.name)
            if not entry or entry[:2] != [about.st_size, about.st_mtime_ns]:
                entry = [about.st_size, about.st_mtime_ns, digest_file(path)[:32]]
        except OSError as error:
            raise CompanionError(
                f"{where}: frame {path.name} cannot be read ({error.strerror}); unpack it again"
            ) from None
        fresh[path.name] = entry
        total.update(f"{path.name}|{entry[2]}|".encode())
    if any(known.get(name) != entry for name, entry in fresh.items()):
        write_atomically(memory, json.dumps({**known, **fresh}, separators=(",", ":")).encode())
    return total.hexdigest()[:16]
