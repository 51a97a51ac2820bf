"""Loader of SMIC-HS (Li et al. 2013), which is defined by its folders: ``s01/micro/negative/s01_ne_01/``."""

from __future__ import annotations

import re
from pathlib import Path

from astsvm_lib.datasets.clip import Clip, Dataset
from astsvm_lib.datasets.manifest import Manifest
from astsvm_lib.datasets.recordings import as_dataset, make_clip, number_files
from astsvm_lib.datasets.sheet import Row, read_sheet
from astsvm_lib.datasets.tree import NAMES, Scan, enter
from astsvm_lib.errors import CompanionError

CLIP = re.compile(r"s(\d\d?)_(ne|po|sur)_(\d\d?)", re.I)
SHORT = {"ne": "negative", "po": "positive", "sur": "surprise"}
#: Folders of the other two cameras and of the extended recordings.
OTHER_CAMERAS = frozenset({"vis", "nir", "hs_long", "vis_long", "nir_long", "smic-hs-e"})


def _canonical(name: str) -> tuple[str, str, str] | None:
    """Subject, clip and class from a clip's name: s1_ne_1 -> s01, s01_ne_01, negative."""
    found = CLIP.fullmatch(name)
    if not found:
        return None
    subject, short = f"s{int(found[1]):02d}", found[2].lower()
    return subject, f"{subject}_{short}_{int(found[3]):02d}", SHORT[short]


def _clip(manifest: Manifest, scan: Scan, folder: Path, key: tuple[str, str, str], label: str) -> Clip:
    where = "/".join(key)
    numbered = number_files(scan.images(folder), where)
    numbers = sorted(numbered)
    if len(numbers) < 2:
        raise CompanionError(
            f"{where}: expected at least 2 frames in the folder, found {len(numbers)}; unpack it again"
        )
    gap = [n for n in range(numbers[0], numbers[-1]) if n not in numbered]
    if gap:
        raise CompanionError(
            f"{where}: expected frames without a gap from {numbers[0]} to {numbers[-1]}; {len(gap)} are missing, "
            f"the first is {gap[0]}; unpack the clip again"
        )
    files = [numbered[number] for number in numbers]
    return make_clip(key, files, float(manifest.fps or 0), None, label, label, "")


def _read_subject(manifest: Manifest, scan: Scan, folder: Path, clips: dict[str, Clip]) -> None:
    """Add the clips of one subject."""
    subject = f"s{int(folder.name[1:]):02d}"
    for kind in (f for f in scan.folders(folder) if f.name.lower() == "micro"):
        for emotion in scan.folders(kind):
            for place in scan.folders(emotion):
                names = _canonical(place.name)
                if names is None:
                    scan.notes.append(f"{scan.name(place)}: not the name of a clip; ignored")
                    continue
                key = (manifest.id, *names[:2])
                where = "/".join(key)
                if names[0] != subject:
                    scan.errors.append(f"{where}: expected clips of {subject} in {folder.name}, found '{place.name}'")
                elif names[2] != emotion.name.lower():
                    scan.errors.append(
                        f"{where}: expected the same class in path and name, found the folder "
                        f"'{emotion.name}' and '{place.name}'"
                    )
                elif where in clips:
                    scan.errors.append(f"{where}: expected one folder, found a second one: {scan.name(place)}")
                else:
                    try:
                        clips[where] = _clip(manifest, scan, place, key, names[2])
                    except CompanionError as error:
                        scan.errors.append(str(error))


def _compare(manifest: Manifest, scan: Scan, rows: list[Row], clips: dict[str, Clip]) -> None:
    """Check the sheet against the folders: different lengths are notes, missing clips are errors."""
    in_sheet = set()
    for row in rows:
        names = _canonical(row.text("clip"))
        if names is None:
            continue
        where = f"{manifest.id}/{names[0]}/{names[1]}"
        in_sheet.add(where)
        if where not in clips:
            if not any(error.startswith(f"{where}:") for error in scan.errors):
                scan.errors.append(
                    f"{where}: expected a folder for row {row.number} of the sheet, found none; unpack it again"
                )
            continue
        lengths = [offset - onset + 1 for onset, offset in row.pairs]
        if len(lengths) > 1:
            lengths.append(row.pairs[-1][1] - row.pairs[0][0] + 1)
        if lengths and clips[where].length not in lengths:
            listed = " or ".join(map(str, lengths))
            scan.notes.append(
                f"{where}: {listed} frames in the sheet, {clips[where].length} in the folder; the folder is used"
            )
    missing = [where for where in clips if where not in in_sheet]
    if missing:
        shown = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        scan.notes.append(
            f"{manifest.id}: the sheet has no row for {len(missing)} clips ({shown}); the folders are used"
        )


def inspect(manifest: Manifest, root: Path | None, read_frames: bool) -> Dataset:
    """SMIC-HS, as found in a folder, with errors and notes; subjects are ``s01``, clips ``s01_ne_01``.

    No apex is annotated; the middle of a clip is used.

    Parameters
    ----------
    manifest
        Declaration of the database.
    root
        Root folder; see :func:`~astsvm_lib.datasets.manifest.root_of` for the default.
    read_frames
        Also read the first and the last frame of each scored clip.

    Raises
    ------
    CompanionError
        If the folder or the database is not found.
    """
    scan, subjects = enter(manifest, root, prefer=("raw", "hs"), skip=OTHER_CAMERAS)
    clips: dict[str, Clip] = {}
    for folder in scan.folders(subjects):
        if NAMES["smic-hs"][0].fullmatch(folder.name):
            _read_subject(manifest, scan, folder, clips)
    if manifest.annotation is not None:
        rows = read_sheet(scan, subjects, manifest.annotation, CLIP)
        if rows:
            _compare(manifest, scan, rows, clips)
    scan.notes.append(f"{manifest.id}: no apex is annotated; the middle of each clip is used")
    return as_dataset(manifest, scan, subjects, [clips[where] for where in sorted(clips)], (), read_frames)
