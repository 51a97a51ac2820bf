"""Landmarks of a whole data set in one small file: found on one machine, used on another that has no dlib."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from tqdm import tqdm

from astsvm_lib.datasets.clip import Clip, Dataset
from astsvm_lib.errors import CompanionError
from astsvm_lib.preprocessing.pipeline import detect, landmark_key
from astsvm_lib.processes import ONE_THREAD, run_each
from astsvm_lib.recipe import Recipe
from astsvm_lib.storage import Cache, code_digest, write_arrays, write_atomically


class ClipLandmarks(BaseModel):
    """Landmarks of one clip.

    Attributes
    ----------
    content
        Digest of the frames that they were found in.
    landmarks
        (1, 68, 2) of the onset, or (T, 68, 2) of every frame: column and row, pixels.
    """

    model_config = ConfigDict(extra="forbid")

    content: str
    landmarks: list[list[tuple[float, float]]]


class LandmarkFile(BaseModel):
    """What the file holds, as JSON.

    Attributes
    ----------
    format
        Name and version of the format.
    dataset
        Identifier.
    detector
        Digest of the code that found the landmarks.
    every_frame
        False: those of the onset alone.
    clips
        By key.
    """

    model_config = ConfigDict(extra="forbid")

    format: Literal["astsvm-landmarks-1"]
    dataset: str
    detector: str
    every_frame: bool
    clips: dict[str, ClipLandmarks]


def _detect_at(clip: Clip, recipe: Recipe, root: Path) -> tuple[str, np.ndarray]:
    return clip.key, detect(clip, recipe, Cache(root))


def export_landmarks(dataset: Dataset, recipe: Recipe, path: Path, jobs: int = 1, cache: Cache | None = None) -> int:
    """Write the landmarks of every scored clip, found now where they are not in the cache.

    Parameters
    ----------
    recipe
        Its registration says whether the onset or every frame is meant.
    jobs
        Clips that are worked on at once.

    Returns
    -------
    int
        Number of clips.

    Raises
    ------
    CompanionError
        If no face, or more than one, is found in a frame.
    """
    root = (cache or Cache()).root
    work = [(clip, recipe, root) for clip in dataset]
    results = run_each(_detect_at, work, jobs, ONE_THREAD) if jobs > 1 else (_detect_at(*item) for item in work)
    found = dict(tqdm(results, "landmarks", len(work), unit="clip", disable=None, leave=False))
    written = LandmarkFile(
        format="astsvm-landmarks-1",
        dataset=dataset.id,
        detector=code_digest("preprocessing.detection"),
        every_frame=recipe.registration.scope == "frame",
        clips={
            clip.key: ClipLandmarks(content=clip.content, landmarks=np.round(found[clip.key], 3).tolist())
            for clip in dataset
        },
    )
    write_atomically(path, json.dumps(written.model_dump(), separators=(",", ":")).encode())
    return len(work)


def _checked(dataset: Dataset, recipe: Recipe, path: Path) -> dict[str, np.ndarray]:
    """Landmarks by key, all of them as they should be."""
    try:
        read = LandmarkFile.model_validate_json(path.read_bytes())
    except OSError as error:
        raise CompanionError(f"landmark file {path}: cannot be read ({error.strerror})") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise CompanionError(
            f"landmark file {path.name}: expected what astsvm data export-landmarks writes; {where}: {first['msg']}"
        ) from None
    file = f"landmark file {path.name}"
    if read.dataset != dataset.id:
        raise CompanionError(f"{file}: expected landmarks of {dataset.id}, found those of {read.dataset}")
    detector = code_digest("preprocessing.detection")
    if read.detector != detector:
        raise CompanionError(
            f"{file}: expected landmarks by this version's detector ({detector}), found {read.detector}; export them "
            "again with this version"
        )
    every = recipe.registration.scope == "frame"
    if read.every_frame != every:
        words = {True: "every frame", False: "the onset"}
        raise CompanionError(
            f"{file}: the recipe needs landmarks of {words[every]}, it holds those of {words[not every]}"
        )
    found = {}
    for clip in dataset:
        entry = read.clips.get(clip.key)
        if entry is None:
            raise CompanionError(f"{file}: expected every clip of {dataset.id}, {clip.key} is missing")
        if entry.content != clip.content:
            raise CompanionError(
                f"{file}: {clip.key}: its frames here are not those that the landmarks were found in (digest "
                f"{clip.content}, in the file {entry.content})"
            )
        frames = clip.length if every else 1
        counts = sorted({len(points) for points in entry.landmarks})
        if (len(entry.landmarks), counts) != (frames, [68]):
            raise CompanionError(
                f"{file}: {clip.key}: expected 68 landmarks in {frames} frames, found {counts} in "
                f"{len(entry.landmarks)}"
            )
        points = np.array(entry.landmarks, np.float32)
        if not np.isfinite(points).all():
            raise CompanionError(f"{file}: {clip.key}: expected finite coordinates, found others")
        found[clip.key] = points
    return found


def import_landmarks(dataset: Dataset, recipe: Recipe, path: Path, cache: Cache | None = None) -> int:
    """Put landmarks from a file where preprocessing looks for them; all clips, or none.

    Returns
    -------
    int
        Number of clips.

    Raises
    ------
    CompanionError
        If the file is of other data, another detector, or other frames, or a clip is missing.
    """
    cache = cache or Cache()
    found = _checked(dataset, recipe, path)
    for clip in dataset:
        write_arrays(cache.path("landmarks", landmark_key(clip, recipe)), {"landmarks": found[clip.key]})
    return len(found)
