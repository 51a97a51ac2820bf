"""SMIC-HS (Li et al. 2013): ``s01/micro/negative/s01_ne_01/``; the folders are the truth."""

from __future__ import annotations

import re
from pathlib import Path

from astsvm_lib.datasets.clip import Clip, Dataset
from astsvm_lib.datasets.manifest import Manifest
from astsvm_lib.datasets.recordings import as_dataset, make_clip, number_files
from astsvm_lib.datasets.sheet import Row, read_sheet
from astsvm_lib.datasets.tree import NAMES, Visit, enter
from astsvm_lib.errors import CompanionError

CLIP = re.compile(r"s(\d\d?)_(ne|po|sur)_(\d\d?)", re.I)
SHORT = {"ne": "negative", "po": "positive", "sur": "surprise"}
#: The other two cameras, and recordings without an expression.
OTHER_CAMERAS = frozenset({"vis", "nir", "hs_long", "vis_long", "nir_long", "smic-hs-e"})


def _canonical(name: str) -> tuple[str, str, str] | None:
    """Subject, clip and class from a clip's name: s1_ne_1 -> s01, s01_ne_01, negative."""
    found = CLIP.fullmatch(name)
    if not found:
        return None
    subject, short = f"s{int(found[1]):02d}", found[2].lower()
    return subject, f"{subject}_{short}_{int(found[3]):02d}", SHORT[short]


def _clip(manifest: Manifest, visit: Visit, folder: Path, key: tuple[str, str, str], label: str) -> Clip:
    where = "/".join(key)
    numbered = number_files(visit.images(folder), where)
    numbers = sorted(numbered)
    if len(numbers) < 2:
        raise CompanionError(
            f"{where}: expected at least 2 frames in the folder, found {len(numbers)}; unpack it again"
        )
    gap = [n for n in range(numbers[0], numbers[-1]) if n not in numbered]
    if gap:
        raise CompanionError(
            f"{where}: expected frames without a gap from {numbers[0]} to {numbers[-1]}, {len(gap)} are missing, "
            f"the first is {gap[0]}; unpack the clip again"
        )
    files = [numbered[number] for number in numbers]
    return make_clip(key, files, float(manifest.fps or 0), None, label, label, "")


def _read_subject(manifest: Manifest, visit: Visit, folder: Path, clips: dict[str, Clip]) -> None:
    """Add the clips of one subject."""
    subject = f"s{int(folder.name[1:]):02d}"
    for kind in (f for f in visit.folders(folder) if f.name.lower() == "micro"):
        for emotion in visit.folders(kind):
            for place in visit.folders(emotion):
                names = _canonical(place.name)
                if names is None:
                    visit.notes.append(f"{visit.name(place)}: not a clip's name; left alone")
                    continue
                key = (manifest.id, *names[:2])
                where = "/".join(key)
                if names[0] != subject:
                    visit.faults.append(f"{where}: expected clips of {subject} in {folder.name}, found '{place.name}'")
                elif names[2] != emotion.name.lower():
                    visit.faults.append(
                        f"{where}: expected one class in path and name, found the folder "
                        f"'{emotion.name}' and '{place.name}'"
                    )
                elif where in clips:
                    visit.faults.append(f"{where}: expected one folder, found another one: {visit.name(place)}")
                else:
                    try:
                        clips[where] = _clip(manifest, visit, place, key, names[2])
                    except CompanionError as error:
                        visit.faults.append(str(error))


def _compare(manifest: Manifest, visit: Visit, rows: list[Row], clips: dict[str, Clip]) -> None:
    """Hold the sheet against the folders: lengths that differ are notes, clips that are missing are faults."""
    rowed = set()
    for row in rows:
        names = _canonical(row.text("clip"))
        if names is None:
            continue
        where = f"{manifest.id}/{names[0]}/{names[1]}"
        rowed.add(where)
        if where not in clips:
            if not any(fault.startswith(f"{where}:") for fault in visit.faults):
                visit.faults.append(
                    f"{where}: expected a folder for row {row.number} of the sheet, found none; unpack it again"
                )
            continue
        told = [offset - onset + 1 for onset, offset in row.pairs]
        if len(told) > 1:
            told.append(row.pairs[-1][1] - row.pairs[0][0] + 1)
        if told and clips[where].length not in told:
            words = " or ".join(map(str, told))
            visit.notes.append(
                f"{where}: the sheet says {words} frames, the folder holds {clips[where].length}: the folder counts"
            )
    missing = [where for where in clips if where not in rowed]
    if missing:
        shown = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
        visit.notes.append(f"{manifest.id}: the sheet has no row for {len(missing)} clips ({shown}): the folders count")


def inspect(manifest: Manifest, root: Path | None, read_frames: bool) -> Dataset:
    """SMIC-HS as it is found in a folder; subjects are ``s01``, clips ``s01_ne_01``.

    There is no apex: a clip's middle stands for it.

    Raises
    ------
    CompanionError
        If there is nothing to look at.
    """
    visit, subjects = enter(manifest, root, prefer=("raw", "hs"), skip=OTHER_CAMERAS)
    clips: dict[str, Clip] = {}
    for folder in visit.folders(subjects):
        if NAMES["smic-hs"][0].fullmatch(folder.name):
            _read_subject(manifest, visit, folder, clips)
    if manifest.annotation is not None:
        rows = read_sheet(visit, subjects, manifest.annotation, CLIP)
        if rows:
            _compare(manifest, visit, rows, clips)
    visit.notes.append(f"{manifest.id}: no apex is annotated: a clip's middle stands for it")
    return as_dataset(manifest, visit, subjects, [clips[where] for where in sorted(clips)], (), read_frames)
