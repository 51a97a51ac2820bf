"""Preprocessing of section III.A.1, from a clip to (10, 192, 192) frames."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.errors import CompanionError
from astsvm_lib.parallel import map_ordered
from astsvm_lib.preprocessing.detection import find_landmarks
from astsvm_lib.preprocessing.interpolation import interpolate
from astsvm_lib.preprocessing.magnification import magnify
from astsvm_lib.preprocessing.registration import register
from astsvm_lib.recipe import FRAMES, Recipe
from astsvm_lib.stages import cache_key

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1


@dataclass(frozen=True)
class Prepared:
    """A clip after preprocessing.

    Attributes
    ----------
    frames
        (N, 192, 192) float32 grey values, the onset first; N = 10, or 11 with ``difference.onset="excluded"``
        (R6). After magnification, values may be outside 0..255.
    landmarks
        (68, 2) float32: landmarks of the onset, in pixels of the original frame.
    transform
        (2, 3) from pixels of the original frame to pixels of the crop, at the onset.
    """

    frames: np.ndarray
    landmarks: np.ndarray
    transform: np.ndarray


def frames_wanted(recipe: Recipe) -> int:
    """Number of frames of a prepared clip: 10, or 11 with ``difference.onset="excluded"``."""
    return FRAMES + (recipe.difference.onset == "excluded")


def find_all_landmarks(frames: np.ndarray, recipe: Recipe, where: str) -> np.ndarray:
    """Landmarks that the registration requires: (1, 68, 2) of the onset, or (T, 68, 2) of every frame.

    Parameters
    ----------
    frames
        (T, H, W) or (T, H, W, 3), values 0..255.
    recipe
        Section ``registration``.
    where
        Name of the clip in error messages.

    Raises
    ------
    CompanionError
        If no face, or more than one, is found in a frame.
    """
    chosen = range(len(frames)) if recipe.registration.scope == "frame" else [0]
    return np.stack([find_landmarks(frames[i], f"{where}, frame {i}") for i in chosen])


def landmark_key(clip: Clip, recipe: Recipe) -> dict[str, object]:
    """Cache key of a clip's landmarks.

    Parameters
    ----------
    clip
        Clip whose landmarks are cached.
    recipe
        Section ``registration``.
    """
    every = recipe.registration.scope == "frame"
    return cache_key("detection", recipe, clip=clip.key, content=clip.content, every_frame=every)


def detect(clip: Clip, recipe: Recipe, cache: Cache, frames: np.ndarray | None = None) -> np.ndarray:
    """Landmarks of a clip, if they are known; else :func:`find_all_landmarks`, detected once and cached.

    The landmarks have cache entries of their own, so that :mod:`astsvm_lib.preprocessing.landmark_file` can
    transfer them to a machine without dlib.

    Parameters
    ----------
    clip
        Clip with its annotation.
    recipe
        Section ``registration``.
    cache
        Cache of the landmarks.
    frames
        All frames of the clip, if already loaded; otherwise the required ones are loaded.

    Raises
    ------
    CompanionError
        If no face, or more than one, is found in a frame.
    """
    if clip.load_landmarks is not None:
        return clip.load_landmarks()[None]
    every = recipe.registration.scope == "frame"

    def find() -> dict[str, np.ndarray]:
        loaded = clip.load_frames(None if every else [0]) if frames is None else frames
        return {"landmarks": find_all_landmarks(loaded, recipe, clip.key)}

    return cache.get("landmarks", landmark_key(clip, recipe), find)["landmarks"]


def prepare_frames(frames: np.ndarray, fps: float, landmarks: np.ndarray, recipe: Recipe, where: str) -> Prepared:
    """Register, magnify and interpolate frames with known landmarks.

    Parameters
    ----------
    frames
        (T, H, W) or (T, H, W, 3), onset to offset, values 0..255.
    fps
        Frames per second.
    landmarks
        (1, 68, 2) of the onset, or (T, 68, 2) for per-frame registration.
    recipe
        Sections ``registration``, ``magnification`` and ``interpolation``; ``difference.onset``.
    where
        Name of the clip in messages.

    Returns
    -------
    Prepared
        10 or 11 frames, the onset's landmarks and its transform.

    Raises
    ------
    CompanionError
        If there are fewer than two frames, ``fps`` is not positive, or the magnification band is empty.
    """
    if len(frames) < 2:
        raise CompanionError(f"{where}: expected at least 2 frames from onset to offset, found {len(frames)}")
    points = landmarks if recipe.registration.scope == "frame" else landmarks[0]
    crops, transforms = register(frames, points, recipe.registration)
    magnified = magnify(crops, fps, recipe.magnification, where)
    options = recipe.interpolation
    resampled = interpolate(magnified, frames_wanted(recipe), options.method, options.components)
    return Prepared(resampled.astype(np.float32), landmarks[0].astype(np.float32), transforms[0])


def prepared_key(clip: Clip, recipe: Recipe) -> dict[str, object]:
    """Cache key of a clip's prepared frames.

    Parameters
    ----------
    clip
        Clip whose prepared frames are cached.
    recipe
        Recipe of the preprocessing.
    """
    frames = frames_wanted(recipe)
    return cache_key("preparation", recipe, clip=clip.key, content=clip.content, fps=clip.fps, frames=frames)


def prepare(clip: Clip, recipe: Recipe, cache: Cache | None = None) -> Prepared:
    """A clip after preprocessing; prepared once and cached.

    Parameters
    ----------
    clip
        Clip with its annotation.
    recipe
        Sections ``registration``, ``magnification`` and ``interpolation``; ``difference.onset``.
    cache
        The user's cache by default.

    Raises
    ------
    CompanionError
        If no face, or more than one, is found in a frame that needs landmarks, or the clip has fewer than two frames.
    """
    cache = cache or Cache()

    def make() -> dict[str, np.ndarray]:
        frames = clip.load_frames()
        landmarks = detect(clip, recipe, cache, frames)
        prepared = prepare_frames(frames, clip.fps, landmarks, recipe, clip.key)
        return {"frames": prepared.frames, "landmarks": prepared.landmarks, "transform": prepared.transform}

    return Prepared(**cache.get("prepared", prepared_key(clip, recipe), make))


def _prepare_at(clip: Clip, recipe: Recipe, root: Path) -> None:
    prepare(clip, recipe, Cache(root))


def prepare_all(
    clips: Iterable[Clip], recipe: Recipe, cache: Cache | None = None, jobs: int = 1, progress: bool = True
) -> None:
    """Prepare many clips and store the results, landmarks and (10, 192, 192) frames, in the cache.

    The original frames are not stored.

    Parameters
    ----------
    clips
        Clips with their annotation.
    recipe
        Sections ``registration``, ``magnification`` and ``interpolation``; ``difference.onset``.
    cache
        The user's cache by default.
    jobs
        Number of processes.
    progress
        Show a progress bar.

    Raises
    ------
    CompanionError
        If a clip cannot be prepared; see :func:`prepare`.
    """
    work = [(clip, recipe, (cache or Cache()).root) for clip in clips]
    for _ in map_ordered(_prepare_at, work, jobs, "preparing clips", progress):
        pass
