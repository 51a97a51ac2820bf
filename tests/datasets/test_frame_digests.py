"""Frames are hashed once, all of them, and again only when a file has changed."""

import os
from pathlib import Path

import pytest

from astsvm_lib.datasets import frame_digests
from astsvm_lib.datasets.frame_digests import hash_files
from astsvm_lib.errors import CompanionError


@pytest.fixture
def frames(tmp_path: Path, monkeypatch) -> list[Path]:
    monkeypatch.setenv("ASTSVM_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "clip"
    folder.mkdir()
    files = [folder / f"img{i}.jpg" for i in range(4)]
    for i, file in enumerate(files):
        file.write_bytes(bytes([i]) * 100)
    return files


@pytest.fixture
def read(monkeypatch) -> list[str]:
    """Names of the files that are read from now on."""
    names = []
    read_bytes = Path.read_bytes

    def noting(self: Path) -> bytes:
        names.append(self.name)
        return read_bytes(self)

    monkeypatch.setattr(frame_digests.Path, "read_bytes", noting)
    return names


def test_a_change_of_any_frame_changes_the_digest(frames: list[Path]):
    before = hash_files(frames, "x")
    frames[2].write_bytes(b"z" * 100)  # of the same size, in the middle of the clip
    os.utime(frames[2], ns=(1, 1))
    assert hash_files(frames, "x") != before


def test_frames_are_read_once(frames: list[Path], read: list[str]):
    first = hash_files(frames, "x")
    assert {file.name for file in frames} <= set(read)
    read.clear()
    assert hash_files(frames, "x") == first
    assert not {file.name for file in frames} & set(read)
    frames[1].write_bytes(b"longer than before" * 100)
    read.clear()
    assert hash_files(frames, "x") != first
    assert {file.name for file in frames} & set(read) == {"img1.jpg"}


def test_the_digest_is_the_same_on_any_disk(frames: list[Path], tmp_path: Path):
    other = tmp_path / "elsewhere"
    other.mkdir()
    copies = [other / file.name for file in frames]
    for file, copy in zip(frames, copies, strict=True):
        copy.write_bytes(file.read_bytes())
    assert hash_files(copies, "x") == hash_files(frames, "x")


def test_a_damaged_memory_is_made_anew(frames: list[Path], tmp_path: Path):
    first = hash_files(frames, "x")
    (memory,) = (tmp_path / "cache" / "frame-digests").rglob("*.json")
    memory.write_text("{half")
    assert hash_files(frames, "x") == first


def test_a_frame_that_cannot_be_read_is_named(frames: list[Path]):
    frames[3].unlink()
    with pytest.raises(CompanionError, match=r"casme2/sub01/x: frame img3\.jpg cannot be read"):
        hash_files(frames, "casme2/sub01/x")
