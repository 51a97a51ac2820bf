"""Recorded clips from folders of frame files: selecting the files from onset to offset, checking and reading them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from astsvm_lib.datasets.clip import Clip, Dataset
from astsvm_lib.datasets.frame_digests import hash_files
from astsvm_lib.datasets.images import read_image, stack_images
from astsvm_lib.datasets.manifest import Manifest
from astsvm_lib.datasets.marker import as_found
from astsvm_lib.datasets.tree import Scan
from astsvm_lib.errors import CompanionError


@dataclass(frozen=True)
class Span:
    """Files from onset to offset, both included.

    Attributes
    ----------
    files
        Frame files in order.
    renumbered
        True if the files have other numbers than the annotation, but the same number of frames.
    """

    files: tuple[Path, ...]
    renumbered: bool = False


def frame_number(path: Path) -> int | None:
    """The last number in a file's name: 46 of ``reg_img46.jpg``, 5562 of ``006_05562.jpg``."""
    found = re.findall(r"\d+", path.stem)
    return int(found[-1]) if found else None


def _kind(path: Path) -> str:
    """A file's name without its number: different kinds in one folder are different recordings."""
    return re.sub(r"\d+\D*$", "", path.stem).lower()


def number_files(files: Sequence[Path], where: str) -> dict[int, Path]:
    """Frame number -> file.

    Parameters
    ----------
    files
        Frame files of one folder.
    where
        Name of the clip in error messages.

    Raises
    ------
    CompanionError
        If the folder contains different kinds of files, a file has no number, or two files have the same number.
    """
    kinds = sorted({_kind(path) for path in files})
    if len(kinds) > 1:
        listed = ", ".join(f"'{kind}...'" for kind in kinds[:3])
        raise CompanionError(f"{where}: expected frames of one kind in the folder, found {listed}; keep one of them")
    numbered: dict[int, Path] = {}
    for path in files:
        number = frame_number(path)
        if number is None:
            raise CompanionError(f"{where}: expected a frame number in each file's name, found '{path.name}'")
        if number in numbered:
            raise CompanionError(
                f"{where}: expected one file per frame, found '{numbered[number].name}' and '{path.name}'; keep "
                "one of them"
            )
        numbered[number] = path
    return numbered


def _ranges(numbers: Sequence[int]) -> str:
    """Numbers as text, with consecutive ones as ranges: ``3, 7-9``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    ranges = [str(a) if a == b else f"{a}-{b}" for a, b in runs]
    return ", ".join(ranges[:6]) + (", ..." if len(ranges) > 6 else "")


def find_span(numbered: dict[int, Path], onset: int, offset: int, where: str) -> Span:
    """The files from onset to offset by number; or all files in order, if they have other numbers but the same count.

    Parameters
    ----------
    numbered
        Frame number -> file; see :func:`number_files`.
    onset, offset
        Frame numbers in the annotation, both included.
    where
        Name of the clip in error messages.

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
    there = f"{numbers[0]} to {numbers[-1]}" if numbers else "no images"
    raise CompanionError(
        f"{where}: expected {len(wanted)} frames, {onset} to {offset}; the folder contains {there}, {len(missing)} "
        f"are missing ({_ranges(missing)}); unpack the clip again"
    )


def check_files(files: Sequence[Path], where: str) -> None:
    """Check that frame files exist and are not empty, without reading them.

    Parameters
    ----------
    files
        Frame files of a clip.
    where
        Name of the clip in error messages.

    Raises
    ------
    CompanionError
        If a file cannot be accessed or is empty.
    """
    for path in files:
        try:
            size = path.stat().st_size
        except OSError as error:
            raise CompanionError(
                f"{where}: frame {path.name} cannot be read ({error.strerror}); unpack it again"
            ) from None
        if not size:
            raise CompanionError(f"{where}: frame {path.name} is empty; unpack it again")


def read_frames(files: Sequence[Path], where: str, chosen: Sequence[int] | None = None) -> np.ndarray:
    """Frames of a clip, (T, H, W, 3) or (T, H, W) uint8.

    Parameters
    ----------
    files
        Frame files, the onset first.
    where
        Name of the clip in error messages.
    chosen
        Numbers of the frames to read, the onset being 0; all by default.

    Raises
    ------
    CompanionError
        If a file cannot be read, or the frames differ in size or type.
    """
    numbers = range(len(files)) if chosen is None else chosen
    frames = [read_image(files[i], f"{where}, {files[i].name}") for i in numbers]
    return stack_images(frames, where)


def make_clip(
    key: tuple[str, str, str], files: Sequence[Path], fps: float, apex: int | None, label: str, emotion: str, units: str
) -> Clip:
    """A recorded clip.

    Parameters
    ----------
    key
        Data set, subject, name.
    files
        Frame files from onset to offset.
    fps
        Frames per second.
    apex
        Frame number of the apex, the first file being 0; None if unknown.
    label, emotion
        Class, and emotion as coded.
    units
        FACS coding, such as ``"4+7"``; empty if there is none.

    Raises
    ------
    CompanionError
        If a file is empty or cannot be accessed.
    """
    where = "/".join(key)
    check_files(files, where)
    return Clip(
        *key,
        label=label,
        fps=fps,
        onset=0,
        apex=apex,
        offset=len(files) - 1,
        hash_frames=partial(hash_files, tuple(files), where),
        load_frames=partial(read_frames, tuple(files), where),
        emotion=emotion,
        action_units=units,
    )


def _check_frames(clips: Sequence[Clip], manifest: Manifest, scan: Scan) -> None:
    """Read the first and the last frame of each clip; add errors, and a note on unexpected frame sizes."""
    sizes = set()
    for clip in clips:
        try:
            ends = clip.load_frames([0, clip.offset])
        except CompanionError as error:
            scan.errors.append(str(error))
            continue
        sizes.add((ends.shape[2], ends.shape[1]))
    unexpected = sorted(sizes - {(manifest.width, manifest.height)})
    if unexpected:
        listed = ", ".join(f"{w}x{h}" for w, h in unexpected[:4]) + (", ..." if len(unexpected) > 4 else "")
        scan.notes.append(
            f"{manifest.id}: expected frames of {manifest.width}x{manifest.height} pixels, as distributed; found "
            f"{listed} in some or all clips"
        )


def as_dataset(
    manifest: Manifest,
    scan: Scan,
    subjects: Path,
    scored: Sequence[Clip],
    unscored: Sequence[Clip],
    read_frames: bool,
) -> Dataset:
    """The data set found by a scan.

    Parameters
    ----------
    manifest
        Declaration of the database.
    scan
        Scan of its folders, with errors and notes.
    subjects
        Folder that contains the subjects' folders.
    scored, unscored
        Clips of the experiment, and other clips.
    read_frames
        Also read the first and the last frame of each scored clip.
    """
    if read_frames:
        _check_frames(scored, manifest, scan)
    found = as_found(manifest, subjects, scan.notes)
    return Dataset(found, tuple(scored), tuple(unscored), tuple(scan.errors), tuple(scan.notes))
