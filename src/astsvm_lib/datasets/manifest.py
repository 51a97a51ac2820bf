"""Manifests: declarations of data sets in ``data_manifest/``, and the folders of their data."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from astsvm_lib.errors import CompanionError

_BESIDE_PACKAGE = Path(__file__).parents[1] / "data_manifest"  # in an installed wheel
_IN_CHECKOUT = Path(__file__).parents[3] / "data_manifest"

#: Environment variable of a folder with several databases, for those whose own variable is not set.
SHARED_ROOT = "ASTSVM_DATA_ROOT"


class Declared(BaseModel):
    """Base class of the parts of a manifest: immutable, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Annotation(Declared):
    """The annotation sheet of a database.

    Attributes
    ----------
    files
        File name patterns of the sheet in its distributions, case-insensitive.
    columns
        Column used by the library -> its names in the distributions.
    rows
        Number of rows in the distribution to which the declared counts refer.
    required
        False if the folders define the clips and the sheet is only checked against them.
    """

    files: list[str] = Field(min_length=1)
    columns: dict[Literal["subject", "clip", "onset", "apex", "offset", "action_units", "emotion"], list[str]]
    rows: int
    required: bool = True


class Fix(Declared):
    """Known error in the annotation of one clip, which is identified by subject and clip, not by row number.

    Attributes
    ----------
    subject, clip
        As in the clip's key.
    action
        ``leave out``: the clip is not part of the experiment; ``apex unknown``: the middle of the clip is used.
    reason
        Reason for the action.
    """

    subject: str
    clip: str
    action: Literal["leave out", "apex unknown"]
    reason: str


class Show(Declared):
    """What the licence permits to be published: frames of subjects; their landmarks; averages; flow of single clips."""

    frames: bool
    landmarks: bool
    aggregates: bool
    flow: bool = True


_NEEDED_ON_DISK = ("website", "obtain", "terms", "root", "tree", "doi", "citation")


class Manifest(Declared):
    """One file of ``data_manifest/``; ``schema.json`` in that folder is the JSON Schema of this class.

    Attributes
    ----------
    id, title, version, description
        Identifier, and texts on the book's data page.
    doi, citation
        DOI of the paper that presents the data set, and its key in the book's bibliography.
    access
        ``generated``: by the library; ``gated``: distributed by its owners under a licence; ``published``: may be
        downloaded by anybody.
    website, obtain
        Where and how to request the data.
    licence, terms
        Name of the licence, and its conditions in two lines.
    root
        Environment variable with the path of the data folder.
    tree
        Folder structure of the unpacked data.
    annotation
        The annotation sheet, if there is one.
    frame_names
        Naming of the frame files.
    fps, width, height
        Of the frames as distributed; None if parts of the data set differ.
    subjects, classes
        Of the experiment: number of subjects; number of clips of each class, in the order of confusion matrices.
    lengths
        Smallest and largest number of frames of a scored clip, onset and offset included.
    labels
        Emotion, in lower case -> class; None if it is not part of the experiment.
    fixes
        Known errors in the annotation.
    show
        What the licence permits to be published.
    parts
        Identifiers of the data sets of which this one is the union.
    loader
        ``module:function`` that takes a manifest, a root folder (or None) and whether to read frames, and
        returns a :class:`~astsvm_lib.datasets.Dataset` with the errors found.
    rehearsal
        True for rendered faces; every result is then marked as rehearsal data.
    """

    model_config = ConfigDict(
        title="Manifest of a data set",
        json_schema_extra={
            "if": {"properties": {"access": {"enum": ["gated", "published"]}}},
            "then": {"required": list(_NEEDED_ON_DISK)},
        },
    )

    id: str
    title: str
    version: str
    description: str
    doi: str | None = None
    citation: str | None = None
    access: Literal["gated", "generated", "published"]
    website: str | None = None
    obtain: str | None = None
    licence: str
    terms: str | None = None
    root: str | None = Field(default=None, pattern="^ASTSVM_[A-Z0-9_]+_ROOT$")
    tree: str | None = None
    annotation: Annotation | None = None
    frame_names: str | None = None
    fps: float | None
    width: int | None
    height: int | None
    subjects: int
    classes: dict[str, int]
    lengths: tuple[int, int]
    labels: dict[str, str | None]
    fixes: list[Fix] = []
    show: Show
    parts: list[str] = []
    loader: str = Field(pattern=r"^[\w.]+:\w+$")
    rehearsal: bool

    @property
    def heading(self) -> str:
        """Title of the data set in figures and tables."""
        return f"{self.title} (rehearsal data)" if self.rehearsal else self.title

    def first(self, count: str) -> Manifest:
        """The manifest of the first clips of a generated data set, with identifier ``ID@N``.

        Parameters
        ----------
        count
            Number of clips, as text. How many subjects and clips of each class these are is not declared; the loader
            counts them.

        Raises
        ------
        CompanionError
            If the data set is not generated, or the number is not from 2 to the number of its clips.
        """
        whole = sum(self.classes.values())
        valid = count.isascii() and count.isdigit() and 2 <= int(count) <= whole
        if self.access != "generated" or self.parts or not valid:
            raise CompanionError(
                f"{self.id}@{count}: expected ID@N with the number of clips of a generated data set, such as "
                f"rehearsal-wide@300, at least 2{f' and at most {whole}' if self.access == 'generated' else ''}"
            )
        return self.model_copy(update={"id": f"{self.id}@{count}", "title": f"{self.title}, first {count} clips"})

    def fix(self, subject: str, clip: str) -> Fix | None:
        """The known annotation error of a clip, or None.

        Parameters
        ----------
        subject, clip
            As in the clip's key.
        """
        return next((fix for fix in self.fixes if (fix.subject, fix.clip) == (subject, clip)), None)


def manifest_folder() -> Path:
    """The folder of the manifests, in the checkout or in the installed package."""
    return _IN_CHECKOUT if _IN_CHECKOUT.is_dir() else _BESIDE_PACKAGE


def available() -> list[str]:
    """Identifiers of all declared data sets."""
    return sorted(path.stem for path in manifest_folder().glob("*.yaml"))


def load_manifest(dataset: str) -> Manifest:
    """The manifest of a data set, by identifier; ``ID@N`` is the manifest of its first N clips.

    Raises
    ------
    CompanionError
        If the identifier is unknown, or the manifest is invalid.
    """
    name, _, number = dataset.partition("@")
    path = manifest_folder() / f"{name}.yaml"
    if name not in available():
        raise CompanionError(f"unknown data set '{name}'; expected one of {', '.join(available())}")
    status = path.stat()
    manifest = _read(path, status.st_mtime_ns, status.st_size)
    return manifest.first(number) if "@" in dataset else manifest


@lru_cache(maxsize=64)
def _read(path: Path, changed: int, size: int) -> Manifest:
    """The manifest in a file, cached until modification time or size of the file change."""
    try:
        return Manifest.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise CompanionError(f"manifest {path.name}: " + "; ".join(lines)) from None


def schema() -> dict[str, Any]:
    """JSON Schema of a manifest: the content of ``data_manifest/schema.json``."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Manifest.model_json_schema()}


def how_to_get(manifest: Manifest) -> str:
    """Instructions for obtaining a data set and setting its folder, as text for a terminal."""
    if manifest.access == "published":
        how = f"{manifest.title}: {manifest.obtain} {manifest.website}\nThen set its folder"
    else:
        how = (
            f"{manifest.title} is distributed under a licence. How to request it: {manifest.obtain} "
            f"{manifest.website}\nThen unpack it and set its folder"
        )
    return (
        f"{how} with --root FOLDER, or permanently with\n"
        f"  export {manifest.root}=FOLDER\n"
        f"(or {SHARED_ROOT} for a folder with all databases). Expected structure:\n{manifest.tree}"
    )


def root_of(manifest: Manifest, given: Path | None = None) -> Path | None:
    """The folder of a data set, or None if none is set.

    Parameters
    ----------
    manifest
        Declaration of the data set.
    given
        Folder; by default the value of the data set's environment variable, or else of :data:`SHARED_ROOT`.

    Raises
    ------
    CompanionError
        If the folder does not exist.
    """
    for source, value in (
        ("--root", given),
        (manifest.root, os.environ.get(manifest.root or "")),
        (SHARED_ROOT, os.environ.get(SHARED_ROOT)),
    ):
        if value:
            root = Path(value).expanduser()
            if not root.is_dir():
                raise CompanionError(
                    f"{manifest.id}: expected a folder with the unpacked data, found none at {source} '{value}'.\n"
                    + how_to_get(manifest)
                )
            return root
    return None


def set_root(datasets: Iterable[str], root: Path) -> None:
    """Set the folder of data sets for this process and its child processes.

    Parameters
    ----------
    datasets
        Identifiers; generated data sets have no folder and are ignored.
    root
        Folder of the data.

    Raises
    ------
    CompanionError
        If none of the data sets is read from disk.
    """
    known = [load_manifest(name) for name in datasets if name in available()]
    on_disk = [manifest for manifest in known if manifest.root is not None]
    if not on_disk:
        names = ", ".join(manifest.id for manifest in known) or "no data"
        raise CompanionError(f"--root: expected a data set that is read from disk, found {names}; omit --root")
    for manifest in on_disk:
        os.environ[str(manifest.root)] = str(root.expanduser().resolve())
