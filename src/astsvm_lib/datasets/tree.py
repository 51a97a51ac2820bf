"""The folders of a database on somebody's disk: where they begin, and what is in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from astsvm_lib.datasets.images import by_number, is_image
from astsvm_lib.datasets.manifest import Manifest, how_to_get, root_of
from astsvm_lib.errors import CompanionError

#: Folders below the root in which the subjects' folders, or the annotation sheet, may lie.
DEPTH = 3

#: Folder names of the databases, (subject, clip): whose they are can be told from these alone. CASME II has
#: ``EP02_01f``, and also ``EP06_02_01`` and ``EP09f``.
NAMES = {
    "casme2": (re.compile(r"sub\d\d?", re.I), re.compile(r"EP\d\d?[a-z_\d]*", re.I)),
    "samm": (re.compile(r"\d{3}"), re.compile(r"\d{3}_\d+_\d+")),
    "smic-hs": (re.compile(r"s\d\d?", re.I), re.compile(r"micro", re.I)),
}


@dataclass
class Visit:
    """One walk through a database's folders; remembers what could not be read, and what is worth a note.

    Attributes
    ----------
    root
        Where it began: messages name folders relative to it.
    faults, notes
        One line each.
    """

    root: Path
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def name(self, path: Path) -> str:
        """A path as messages name it."""
        return path.relative_to(self.root).as_posix() if path != self.root else "the root folder"

    def entries(self, folder: Path) -> list[Path]:
        """What lies in a folder, sorted; an unreadable folder is a fault, and empty."""
        try:
            return sorted(folder.iterdir())
        except OSError as error:
            line = f"{self.name(folder)}: expected a readable folder, found: {error.strerror}; change its permissions"
            if line not in self.faults:
                self.faults.append(line)
            return []

    def folders(self, folder: Path) -> list[Path]:
        """Subfolders, without those that a system hides or leaves behind."""
        return [p for p in self.entries(folder) if p.is_dir() and not p.name.startswith((".", "__MACOSX"))]

    def images(self, folder: Path) -> list[Path]:
        """Image files of a folder in the order of the numbers in their names."""
        return sorted((p for p in self.entries(folder) if is_image(p) and p.is_file()), key=by_number)

    def walk(self, stop: Callable[[Path], bool]) -> Iterator[Path]:
        """The root and the folders down to :data:`DEPTH`, level by level; not below those at which ``stop`` is true."""
        level = [self.root]
        yield from level
        for _ in range(DEPTH):
            level = [child for folder in level if not stop(folder) for child in self.folders(folder)]
            yield from level


def _holds(visit: Visit, folder: Path, database: str) -> bool:
    """Whether a folder holds subjects' folders of a database, known by the clips in them."""
    subject, clip = NAMES[database]
    return any(
        clip.fullmatch(child.name)
        for child in visit.folders(folder)
        if subject.fullmatch(child.name)
        for child in visit.folders(child)
    )


def _rank(path: Path, prefer: tuple[str, ...]) -> int:
    words = path.as_posix().lower()
    return sum(word in words for word in prefer) - ("crop" in words)


def _find_subjects(visit: Visit, database: str, prefer: tuple[str, ...], skip: frozenset[str]) -> Path | None:
    """The folder that holds a database's subjects, up to :data:`DEPTH` levels below the root; None if there is none.

    Two that are as good as each other, or another database's subjects in the same folder, are faults.
    """
    candidates: list[Path] = []

    def skipped(folder: Path) -> bool:
        return folder != visit.root and folder.name.lower() in skip

    for folder in visit.walk(lambda folder: folder in candidates or skipped(folder)):
        if not skipped(folder) and _holds(visit, folder, database):
            candidates.append(folder)
    if not candidates:
        return None
    inside = {path: _rank(path.relative_to(visit.root), prefer) for path in candidates}
    best = [path for path in candidates if inside[path] == max(inside.values())]
    if len(best) > 1:
        names = " and ".join(visit.name(path) for path in best)
        visit.faults.append(
            f"{database}: expected one folder with the subjects, found {names}; name one of them with --root, or move "
            "the other away"
        )
    elif len(candidates) > 1:
        others = ", ".join(visit.name(path) for path in candidates if path != best[0])
        visit.notes.append(f"{database}: frames are taken from {visit.name(best[0])}, not from {others}")
    for other in NAMES:
        if other != database and _holds(visit, best[0], other):
            visit.faults.append(
                f"{database}: expected only its own subjects in {visit.name(best[0])}, found those of {other} too; "
                "unpack each database into a folder of its own"
            )
    return best[0]


def enter(
    manifest: Manifest,
    given: Path | None,
    prefer: tuple[str, ...] = ("raw",),
    skip: frozenset[str] = frozenset(),
) -> tuple[Visit, Path]:
    """Begin a visit at a database's root; gives it and the folder of the subjects.

    Parameters
    ----------
    given
        Root folder; see :func:`~astsvm_lib.datasets.manifest.root_of` for its default.
    prefer
        Words in the path that decide where several folders hold subjects, as after unpacking both the raw
        and the cropped frames.
    skip
        Names, in lower case, of folders that hold other recordings.

    Raises
    ------
    CompanionError
        If there is no such folder, or nothing of the database in it: how to ask, and where to put it.
    """
    root = root_of(manifest, given)
    if root is None:
        raise CompanionError(f"{manifest.id}: no folder is named.\n{how_to_get(manifest)}")
    visit = Visit(root)
    subjects = _find_subjects(visit, manifest.id, prefer, skip)
    if subjects is None:
        raise CompanionError(
            f"{manifest.id}: expected subjects' folders with clips in the root folder, or up to {DEPTH} levels below; "
            f"found none there.\n{how_to_get(manifest)}"
        )
    return visit, subjects
