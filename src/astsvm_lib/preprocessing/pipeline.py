"""The whole of section III.A.1: a clip becomes (10, 192, 192)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from astsvm_lib.datasets.clip import Clip
from astsvm_lib.errors import CompanionError
from astsvm_lib.preprocessing.detection import find_landmarks
from astsvm_lib.preprocessing.interpolation import interpolate
from astsvm_lib.preprocessing.magnification import magnify
from astsvm_lib.preprocessing.registration import register
from astsvm_lib.processes import each
from astsvm_lib.recipe import Recipe
from astsvm_lib.storage import Cache, code_digest

#: Stages of the recipe that the prepared frames depend on, beside the number of frames.
STAGES = ("registration", "magnification", "interpolation")


@dataclass(frozen=True)
class Prepared:
    """A clip after preprocessing.

    Attributes
    ----------
    frames
        (N, 192, 192) float32 grey values, N = 10 (11 where R6 leaves the onset out); the first is
        the onset. Magnification may take values outside 0..255.
    landmarks
        (68, 2) float32: the onset's landmarks in the pixels of the original frame.
    transform
        (2, 3) from the original frame's pixels to the crop's, at the onset.
    """

    frames: np.ndarray
    landmarks: np.ndarray
    transform: np.ndarray


def frames_wanted(recipe: Recipe) -> int:
    """Length of a prepared clip: one more than the features' where the onset is left out of them."""
    return recipe.interpolation.frames + (recipe.difference.onset == "excluded")


def find_all_landmarks(frames: np.ndarray, recipe: Recipe, where: str) -> np.ndarray:
    """Landmarks that the recipe's registration needs: (1, 68, 2) of the onset, or (T, 68, 2)."""
    chosen = range(len(frames)) if recipe.registration.scope == "frame" else [0]
    return np.stack([find_landmarks(frames[i], f"{where}, frame {i}") for i in chosen])


def landmark_key(clip: Clip, recipe: Recipe) -> dict[str, object]:
    """What a clip's cached landmarks are known by."""
    return {
        "clip": clip.key,
        "content": clip.content,
        "every frame": recipe.registration.scope == "frame",
        "code": code_digest("preprocessing.detection"),
    }


def detect(clip: Clip, recipe: Recipe, cache: Cache, frames: np.ndarray | None = None) -> np.ndarray:
    """:func:`find_all_landmarks` of a clip, from the cache where they were found before.

    They are cached on their own: :mod:`astsvm_lib.preprocessing.landmark_file` carries them to a machine
    without dlib.

    Parameters
    ----------
    frames
        The clip's frames, where they are at hand; otherwise as many are loaded as are needed.
    """
    every = recipe.registration.scope == "frame"

    def find() -> dict[str, np.ndarray]:
        seen = clip.load_frames(None if every else [0]) if frames is None else frames
        return {"landmarks": find_all_landmarks(seen, recipe, clip.key)}

    return cache.get("landmarks", landmark_key(clip, recipe), find)["landmarks"]


def prepare_frames(frames: np.ndarray, fps: float, landmarks: np.ndarray, recipe: Recipe, where: str) -> Prepared:
    """Register, magnify and interpolate frames whose landmarks are known.

    Parameters
    ----------
    frames
        (T, H, W) or (T, H, W, 3), onset to offset, values 0..255.
    fps
        Frames a second.
    landmarks
        (1, 68, 2) of the onset, or (T, 68, 2) for per-frame registration.
    recipe
        Stages ``registration``, ``magnification``, ``interpolation``; ``difference.onset``.
    where
        What the clip is, for messages.

    Raises
    ------
    CompanionError
        If there are fewer than two frames.
    """
    if len(frames) < 2:
        raise CompanionError(f"{where}: expected at least 2 frames from onset to offset, found {len(frames)}")
    points = landmarks if recipe.registration.scope == "frame" else landmarks[0]
    crops, transforms = register(frames, points, recipe.registration)
    louder = magnify(crops, fps, recipe.magnification, where)
    options = recipe.interpolation
    ten = interpolate(louder, frames_wanted(recipe), options.method, options.components)
    return Prepared(ten.astype(np.float32), landmarks[0].astype(np.float32), transforms[0])


def prepare(clip: Clip, recipe: Recipe, cache: Cache | None = None) -> Prepared:
    """A clip after preprocessing, from the cache where it was prepared before.

    Raises
    ------
    CompanionError
        If no face, or more than one, is found in the onset frame, or the clip has one frame.
    """
    cache = cache or Cache()

    def make() -> dict[str, np.ndarray]:
        frames = clip.load_frames()
        landmarks = detect(clip, recipe, cache, frames)
        prepared = prepare_frames(frames, clip.fps, landmarks, recipe, clip.key)
        return {"frames": prepared.frames, "landmarks": prepared.landmarks, "transform": prepared.transform}

    key = {
        "clip": clip.key,
        "content": clip.content,
        "fps": clip.fps,
        "recipe": recipe.digest(*STAGES),
        "frames": frames_wanted(recipe),
        "code": code_digest("preprocessing"),
    }
    return Prepared(**cache.get("prepared", key, make))


def _prepare_at(clip: Clip, recipe: Recipe, root: Path) -> None:
    prepare(clip, recipe, Cache(root))


def prepare_all(
    clips: Iterable[Clip], recipe: Recipe, cache: Cache | None = None, jobs: int = 1, progress: bool = True
) -> None:
    """Prepare many clips, so that they lie in the cache: landmarks and (10, 192, 192) frames.

    Frames go straight from the data set into preprocessing and are not kept.

    Parameters
    ----------
    jobs
        Clips that are worked on at once, each in a process of its own.
    progress
        Show a bar.
    """
    work = [(clip, recipe, (cache or Cache()).root) for clip in clips]
    for _ in each(_prepare_at, work, jobs, "preparing clips", progress):
        pass
