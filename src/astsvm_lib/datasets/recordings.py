"""From a folder of frames to a clip: which file is the onset, and what stands in for its content."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from astsvm_lib.datasets.clip import Clip, Dataset
from astsvm_lib.datasets.images import read_image, stack_images
from astsvm_lib.datasets.manifest import Manifest
from astsvm_lib.datasets.marker import as_found
from astsvm_lib.datasets.tree import Visit
from astsvm_lib.errors import CompanionError


@dataclass(frozen=True)
class Span:
    """Files from onset to offset, both included.

    Attributes
    ----------
    files
        In order.
    renumbered
        True where the files are numbered otherwise than the annotation, but are exactly as many.
    """

    files: tuple[Path, ...]
    renumbered: bool = False


def frame_number(path: Path) -> int | None:
    """The last number in a file's name: 46 of ``reg_img46.jpg``, 5562 of ``006_05562.jpg``."""
    found = re.findall(r"\d+", path.stem)
    return int(found[-1]) if found else None


def _kind(path: Path) -> str:
    """A file's name without its number: two kinds in one folder are two recordings."""
    return re.sub(r"\d+\D*$", "", path.stem).lower()


def number_files(files: Sequence[Path], where: str) -> dict[int, Path]:
    """Frame number -> file.

    Raises
    ------
    CompanionError
        If two kinds of file lie in the folder, or two files have one number.
    """
    kinds = sorted({_kind(path) for path in files})
    if len(kinds) > 1:
        words = ", ".join(f"'{kind}...'" for kind in kinds[:3])
        raise CompanionError(f"{where}: expected frames of one kind in the folder, found {words}; keep one of them")
    numbered: dict[int, Path] = {}
    for path in files:
        number = frame_number(path)
        if number is None:
            raise CompanionError(f"{where}: expected a frame number in each file's name, found '{path.name}'")
        if number in numbered:
            raise CompanionError(
                f"{where}: expected one file a frame, found '{numbered[number].name}' and '{path.name}'; keep "
                "one of them"
            )
        numbered[number] = path
    return numbered


def _ranges(numbers: Sequence[int]) -> str:
    """Numbers in words, runs as ranges: ``3, 7-9``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    words = [str(a) if a == b else f"{a}-{b}" for a, b in runs]
    return ", ".join(words[:6]) + (", ..." if len(words) > 6 else "")


def find_span(numbered: dict[int, Path], onset: int, offset: int, where: str) -> Span:
    """The files from onset to offset, by number; or all, in order, where exactly as many are there.

    Raises
    ------
    CompanionError
        If frames are missing.
    """
    wanted = range(onset, offset + 1)
    missing = [number for number in wanted if number not in numbered]
    if not missing:
        return Span(tuple(numbered[number] for number in wanted))
    numbers = sorted(numbered)
    if len(numbers) == len(wanted) and numbers[-1] - numbers[0] == len(numbers) - 1:
        return Span(tuple(numbered[number] for number in numbers), renumbered=True)
    there = f"{numbers[0]} to {numbers[-1]}" if numbers else "no images at all"
    raise CompanionError(
        f"{where}: expected {len(wanted)} frames, {onset} to {offset}; the folder holds {there}, {len(missing)} are "
        f"missing ({_ranges(missing)}); unpack the clip again"
    )


def fingerprint(files: Sequence[Path], where: str) -> str:
    """Digest of the frames' names and sizes and of the whole first frame: quick, and the same on any disk.

    Raises
    ------
    CompanionError
        If a file cannot be read, or is empty.
    """
    total = hashlib.sha256()
    for path in files:
        try:
            size = path.stat().st_size
            first = path.read_bytes() if path == files[0] else b""
        except OSError as error:
            raise CompanionError(
                f"{where}: frame {path.name} cannot be read ({error.strerror}); unpack it again"
            ) from None
        if not size:
            raise CompanionError(f"{where}: frame {path.name} is empty; unpack it again")
        total.update(f"{path.name}|{size}|".encode() + first)
    return total.hexdigest()[:16]


def read_frames(files: Sequence[Path], where: str, chosen: Sequence[int] | None = None) -> np.ndarray:
    """Frames (T, H, W, 3) or (T, H, W) uint8 from their files: all, or those whose numbers are given.

    Raises
    ------
    CompanionError
        If one cannot be read, or they differ in size.
    """
    numbers = range(len(files)) if chosen is None else chosen
    frames = [read_image(files[i], f"{where}, {files[i].name}") for i in numbers]
    return stack_images(frames, where)


def make_clip(
    key: tuple[str, str, str], files: Sequence[Path], fps: float, apex: int | None, label: str, emotion: str, units: str
) -> Clip:
    """A clip whose frames lie in files.

    Parameters
    ----------
    key
        Data set, subject, name.
    apex
        Counted from the first file; None where it is not known.

    Raises
    ------
    CompanionError
        If a file is empty or cannot be read.
    """
    where = "/".join(key)
    return Clip(
        *key,
        label=label,
        fps=fps,
        onset=0,
        apex=apex,
        offset=len(files) - 1,
        fingerprint=fingerprint(files, where),
        load_frames=partial(read_frames, tuple(files), where),
        emotion=emotion,
        action_units=units,
    )


def _look_at_frames(clips: Sequence[Clip], manifest: Manifest, visit: Visit) -> None:
    """Read the first and last frame of each clip."""
    sizes = set()
    for clip in clips:
        try:
            ends = clip.load_frames([0, clip.offset])
        except CompanionError as error:
            visit.faults.append(str(error))
            continue
        sizes.add((ends.shape[2], ends.shape[1]))
    strange = sorted(sizes - {(manifest.width, manifest.height)})
    if strange:
        words = ", ".join(f"{w}x{h}" for w, h in strange[:4]) + (", ..." if len(strange) > 4 else "")
        visit.notes.append(
            f"{manifest.id}: frames are {words} pixels in some or all clips, as distributed they are "
            f"{manifest.width}x{manifest.height}"
        )


def as_dataset(
    manifest: Manifest,
    visit: Visit,
    subjects: Path,
    scored: Sequence[Clip],
    unscored: Sequence[Clip],
    read_frames: bool,
) -> Dataset:
    """What a visit has found; with ``read_frames``, the first and last frame of each scored clip is read."""
    if read_frames:
        _look_at_frames(scored, manifest, visit)
    found = as_found(manifest, subjects, visit.notes)
    return Dataset(found, tuple(scored), tuple(unscored), tuple(visit.faults), tuple(visit.notes))
