"""Landmarks of a data set in one file: detected on one machine, used on another without dlib."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from tqdm import tqdm

from astsvm_lib.cache import Cache
from astsvm_lib.datasets.clip import Clip, Dataset
from astsvm_lib.errors import CompanionError
from astsvm_lib.parallel import ONE_THREAD, map_unordered
from astsvm_lib.preprocessing.pipeline import detect, landmark_key
from astsvm_lib.recipe import Recipe
from astsvm_lib.stages import stage_version
from astsvm_lib.storage import write_arrays, write_atomically


class ClipLandmarks(BaseModel):
    """Landmarks of one clip.

    Attributes
    ----------
    content
        Digest of the frames in which they were detected.
    landmarks
        (1, 68, 2) of the onset, or (T, 68, 2) of every frame: column and row, in pixels.
    """

    model_config = ConfigDict(extra="forbid")

    content: str
    landmarks: list[list[tuple[float, float]]]


class LandmarkFile(BaseModel):
    """Content of the JSON file.

    Attributes
    ----------
    format
        Name and version of the format.
    dataset
        Identifier of the data set.
    detector
        Version of the detection stage.
    every_frame
        True for landmarks of every frame, False for the onset only.
    clips
        Key of a clip -> its landmarks.
    """

    model_config = ConfigDict(extra="forbid")

    format: Literal["astsvm-landmarks-1"]
    dataset: str
    detector: int
    every_frame: bool
    clips: dict[str, ClipLandmarks]


def _detect_at(clip: Clip, recipe: Recipe, root: Path) -> tuple[str, np.ndarray]:
    return clip.key, detect(clip, recipe, Cache(root))


def export_landmarks(dataset: Dataset, recipe: Recipe, path: Path, jobs: int = 1, cache: Cache | None = None) -> int:
    """Write the landmarks of every scored clip to a file; those not in the cache are detected first.

    Parameters
    ----------
    dataset
        Data set whose scored clips are written.
    recipe
        Its registration determines whether the landmarks of the onset or of every frame are needed.
    path
        File to write.
    jobs
        Number of processes.
    cache
        The user's cache by default.

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
    results = map_unordered(_detect_at, work, jobs, ONE_THREAD) if jobs > 1 else (_detect_at(*item) for item in work)
    found = dict(tqdm(results, "landmarks", len(work), unit="clip", disable=None, leave=False))
    written = LandmarkFile(
        format="astsvm-landmarks-1",
        dataset=dataset.id,
        detector=stage_version("detection"),
        every_frame=recipe.registration.scope == "frame",
        clips={
            clip.key: ClipLandmarks(content=clip.content, landmarks=np.round(found[clip.key], 3).tolist())
            for clip in dataset
        },
    )
    write_atomically(path, json.dumps(written.model_dump(), separators=(",", ":")).encode())
    return len(work)


def _checked(dataset: Dataset, recipe: Recipe, path: Path) -> dict[str, np.ndarray]:
    """Landmarks by clip key, read from a file and validated."""
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
    detector = stage_version("detection")
    if read.detector != detector:
        raise CompanionError(
            f"{file}: expected landmarks from version {detector} of the detection stage, found version "
            f"{read.detector}; export them again with this version of the library"
        )
    every = recipe.registration.scope == "frame"
    if read.every_frame != every:
        words = {True: "every frame", False: "the onset"}
        raise CompanionError(
            f"{file}: expected landmarks of {words[every]}, as the recipe requires; found those of {words[not every]}"
        )
    found = {}
    for clip in dataset:
        entry = read.clips.get(clip.key)
        if entry is None:
            raise CompanionError(f"{file}: expected every clip of {dataset.id}; {clip.key} is missing")
        if entry.content != clip.content:
            raise CompanionError(
                f"{file}: {clip.key}: the landmarks were detected in other frames: expected digest {clip.content}, "
                f"found {entry.content}"
            )
        frames = clip.length if every else 1
        counts = sorted({len(points) for points in entry.landmarks})
        if (len(entry.landmarks), counts) != (frames, [68]):
            raise CompanionError(
                f"{file}: {clip.key}: expected 68 landmarks in {frames} frames, found {counts} in "
                f"{len(entry.landmarks)} frames"
            )
        points = np.array(entry.landmarks, np.float32)
        if not np.isfinite(points).all():
            raise CompanionError(f"{file}: {clip.key}: expected finite coordinates, found infinite ones or NaN")
        found[clip.key] = points
    return found


def import_landmarks(dataset: Dataset, recipe: Recipe, path: Path, cache: Cache | None = None) -> int:
    """Import landmarks from a file into the cache, for all clips or for none.

    Parameters
    ----------
    dataset
        Data set to which the landmarks belong.
    recipe
        Its registration determines whether the landmarks of the onset or of every frame are needed.
    path
        File written by :func:`export_landmarks`.
    cache
        The user's cache by default.

    Returns
    -------
    int
        Number of clips.

    Raises
    ------
    CompanionError
        If the file cannot be read, belongs to another data set, detector version or set of frames, or lacks a clip.
    """
    cache = cache or Cache()
    found = _checked(dataset, recipe, path)
    for clip in dataset:
        write_arrays(cache.path("landmarks", landmark_key(clip, recipe)), {"landmarks": found[clip.key]})
    return len(found)
