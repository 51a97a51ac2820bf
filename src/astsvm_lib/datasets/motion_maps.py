"""Loader of published onset-apex maps: one image per clip with flow and optical strain in its channels."""

from __future__ import annotations

import csv
import itertools
from collections import Counter
from functools import partial
from pathlib import Path
from typing import NoReturn

import numpy as np

from astsvm_lib.datasets.clip import Clip, Dataset
from astsvm_lib.datasets.images import read_image
from astsvm_lib.datasets.manifest import Manifest, how_to_get, root_of
from astsvm_lib.errors import CompanionError
from astsvm_lib.storage import digest

#: Table of the clips, and folder of the images, in the repository of HTNet (Wang et al. 2024).
SHEET = "combined_3_class2_for_optical_flow.csv"
FOLDER = Path("datasets") / "STSNet_whole_norm_u_v_os"
COLUMNS = ("dataset", "sub", "filename_o", "label")
#: Name of a database in the table -> data set of the library.
DATABASES = {"casme2": "casme2", "smic": "smic-hs", "samm": "samm"}
SIDE = 28
#: Channels of an image in RGB order.
CHANNELS = ("u", "v", "strain")
#: Fewest clips by which the order of the channels is checked.
FEWEST_FOR_ORDER = 30


def _find_root(manifest: Manifest, given: Path | None) -> Path:
    """The clone: the folder given, or its only subfolder with the table.

    Raises
    ------
    CompanionError
        If the table or the folder of images is not found.
    """
    root = root_of(manifest, given)
    if root is None:
        raise CompanionError(f"{manifest.id}: no folder is set.\n{how_to_get(manifest)}")
    candidates = [root, *sorted(path for path in root.iterdir() if path.is_dir())]
    found = [path for path in candidates if (path / SHEET).is_file()]
    if not found:
        raise CompanionError(
            f"{manifest.id}: expected a clone of {manifest.website} with {SHEET}, found none in '{root}'.\n"
            + how_to_get(manifest)
        )
    if not (found[0] / FOLDER).is_dir():
        raise CompanionError(
            f"{manifest.id}: expected the folder {FOLDER.as_posix()} in the clone, found none; clone it again"
        )
    return found[0]


def _read_rows(manifest: Manifest, path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        missing = [name for name in COLUMNS if name not in (reader.fieldnames or ())]
        if missing:
            raise CompanionError(
                f"{manifest.id}: expected the columns {', '.join(COLUMNS)} in {path.name}, found "
                f"{', '.join(reader.fieldnames or ()) or 'nothing'}; clone the repository again"
            )
        return list(reader)


def read_maps(path: Path, where: str) -> np.ndarray:
    """The maps of a clip, (28, 28, 3) float32: u, v and strain, each in 0..1.

    Parameters
    ----------
    path
        Image of the clip.
    where
        Key of the clip in error messages.

    Raises
    ------
    CompanionError
        If the file is not an image of 28 x 28 pixels in colour.
    """
    image = read_image(path, f"{where}, {path.name}")
    if image.shape != (SIDE, SIDE, 3):
        found = " x ".join(map(str, image.shape))
        raise CompanionError(f"{where}: expected an image of {SIDE} x {SIDE} pixels in colour, found {found}")
    return image.astype(np.float32) / 255


def _no_frames(where: str, chosen: object = None) -> NoReturn:
    raise CompanionError(
        f"{where}: this data set has onset-apex maps only, no frames; expected a method on maps: maps-svm, "
        "megc-baseline, off-apexnet or ststnet"
    )


def strain_agreement(u: np.ndarray, v: np.ndarray, strain: np.ndarray) -> float:
    """Mean correlation over clips of a strain map with the strain computed from maps of the flow.

    Parameters
    ----------
    u, v, strain
        Maps (N, H, W); the scale of each is arbitrary.

    Notes
    -----
    The computed strain has du/dx and dv/dy with weight 1 and du/dy, dv/dx with weight 1/2, so that the correlation
    is smaller if u and v are exchanged.
    """
    uy, ux = np.gradient(u, axis=(1, 2))
    vy, vx = np.gradient(v, axis=(1, 2))
    computed = np.sqrt(ux**2 + vy**2 + 0.5 * (uy + vx) ** 2).reshape(len(u), -1)
    given = strain.reshape(len(u), -1)
    return float(np.mean([np.corrcoef(a, b)[0, 1] for a, b in zip(computed, given, strict=True)]))


def check_order(maps: np.ndarray, where: str) -> None:
    """Check that the channels of maps are u, v and strain, in this order.

    Parameters
    ----------
    maps
        (N, H, W, 3) of at least :data:`FEWEST_FOR_ORDER` clips.
    where
        Name of the data set in error messages.

    Raises
    ------
    CompanionError
        If strain computed from the channels agrees better with the maps in another order.
    """
    moving = maps[(maps.std((1, 2)) > 0).all(1)].astype(np.float64)
    if len(moving) < FEWEST_FOR_ORDER:
        raise CompanionError(
            f"{where}: expected at least {FEWEST_FOR_ORDER} clips with motion to check the order of the channels, "
            f"found {len(moving)}"
        )
    agreement = {
        order: strain_agreement(*(moving[..., order.index(name)] for name in CHANNELS))
        for order in itertools.permutations(CHANNELS)
    }
    best = max(agreement, key=lambda order: agreement[order])
    if best != CHANNELS:
        raise CompanionError(
            f"{where}: expected the channels {', '.join(CHANNELS)} (red, green, blue), found {', '.join(best)}, whose "
            f"strain agrees better with the flow (correlation {agreement[best]:.2f}, not {agreement[CHANNELS]:.2f}); "
            "restore the images of the repository"
        )


def inspect(manifest: Manifest, root: Path | None, read_frames: bool) -> Dataset:
    """Published maps as found in a clone of their repository, with errors and notes.

    Parameters
    ----------
    manifest
        Declaration of the data set.
    root
        Folder of the clone; see :func:`~astsvm_lib.datasets.manifest.root_of` for the default.
    read_frames
        Ignored: all maps are read in any case, to check the order of their channels.

    Raises
    ------
    CompanionError
        If the clone is not found, or is that of another repository.
    """
    place = _find_root(manifest, root)
    rows = _read_rows(manifest, place / SHEET)
    files = {path.stem.strip(): path for path in sorted((place / FOLDER).glob("*.png"))}
    counts = Counter((row["dataset"], row["sub"], row["filename_o"]) for row in rows)
    errors = [
        f"{'/'.join(key)}: expected one row in {SHEET}, found {count}" for key, count in counts.items() if count > 1
    ]
    clips, maps = [], []
    for row in rows:
        database, subject, name = key = row["dataset"], row["sub"], row["filename_o"]
        where, label, file = "/".join(key), manifest.labels.get(row["label"]), files.pop(f"{subject}_{name}", None)
        if counts[key] > 1:
            continue
        if database not in DATABASES:
            errors.append(f"{where}: expected one of the databases {', '.join(DATABASES)}, found '{database}'")
        elif label is None:
            errors.append(f"{where}: expected a label of {', '.join(manifest.labels)}, found '{row['label']}'")
        elif file is None:
            errors.append(
                f"{where}: expected the image '{subject}_{name} .png', found none; clone the repository again"
            )
        else:
            try:
                maps.append(read_maps(file, where))
            except CompanionError as error:
                errors.append(str(error))
                continue
            clips.append(_clip(DATABASES[database], subject, name, label, file))
    errors += [f"{path.name}: image without a row in {SHEET}" for path in files.values()]
    if not errors:
        try:
            check_order(np.stack(maps), manifest.id)
        except CompanionError as error:
            errors.append(str(error))
    note = f"{manifest.id}: the maps show motion from onset to apex; there are no frames, lengths or action units"
    return Dataset(manifest, tuple(clips), (), tuple(errors), (note,))


def _fingerprint(file: Path, where: str) -> str:
    return digest([where, read_maps(file, where).tolist()])


def _clip(database: str, subject: str, name: str, label: str, file: Path) -> Clip:
    where = f"{database}/{subject}/{name}"
    return Clip(
        dataset=database,
        subject=subject,
        name=name,
        label=label,
        fps=0.0,
        onset=0,
        apex=1,
        offset=1,
        hash_frames=partial(_fingerprint, file, where),
        load_frames=partial(_no_frames, where),
        load_maps=partial(read_maps, file, where),
    )
