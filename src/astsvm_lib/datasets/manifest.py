"""What is declared of a data set in ``data_manifest/``, and how its clips are found."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from astsvm_lib.datasets.privacy import remember
from astsvm_lib.errors import CompanionError

if TYPE_CHECKING:
    from astsvm_lib.datasets.clip import Dataset

_BESIDE_PACKAGE = Path(__file__).parents[1] / "data_manifest"  # in an installed wheel
_IN_CHECKOUT = Path(__file__).parents[3] / "data_manifest"

#: A folder that holds several databases, where no variable of their own is set.
SHARED_ROOT = "ASTSVM_DATA_ROOT"


class Declared(BaseModel):
    """A part of a manifest: frozen, and no key that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Annotation(Declared):
    """The annotation sheet of a database.

    Attributes
    ----------
    files
        Names of the sheet as it is distributed, as patterns; upper or lower case.
    columns
        What the library needs -> names that the column has in some distribution.
    rows
        Number of rows in the distribution that the counts belong to.
    required
        False where the folders are the truth and the sheet is only a check.
    """

    files: list[str] = Field(min_length=1)
    columns: dict[Literal["subject", "clip", "onset", "apex", "offset", "action_units", "emotion"], list[str]]
    rows: int
    required: bool = True


class Fix(Declared):
    """What is known to be wrong in the annotation of one clip, by subject and clip, never by row number.

    Attributes
    ----------
    subject, clip
        As in the clip's key.
    action
        ``leave out`` of the experiment; or ``apex unknown``: the middle of the clip stands for it.
    reason
        Why.
    """

    subject: str
    clip: str
    action: Literal["leave out", "apex unknown"]
    reason: str


class Show(Declared):
    """What the licence lets a book show: frames of people; their landmarks; flow and averages."""

    frames: bool
    landmarks: bool
    aggregates: bool


_NEEDED_WHEN_GATED = ("website", "obtain", "terms", "root", "tree", "doi", "citation")


class Manifest(Declared):
    """One file of ``data_manifest/``; ``schema.json`` there is this class as a JSON Schema.

    Attributes
    ----------
    id, title, version, description
        What the book's data page says of the data set.
    doi, citation
        Of the paper that presents it, and its key in the book's bibliography.
    access
        ``generated``: the library makes it; ``gated``: its owners give it out under a licence.
    website, obtain
        Where and how to ask for it.
    licence, terms
        Name of the licence, and what it asks for in two lines.
    root
        Environment variable that names the folder of the data.
    tree
        What the unpacked data looks like on disk.
    annotation
        The annotation sheet, where there is one.
    frame_names
        How frame files are named.
    fps, width, height
        Of the frames, before any cropping; None where parts of the data set differ.
    subjects, classes
        Of the experiment: number of subjects; clips of each class, in the order of confusion matrices.
    lengths
        Fewest and most frames of a scored clip, onset and offset included.
    labels
        Emotion, in lower case -> class; None: coded, but not part of the experiment.
    fixes
        Known faults of the annotation.
    show
        What a book may show.
    parts
        Data sets that this one is the union of.
    loader
        ``module:function`` that takes a manifest, a root folder (or None) and whether to read frames,
        and gives a :class:`~astsvm_lib.datasets.Dataset` with what it found wrong.
    rehearsal
        True for rendered faces: every result then says so.
    """

    model_config = ConfigDict(
        title="Manifest of a data set",
        json_schema_extra={
            "if": {"properties": {"access": {"const": "gated"}}},
            "then": {"required": list(_NEEDED_WHEN_GATED)},
        },
    )

    id: str
    title: str
    version: str
    description: str
    doi: str | None = None
    citation: str | None = None
    access: Literal["gated", "generated"]
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
        """What a figure or table of results is headed with."""
        return f"{self.title} (rehearsal data)" if self.rehearsal else self.title

    def fix(self, subject: str, clip: str) -> Fix | None:
        """What is known to be wrong with a clip, if anything is."""
        return next((fix for fix in self.fixes if (fix.subject, fix.clip) == (subject, clip)), None)


def manifest_folder() -> Path:
    """The folder of manifests: in the checkout, or beside the installed package."""
    return _IN_CHECKOUT if _IN_CHECKOUT.is_dir() else _BESIDE_PACKAGE


def available() -> list[str]:
    """Identifiers of all declared data sets."""
    return sorted(path.stem for path in manifest_folder().glob("*.yaml"))


def load_manifest(dataset: str) -> Manifest:
    """Read one manifest.

    Raises
    ------
    CompanionError
        If no data set has this identifier, or its manifest is not as :class:`Manifest` says.
    """
    path = manifest_folder() / f"{dataset}.yaml"
    if dataset not in available():
        raise CompanionError(f"unknown data set '{dataset}'; expected one of {', '.join(available())}")
    try:
        return Manifest.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise CompanionError(f"manifest {path.name}: " + "; ".join(lines)) from None


def schema() -> dict[str, Any]:
    """The JSON Schema that every manifest obeys: what ``data_manifest/schema.json`` holds."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Manifest.model_json_schema()}


def how_to_get(manifest: Manifest) -> str:
    """Where to ask for a data set and where to put it, in words for a terminal."""
    return (
        f"{manifest.title} is given out under a licence. How to ask: {manifest.obtain} {manifest.website}\n"
        f"Then unpack it, and name its folder with --root FOLDER, or once for all with\n"
        f"  export {manifest.root}=FOLDER\n"
        f"(or {SHARED_ROOT} for a folder that holds all databases). It should look like this:\n{manifest.tree}"
    )


def root_of(manifest: Manifest, given: Path | None = None) -> Path | None:
    """The folder of a data set: the one given, else that of its environment variable, else the shared one.

    Raises
    ------
    CompanionError
        If the folder that was named does not exist.
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
    """Let this process, and those that it starts, find data sets in a folder.

    Parameters
    ----------
    datasets
        Identifiers; generated data needs no folder and is left alone.

    Raises
    ------
    CompanionError
        If none of them is read from a disk.
    """
    known = [load_manifest(name) for name in datasets if name in available()]
    gated = [manifest for manifest in known if manifest.root is not None]
    if not gated:
        names = ", ".join(manifest.id for manifest in known) or "no data"
        raise CompanionError(f"--root: expected a data set that is read from a disk, found {names}; leave --root out")
    for manifest in gated:
        os.environ[str(manifest.root)] = str(root.expanduser().resolve())


def inspect(dataset: str, root: Path | None = None, read_frames: bool = False) -> Dataset:
    """A data set as it is found, with what is wrong in ``faults`` and what is worth knowing in ``notes``.

    Parameters
    ----------
    dataset
        Identifier, one of :func:`available`.
    root
        Folder of the data, for data that is not generated; see :func:`root_of` for its default.
    read_frames
        Also read the first and the last frame of each scored clip.

    Raises
    ------
    CompanionError
        If there is nothing to look at: the message says how to apply, and where to put the data.
    """
    manifest = load_manifest(dataset)
    if root is not None and manifest.access == "generated":
        raise CompanionError(f"{dataset} is generated by the library: it takes no root folder, found '{root}'")
    module, function = manifest.loader.split(":")
    result: Dataset = getattr(importlib.import_module(module), function)(manifest, root, read_frames)
    remember(result.manifest)
    return result


def load(dataset: str, root: Path | None = None) -> Dataset:
    """A data set by its identifier: its clips, with frames that are read or rendered on demand.

    Parameters
    ----------
    dataset
        Identifier, one of :func:`available`.
    root
        Folder of the data, for data that is not generated; see :func:`root_of` for its default.

    Raises
    ------
    CompanionError
        If the experiment would not use exactly the clips that the manifest declares.
    """
    found = inspect(dataset, root)
    deviations = found.deviations()
    if deviations:
        shown = "\n".join(f"  {line}" for line in deviations[:5])
        more = f"\n  and {len(deviations) - 5} more" if len(deviations) > 5 else ""
        raise CompanionError(
            f"{dataset}: the data is not as declared, so the experiment would be another one:\n{shown}{more}\n"
            f"astsvm data check {dataset} lists everything"
        )
    return found
