"""The folders of a database on disk: finding the subjects' folders, listing their content."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from astsvm_lib.datasets.images import by_number, is_image
from astsvm_lib.datasets.manifest import Manifest, how_to_get, root_of
from astsvm_lib.errors import CompanionError

#: Number of folder levels below the root that are searched for the subjects' folders and the annotation sheet.
DEPTH = 3

#: Patterns of the databases' folder names, (subject, clip), which identify a database. CASME II has
#: ``EP02_01f``, and also ``EP06_02_01`` and ``EP09f``.
NAMES = {
    "casme2": (re.compile(r"sub\d\d?", re.I), re.compile(r"EP\d\d?[a-z_\d]*", re.I)),
    "samm": (re.compile(r"\d{3}"), re.compile(r"\d{3}_\d+_\d+")),
    "smic-hs": (re.compile(r"s\d\d?", re.I), re.compile(r"micro", re.I)),
}


@dataclass
class Scan:
    """One scan of a database's folders, which collects errors and notes.

    Attributes
    ----------
    root
        Root folder; messages give paths relative to it.
    errors, notes
        Errors, and irregularities that could be handled; one line each.
    """

    root: Path
    errors: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def name(self, path: Path) -> str:
        """A path relative to the root, for messages."""
        return path.relative_to(self.root).as_posix() if path != self.root else "the root folder"

    def entries(self, folder: Path) -> list[Path]:
        """Sorted content of a folder; for an unreadable folder, an error is added and the list is empty."""
        try:
            return sorted(folder.iterdir())
        except OSError as error:
            line = f"{self.name(folder)}: folder cannot be read ({error.strerror}); change its permissions"
            if line not in self.errors:
                self.errors.append(line)
            return []

    def folders(self, folder: Path) -> list[Path]:
        """Subfolders, without hidden folders and those that the operating system creates."""
        return [p for p in self.entries(folder) if p.is_dir() and not p.name.startswith((".", "__MACOSX"))]

    def images(self, folder: Path) -> list[Path]:
        """Image files of a folder, sorted by the numbers in their names."""
        return sorted((p for p in self.entries(folder) if is_image(p) and p.is_file()), key=by_number)

    def walk(self, stop: Callable[[Path], bool]) -> Iterator[Path]:
        """The root and its subfolders down to :data:`DEPTH`, level by level; ``stop`` marks folders not to enter."""
        level = [self.root]
        yield from level
        for _ in range(DEPTH):
            level = [child for folder in level if not stop(folder) for child in self.folders(folder)]
            yield from level


def _holds(scan: Scan, folder: Path, database: str) -> bool:
    """Whether a folder contains subjects' folders with clips of a database."""
    subject, clip = NAMES[database]
    return any(
        clip.fullmatch(child.name)
        for child in scan.folders(folder)
        if subject.fullmatch(child.name)
        for child in scan.folders(child)
    )


def _rank(path: Path, prefer: tuple[str, ...]) -> int:
    name = path.as_posix().lower()
    return sum(word in name for word in prefer) - ("crop" in name)


def _find_subjects(scan: Scan, database: str, prefer: tuple[str, ...], skip: frozenset[str]) -> Path | None:
    """The folder that contains a database's subjects, up to :data:`DEPTH` levels below the root, or None.

    Several folders of equal rank, or subjects of another database in the same folder, are errors.
    """
    candidates: list[Path] = []

    def skipped(folder: Path) -> bool:
        return folder != scan.root and folder.name.lower() in skip

    for folder in scan.walk(lambda folder: folder in candidates or skipped(folder)):
        if not skipped(folder) and _holds(scan, folder, database):
            candidates.append(folder)
    if not candidates:
        return None
    ranks = {path: _rank(path.relative_to(scan.root), prefer) for path in candidates}
    best = [path for path in candidates if ranks[path] == max(ranks.values())]
    if len(best) > 1:
        names = " and ".join(scan.name(path) for path in best)
        scan.errors.append(
            f"{database}: expected one folder with the subjects, found {names}; select one with --root, or move the "
            "other elsewhere"
        )
    elif len(candidates) > 1:
        others = ", ".join(scan.name(path) for path in candidates if path != best[0])
        scan.notes.append(f"{database}: frames are taken from {scan.name(best[0])}, not from {others}")
    for other in NAMES:
        if other != database and _holds(scan, best[0], other):
            scan.errors.append(
                f"{database}: expected only its own subjects in {scan.name(best[0])}, found those of {other} as well; "
                "unpack each database into a separate folder"
            )
    return best[0]


def enter(
    manifest: Manifest,
    given: Path | None,
    prefer: tuple[str, ...] = ("raw",),
    skip: frozenset[str] = frozenset(),
) -> tuple[Scan, Path]:
    """Start a scan of a database's folders.

    Parameters
    ----------
    manifest
        Declaration of the database.
    given
        Root folder; see :func:`~astsvm_lib.datasets.manifest.root_of` for the default.
    prefer
        Words in the path of the preferred folder if several contain subjects, such as raw and cropped frames.
    skip
        Names, in lower case, of folders with other recordings.

    Returns
    -------
    tuple of Scan and pathlib.Path
        The scan, and the folder that contains the subjects' folders.

    Raises
    ------
    CompanionError
        If no folder is set or it does not contain the database; the message explains how to obtain it.
    """
    root = root_of(manifest, given)
    if root is None:
        raise CompanionError(f"{manifest.id}: no folder is set.\n{how_to_get(manifest)}")
    scan = Scan(root)
    subjects = _find_subjects(scan, manifest.id, prefer, skip)
    if subjects is None:
        raise CompanionError(
            f"{manifest.id}: expected subjects' folders with clips in the root folder or up to {DEPTH} levels below; "
            f"found none.\n{how_to_get(manifest)}"
        )
    return scan, subjects
