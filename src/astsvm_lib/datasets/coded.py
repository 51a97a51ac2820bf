"""Databases whose annotation sheet is the truth.

CASME II (Yan et al. 2014), ``sub01/EP02_01f/img46.jpg``, and SAMM (Davison et al. 2018),
``006/006_1_2/006_05562.jpg``, each with a sheet of onset, apex, offset, action units and emotion.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from astsvm_lib.datasets.clip import Clip, Dataset
from astsvm_lib.datasets.manifest import Annotation, Manifest
from astsvm_lib.datasets.recordings import as_dataset, find_span, make_clip, number_files
from astsvm_lib.datasets.sheet import Row, read_sheet
from astsvm_lib.datasets.tree import NAMES, Visit, enter
from astsvm_lib.errors import CompanionError

#: How a subject is named, as its folder is, from its number in the sheet.
SUBJECTS = {"casme2": "sub{:02d}", "samm": "{:03d}"}


def _subject(text: str, database: str) -> str:
    """A subject's name from a cell or a folder's name; what is not a number stays as it is."""
    digits = re.sub(r"\D", "", text)
    return SUBJECTS[database].format(int(digits)) if digits else text


def _stem(name: str) -> str:
    """A clip's name in lower case, without letters at its end: EP02_01f and EP02_01 are one clip."""
    return name.lower().rstrip("abcdefghijklmnopqrstuvwxyz")


class _Folders:
    """The clips' folders of one database, found by subject and clip.

    The sheet decides which names are clips: every folder of a subject is looked at, whatever the form of its
    name. ``claimed`` holds the clips that the sheet names: no other clip may have their folders.
    """

    def __init__(self, visit: Visit, subjects: Path, database: str, claimed: set[tuple[str, str]]) -> None:
        self.claimed = claimed
        subject_name, self.clip_name = NAMES[database]
        self.paths: dict[tuple[str, str], Path] = {}
        for folder in visit.folders(subjects):
            if not subject_name.fullmatch(folder.name):
                continue
            subject = _subject(folder.name, database)
            for clip in visit.folders(folder):
                self.paths[subject, clip.name.lower()] = clip
        self._stems: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for key in self.paths:
            self._stems.setdefault((key[0], _stem(key[1])), []).append(key)
        self.used: set[tuple[str, str]] = set()

    def find(self, subject: str, name: str) -> Path | None:
        """The folder of a clip; a final letter may be missing, if that leaves no doubt."""
        key = (subject, name.lower())
        if key not in self.paths:
            near = [k for k in self._stems.get((subject, _stem(name)), []) if k not in self.claimed]
            if len(near) != 1:
                return None
            key = near[0]
        self.used.add(key)
        return self.paths[key]

    def unused(self) -> list[Path]:
        """Folders that are named as clips are, and that no row asked for."""
        return [
            path for key, path in self.paths.items() if key not in self.used and self.clip_name.fullmatch(path.name)
        ]


class _Reader:
    """Rows of the sheet become clips, one by one; what is wrong with each is kept."""

    def __init__(self, manifest: Manifest, visit: Visit, folders: _Folders) -> None:
        self.manifest, self.visit, self.folders = manifest, visit, folders
        self.seen: dict[str, Row] = {}
        self.restored: set[str] = set()
        self.renumbered = 0
        self.scored: list[Clip] = []
        self.unscored: list[Clip] = []

    def emotion(self, row: Row) -> str:
        """Emotion in a row, as the manifest writes it: Other and others are one."""
        told = row.text("emotion").lower()
        return next((form for form in (told, f"{told}s", told.removesuffix("s")) if form in self.manifest.labels), told)

    def read(self, row: Row) -> None:
        """Take in one row."""
        subject, name = _subject(row.text("subject"), self.manifest.id), row.text("clip")
        key = f"{self.manifest.id}/{subject}/{name}"
        if not isinstance(row.values["subject"], str):
            self.restored.add(subject)
        first = self.seen.setdefault(key, row)
        if first is not row:
            if first.values == row.values:
                self.visit.notes.append(
                    f"{key}: stands twice in the sheet (rows {first.number} and {row.number}), the same"
                )
            else:
                self.visit.faults.append(
                    f"{key}: expected one row in the sheet, found rows {first.number} and {row.number}, which "
                    "differ; remove one"
                )
            return
        emotion = self.emotion(row)
        if emotion not in self.manifest.labels:
            allowed = ", ".join(self.manifest.labels)
            self.visit.faults.append(
                f"{key}: expected an emotion among {allowed}; found '{emotion}' in row {row.number}"
            )
            return
        fix = self.manifest.fix(subject, name)
        label = self.manifest.labels[emotion]
        if fix is not None and fix.action == "leave out":
            label = None
            self.visit.notes.append(f"{key}: left out of the experiment: {fix.reason}")
        try:
            clip = self._clip((self.manifest.id, subject, name), row, label, emotion, fix is not None)
        except CompanionError as error:
            (self.visit.faults if label else self.visit.notes).append(str(error))
            return
        (self.scored if label else self.unscored).append(clip)

    def _clip(self, key: tuple[str, str, str], row: Row, label: str | None, emotion: str, fixed: bool) -> Clip:
        where = "/".join(key)
        folder = self.folders.find(*key[1:])
        if folder is None:
            raise CompanionError(
                f"{where}: expected a folder for row {row.number} of the sheet, found none; unpack it again"
            )
        onset, offset = row.frame("onset"), row.frame("offset")
        if onset is None or offset is None or onset >= offset:
            found = f"'{row.text('onset')}' and '{row.text('offset')}'"
            raise CompanionError(f"{where}: expected onset < offset in row {row.number} of the sheet, found {found}")
        span = find_span(number_files(self.visit.images(folder), where), onset, offset, where)
        self.renumbered += span.renumbered
        apex = self._apex(where, row, onset, offset, fixed, bool(label))
        frame = None if apex is None else apex - onset
        return make_clip(
            key, span.files, float(self.manifest.fps or 0), frame, label or "none", emotion, row.text("action_units")
        )

    def _apex(self, where: str, row: Row, onset: int, offset: int, fixed: bool, scored: bool) -> int | None:
        """The apex; None, with a note, where it is not known."""
        apex = row.frame("apex")
        if not scored:
            return apex if apex is not None and onset <= apex <= offset else None
        if apex is None:
            self.visit.notes.append(f"{where}: no apex in the sheet ('{row.text('apex')}'): its middle stands for it")
        elif not onset <= apex <= offset:
            line = f"{where}: expected onset <= apex <= offset, found {onset}, {apex}, {offset} in row {row.number}"
            self.visit.faults.append(line)
            return None
        elif apex in (onset, offset):
            end = "onset" if apex == onset else "offset"
            if fixed:
                self.visit.notes.append(f"{where}: its apex is given as its {end}: its middle stands for it")
                return None
            self.visit.notes.append(f"{where}: apex and {end} are the same frame, {apex}")
        return apex

    def finish(self, rows: Sequence[Row], annotation: Annotation) -> None:
        """What can be said only when all rows are read."""
        if self.restored:
            shown = ", ".join(sorted(self.restored)[:3]) + (", ..." if len(self.restored) > 3 else "")
            self.visit.notes.append(
                f"{self.manifest.id}: subjects are numbers in the sheet; read as {shown} ({len(self.restored)})"
            )
        if self.renumbered:
            self.visit.notes.append(
                f"{self.manifest.id}: {self.renumbered} clips are numbered otherwise than the sheet, with as many "
                "frames; taken in order"
            )
        for folder in self.folders.unused():
            line = f"{self.visit.name(folder)}: a folder without a row in the sheet"
            (self.visit.notes if len(rows) >= annotation.rows else self.visit.faults).append(line)
        if len(rows) != annotation.rows:
            counts = Counter(row.text("emotion").lower() for row in rows)
            words = ", ".join(f"{n} {emotion}" for emotion, n in counts.most_common())
            self.visit.notes.append(
                f"{self.manifest.id}: the sheet has {len(rows)} rows, the known one {annotation.rows} ({words})"
            )


def inspect(manifest: Manifest, root: Path | None, read_frames: bool) -> Dataset:
    """CASME II or SAMM as it is found in a folder.

    Raises
    ------
    CompanionError
        If there is nothing to look at.
    """
    if manifest.annotation is None:
        raise CompanionError(f"manifest {manifest.id}.yaml: expected an annotation, for the loader {manifest.loader}")
    visit, subjects = enter(manifest, root)
    rows = read_sheet(visit, subjects, manifest.annotation, NAMES[manifest.id][1])
    claimed = {(_subject(row.text("subject"), manifest.id), row.text("clip").lower()) for row in rows or ()}
    reader = _Reader(manifest, visit, _Folders(visit, subjects, manifest.id, claimed))
    for row in rows or ():
        reader.read(row)
    if rows is not None:
        reader.finish(rows, manifest.annotation)
    scored = sorted(reader.scored, key=lambda clip: (clip.subject, clip.name))
    return as_dataset(manifest, visit, subjects, scored, reader.unscored, read_frames)
