"""Rendered clips in the on-disk layout of the real databases, for practice, teaching and tests of the loaders.

Folders, names, frame numbering and sheets have the form of the real databases, but the annotation is invented and
the frames are rendered. A marker file beside the subjects' folders marks every result on them as rehearsal data.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from astsvm_lib.datasets.loading import load
from astsvm_lib.datasets.manifest import load_manifest
from astsvm_lib.datasets.marker import MARKER
from astsvm_lib.errors import CompanionError
from astsvm_lib.rehearsal.corpus import entries

#: Real database -> its rendered counterpart.
COUNTERPARTS = {"casme2": "rehearsal-casme2", "smic-hs": "rehearsal-smic", "samm": "rehearsal-samm"}
#: Number of rendered frames per subject, from which all clips of that subject are composed.
FILM = 5
#: Number of unscored rows in the real sheets, by emotion.
_OTHERS = {"casme2": {"others": 99, "sadness": 7, "fear": 2}, "samm": {"other": 26}, "smic-hs": {}}
_TEXT = """These are rendered faces (rehearsal data) in the layout of {title}, for practice.
The annotation is invented, and all clips of a subject show the same expression: scores on them have no meaning.
Nothing in this folder is part of the database.
"""

#: Function from a subject to the frames of which the subject's clips are composed, as encoded images.
Film = Callable[[str], Sequence[bytes]]


@dataclass(frozen=True)
class Row:
    """One clip of a layout: its row in the sheet and the folder of its frames.

    Attributes
    ----------
    subject, clip
        As in the clip's key.
    onset, apex, offset
        Frame numbers; the apex as in the sheet, which may be ``/``.
    emotion, units
        Emotion and action units as coded.
    folder
        Folder of the frames, relative to the folder that contains the subjects.
    """

    subject: str
    clip: str
    onset: int
    apex: int | str
    offset: int
    emotion: str
    units: str
    folder: str

    @property
    def length(self) -> int:
        return self.offset - self.onset + 1


@dataclass(frozen=True)
class Naming:
    """Deviations of a distribution from the standard one.

    Attributes
    ----------
    frame
        Format of a frame's file name, with ``number`` and ``subject``; the standard one by default.
    first
        Number of each clip's first file; the onset by default.
    below
        Folders between the root and the subjects' folders; the standard ones by default.
    sheet
        Name of the annotation sheet; the standard one by default. No sheet is written for the empty string.
    folder
        Function from a row to the clip's folder.
    """

    frame: str = ""
    first: int | None = None
    below: str | None = None
    sheet: str | None = None
    folder: Callable[[Row], str] = lambda row: row.folder


_FRAMES = {
    "casme2": "img{number}.jpg",
    "samm": "{subject}_{number:05d}.jpg",
    "smic-hs": "reg_image{number:06d}.jpg",
}
_BELOW = {"casme2": "CASME2_RAW_selected", "samm": "", "smic-hs": "HS"}
_SHEETS = {
    "casme2": "CASME2-coding-20140508.xlsx",
    "samm": "SAMM_Micro_FACS_Codes_v2.xlsx",
    "smic-hs": "SMIC-HS-E_annotation.xlsx",
}


def _casme2(number: int, count: int) -> tuple[str, str]:
    subject = [f"sub{i:02d}" for i in range(1, 27) if i not in (10, 18)][number - 1]
    return subject, f"EP{2 + count // 8:02d}_{1 + count % 8:02d}f"


@lru_cache
def rows_of(database: str) -> tuple[Row, ...]:
    """Rows of an invented sheet with the counts and special cases of the real one.

    Subjects, emotions and lengths are those of the rendered counterpart.
    """
    rng = np.random.default_rng(sum(map(ord, database)))
    manifest, found = load_manifest(database), []
    counters: dict[str, int] = {}
    for entry in entries(COUNTERPARTS[database]):
        subject, length = entry.subject, entry.spec.timing.frames(entry.spec.fps)
        counters[subject] = counters.get(subject, 0) + 1
        number, count = int(subject.lstrip("s")), counters[subject]
        onset = int(rng.integers(20, 9000))
        apex = onset + entry.spec.timing.apex(entry.spec.fps)
        units = "+".join(sorted({unit.rstrip("LR") for unit in entry.spec.units}, key=int))
        if database == "casme2":
            subject, clip = _casme2(number, count)
            folder = f"{subject}/{clip}"
        elif database == "samm":
            subject = f"{number + 5:03d}"
            clip = f"{subject}_{1 + count // 4}_{1 + count % 4}"
            folder = f"{subject}/{clip}"
        else:
            short = {"negative": "ne", "positive": "po", "surprise": "sur"}[entry.label]
            clip = f"{subject}_{short}_{count:02d}"
            folder = f"{subject}/micro/{entry.label}/{clip}"
        found.append(Row(subject, clip, onset, apex, onset + length - 1, entry.emotion, units, folder))
    subjects = sorted({row.subject for row in found})
    if database == "casme2":
        found = _casme2_cases(found)
        subjects += ["sub10", "sub18"]
    low, high = manifest.lengths
    extra = [emotion for emotion, count in _OTHERS[database].items() for _ in range(count)]
    for i, emotion in enumerate(extra):
        subject = subjects[-1 - i % len(subjects)]
        clip = (
            f"EP{20 + i // 40}_{1 + i % 40:02d}f" if database == "casme2" else f"{subject}_7_{1 + i // len(subjects)}"
        )
        onset, length = int(rng.integers(20, 900)), int(rng.integers(low, high + 1))
        found.append(
            Row(subject, clip, onset, onset + length // 3, onset + length - 1, emotion, "4", f"{subject}/{clip}")
        )
    return tuple(found)


#: Clips whose apex in the real sheet equals their onset or offset.
_CASME2_ENDS = {("sub05", "EP16_04f"), ("sub12", "EP09_06"), ("sub20", "EP16_01"), ("sub25", "EP18_04f")}
#: Scored clips of the real sheet with an unusual form of name.
_CASME2_NAMES = {("sub07", "EP06_02_01"), ("sub07", "EP06_02_02"), ("sub09", "EP09f")}


def _casme2_cases(rows: list[Row]) -> list[Row]:
    """Add the special cases of the real sheet: known errors, two of them in additional rows, and unusual names."""
    wanted = _CASME2_ENDS | _CASME2_NAMES
    found = []
    for row in rows:
        name = next((clip for subject, clip in sorted(wanted) if subject == row.subject), None)
        if name is not None:
            wanted.remove((row.subject, name))
            if (row.subject, name) in _CASME2_ENDS:
                row = replace(row, apex=row.onset if "16" in name else row.offset)
            row = replace(row, clip=name, folder=f"{row.subject}/{name}")
        found.append(row)
    if wanted:
        raise AssertionError(f"the counterpart of CASME II has too few clips of {sorted(wanted)}")
    for subject, clip, apex in (("sub04", "EP12_01f", "/"), ("sub05", "EP09_05f", 171)):
        found.append(Row(subject, clip, 101, apex, 171, "disgust", "4+7", f"{subject}/{clip}"))
    return found


def sheet_of(database: str, rows: Iterable[Row]) -> pd.DataFrame:
    """All cells of the annotation sheet, including the header.

    Parameters
    ----------
    database
        ``casme2``, ``smic-hs`` or ``samm``.
    rows
        Clips of the sheet.
    """
    table: list[list[object]] = []
    if database == "casme2":
        table.append(["Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units",
                      "Estimated Emotion"])  # fmt: skip
        table += [[r.subject[3:], r.clip, None, r.onset, r.apex, r.offset, None, r.units, r.emotion] for r in rows]
    elif database == "samm":
        table.append(["SAMM micro-movements (made-up rows)"])
        table += [[None] for _ in range(12)]
        table.append(["Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration",
                      "Micro", "Objective Classes", "Action Units", "Estimated Emotion", "Notes"])  # fmt: skip
        table += [[r.subject, r.clip, 1, r.onset, r.apex, r.offset, r.length, "Micro - 1/2", 1, r.units,
                   r.emotion.capitalize(), None] for r in rows]  # fmt: skip
    else:
        table.append(["Subject", "Filename", "OnsetF", "OffsetF", "OnsetF2", "OffsetF2", "Emotion"])
        table += [[int(r.subject[1:]), r.clip, r.onset, r.offset, None, None, r.emotion] for r in rows]
    width = max(map(len, table))
    return pd.DataFrame([[*cells, *[None] * (width - len(cells))] for cells in table])


def counterpart_film(database: str) -> Film:
    """Rendered films: :data:`FILM` frames, from onset to offset, of a clip of the subject's rendered counterpart."""
    clips = load(COUNTERPARTS[database]).clips
    people = list(dict.fromkeys(clip.subject for clip in clips))

    def film(subject: str) -> list[bytes]:
        names = sorted({row.subject for row in rows_of(database)})
        counterpart = people[names.index(subject) % len(people)]
        clip = next(clip for clip in clips if clip.subject == counterpart)
        frames = clip.load_frames(np.linspace(0, clip.offset, FILM).round().astype(int).tolist())
        return [cv2.imencode(".jpg", f if f.ndim == 2 else f[..., ::-1])[1].tobytes() for f in frames]

    return film


def _write_clip(row: Row, folder: Path, film: Sequence[Path], frame: str, first: int) -> None:
    """Write a clip's files: links to the subject's film, resampled to the clip's length."""
    folder.mkdir(parents=True, exist_ok=True)
    moments = np.linspace(0, len(film) - 1, row.length).round().astype(int)
    for i, moment in enumerate(moments):
        name = frame.format(number=first + i, subject=row.subject)
        target = folder / name
        try:
            os.link(film[moment], target)
        except OSError:  # file system without hard links
            target.write_bytes(film[moment].read_bytes())


def write_layout(
    database: str, out: Path, rows: Iterable[Row] | None = None, film: Film | None = None, naming: Naming | None = None
) -> Path:
    """Write a database's folders and sheet with rendered frames, and return the root folder.

    Parameters
    ----------
    database
        ``casme2``, ``smic-hs`` or ``samm``.
    out
        Folder to write to; must be empty or not exist.
    rows
        Clips; those of :func:`rows_of` by default.
    film
        Frames of each subject; rendered by :func:`counterpart_film` by default.
    naming
        Deviations from the standard distribution.

    Raises
    ------
    CompanionError
        If the database has no rendered counterpart, or the folder is not empty.
    """
    if database not in COUNTERPARTS:
        raise CompanionError(f"{database}: no rendered counterpart; expected one of {', '.join(COUNTERPARTS)}")
    if out.exists() and any(out.iterdir()):
        raise CompanionError(f"{out}: expected an empty folder, found files in it; choose another one")
    rows = tuple(rows_of(database) if rows is None else rows)
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        _write(database, part, rows, film or counterpart_film(database), naming or Naming())
        if out.exists():
            out.rmdir()
        part.replace(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return out


def _write(database: str, root: Path, rows: Sequence[Row], film: Film, naming: Naming) -> None:
    base = root / (_BELOW[database] if naming.below is None else naming.below)
    base.mkdir(parents=True)
    sheet = _SHEETS[database] if naming.sheet is None else naming.sheet
    if sheet:
        sheet_of(database, rows).to_excel(root / sheet, header=False, index=False)
    (base / MARKER).write_text(_TEXT.format(title=load_manifest(database).title), encoding="utf-8")
    films = root / ".films"
    pool: dict[str, list[Path]] = {}
    for row in rows:
        if row.subject not in pool:
            folder = films / row.subject
            folder.mkdir(parents=True)
            pool[row.subject] = []
            for i, image in enumerate(film(row.subject)):
                pool[row.subject].append(folder / str(i))
                pool[row.subject][-1].write_bytes(image)
        first = row.onset if naming.first is None else naming.first
        _write_clip(row, base / naming.folder(row), pool[row.subject], naming.frame or _FRAMES[database], first)
    shutil.rmtree(films)
