"""Loader of the databases that are defined by an annotation sheet: CASME II and SAMM.

CASME II (Yan et al. 2014), ``sub01/EP02_01f/img46.jpg``, and SAMM (Davison et al. 2018),
``006/006_1_2/006_05562.jpg``, each have a sheet with onset, apex, offset, action units and emotion.
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
from astsvm_lib.datasets.tree import NAMES, Scan, enter
from astsvm_lib.errors import CompanionError

#: Format of a subject's name, which is also the folder's name, from the number in the sheet.
SUBJECTS = {"casme2": "sub{:02d}", "samm": "{:03d}"}


def _subject(text: str, database: str) -> str:
    """A subject's name from a cell or a folder name; text without digits is returned unchanged."""
    digits = re.sub(r"\D", "", text)
    return SUBJECTS[database].format(int(digits)) if digits else text


def _stem(name: str) -> str:
    """A clip's name in lower case without trailing letters: EP02_01f and EP02_01 are the same clip."""
    return name.lower().rstrip("abcdefghijklmnopqrstuvwxyz")


class _Folders:
    """The clip folders of a database, by subject and clip.

    The sheet determines which folders are clips, so every folder of a subject is considered, whatever the form
    of its name. ``claimed`` contains the clips named in the sheet; their folders are not assigned to other clips.
    """

    def __init__(self, scan: Scan, subjects: Path, database: str, claimed: set[tuple[str, str]]) -> None:
        self.claimed = claimed
        subject_name, self.clip_name = NAMES[database]
        self.paths: dict[tuple[str, str], Path] = {}
        for folder in scan.folders(subjects):
            if not subject_name.fullmatch(folder.name):
                continue
            subject = _subject(folder.name, database)
            for clip in scan.folders(folder):
                self.paths[subject, clip.name.lower()] = clip
        self._stems: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for key in self.paths:
            self._stems.setdefault((key[0], _stem(key[1])), []).append(key)
        self.used: set[tuple[str, str]] = set()

    def find(self, subject: str, name: str) -> Path | None:
        """The folder of a clip; trailing letters may differ if the match is unique. None if there is no folder."""
        key = (subject, name.lower())
        if key not in self.paths:
            near = [k for k in self._stems.get((subject, _stem(name)), []) if k not in self.claimed]
            if len(near) != 1:
                return None
            key = near[0]
        self.used.add(key)
        return self.paths[key]

    def unused(self) -> list[Path]:
        """Folders with the name of a clip that no row of the sheet refers to."""
        return [
            path for key, path in self.paths.items() if key not in self.used and self.clip_name.fullmatch(path.name)
        ]


class _Reader:
    """Converts the rows of the sheet to clips and collects errors and notes."""

    def __init__(self, manifest: Manifest, scan: Scan, folders: _Folders) -> None:
        self.manifest, self.scan, self.folders = manifest, scan, folders
        self.seen: dict[str, Row] = {}
        self.restored: set[str] = set()
        self.renumbered = 0
        self.scored: list[Clip] = []
        self.unscored: list[Clip] = []

    def emotion(self, row: Row) -> str:
        """Emotion of a row, in the spelling of the manifest: Other and others are the same."""
        text = row.text("emotion").lower()
        return next((form for form in (text, f"{text}s", text.removesuffix("s")) if form in self.manifest.labels), text)

    def read(self, row: Row) -> None:
        """Convert one row."""
        subject, name = _subject(row.text("subject"), self.manifest.id), row.text("clip")
        key = f"{self.manifest.id}/{subject}/{name}"
        if not isinstance(row.values["subject"], str):
            self.restored.add(subject)
        first = self.seen.setdefault(key, row)
        if first is not row:
            if first.values == row.values:
                self.scan.notes.append(
                    f"{key}: identical duplicate in the sheet (rows {first.number} and {row.number})"
                )
            else:
                self.scan.errors.append(
                    f"{key}: expected one row in the sheet, found rows {first.number} and {row.number} with different "
                    "values; remove one"
                )
            return
        emotion = self.emotion(row)
        if emotion not in self.manifest.labels:
            allowed = ", ".join(self.manifest.labels)
            self.scan.errors.append(
                f"{key}: expected one of the emotions {allowed}; found '{emotion}' in row {row.number}"
            )
            return
        fix = self.manifest.fix(subject, name)
        label = self.manifest.labels[emotion]
        if fix is not None and fix.action == "leave out":
            label = None
            self.scan.notes.append(f"{key}: left out of the experiment: {fix.reason}")
        try:
            clip = self._clip((self.manifest.id, subject, name), row, label, emotion, fix is not None)
        except CompanionError as error:
            (self.scan.errors if label else self.scan.notes).append(str(error))
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
        span = find_span(number_files(self.scan.images(folder), where), onset, offset, where)
        self.renumbered += span.renumbered
        apex = self._apex(where, row, onset, offset, fixed, bool(label))
        frame = None if apex is None else apex - onset
        return make_clip(
            key, span.files, float(self.manifest.fps or 0), frame, label or "none", emotion, row.text("action_units")
        )

    def _apex(self, where: str, row: Row, onset: int, offset: int, fixed: bool, scored: bool) -> int | None:
        """Frame number of the apex; None, with a note, if it is unknown."""
        apex = row.frame("apex")
        if not scored:
            return apex if apex is not None and onset <= apex <= offset else None
        if apex is None:
            self.scan.notes.append(
                f"{where}: no apex in the sheet ('{row.text('apex')}'); the middle of the clip is used"
            )
        elif not onset <= apex <= offset:
            line = f"{where}: expected onset <= apex <= offset, found {onset}, {apex}, {offset} in row {row.number}"
            self.scan.errors.append(line)
            return None
        elif apex in (onset, offset):
            end = "onset" if apex == onset else "offset"
            if fixed:
                self.scan.notes.append(f"{where}: the sheet gives the {end} as apex; the middle of the clip is used")
                return None
            self.scan.notes.append(f"{where}: apex and {end} are the same frame, {apex}")
        return apex

    def finish(self, rows: Sequence[Row], annotation: Annotation) -> None:
        """Add the errors and notes that depend on all rows."""
        if self.restored:
            shown = ", ".join(sorted(self.restored)[:3]) + (", ..." if len(self.restored) > 3 else "")
            self.scan.notes.append(
                f"{self.manifest.id}: {len(self.restored)} subjects are numbers in the sheet; read as {shown}"
            )
        if self.renumbered:
            self.scan.notes.append(
                f"{self.manifest.id}: {self.renumbered} clips have other frame numbers than the sheet, but the same "
                "number of frames; the files are taken in order"
            )
        for folder in self.folders.unused():
            line = f"{self.scan.name(folder)}: folder without a row in the sheet"
            (self.scan.notes if len(rows) >= annotation.rows else self.scan.errors).append(line)
        if len(rows) != annotation.rows:
            counts = Counter(row.text("emotion").lower() for row in rows)
            listed = ", ".join(f"{n} {emotion}" for emotion, n in counts.most_common())
            self.scan.notes.append(
                f"{self.manifest.id}: the sheet has {len(rows)} rows instead of {annotation.rows} ({listed})"
            )


def inspect(manifest: Manifest, root: Path | None, read_frames: bool) -> Dataset:
    """CASME II or SAMM, as found in a folder, with errors and notes.

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
        If the folder or the database is not found, or the manifest has no annotation.
    """
    if manifest.annotation is None:
        raise CompanionError(f"manifest {manifest.id}.yaml: expected an annotation, for the loader {manifest.loader}")
    scan, subjects = enter(manifest, root)
    rows = read_sheet(scan, subjects, manifest.annotation, NAMES[manifest.id][1])
    claimed = {(_subject(row.text("subject"), manifest.id), row.text("clip").lower()) for row in rows or ()}
    reader = _Reader(manifest, scan, _Folders(scan, subjects, manifest.id, claimed))
    for row in rows or ():
        reader.read(row)
    if rows is not None:
        reader.finish(rows, manifest.annotation)
    scored = sorted(reader.scored, key=lambda clip: (clip.subject, clip.name))
    return as_dataset(manifest, scan, subjects, scored, reader.unscored, read_frames)
