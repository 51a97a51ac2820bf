"""Both features of a clip, computed from its frames or read from the cache."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.errors import CompanionError
from astsvm_lib.features.idsf import difference_sequence
from astsvm_lib.features.optical_flow import flow_sequence
from astsvm_lib.parallel import map_ordered
from astsvm_lib.preprocessing.pipeline import prepare
from astsvm_lib.recipe import FRAMES, Recipe
from astsvm_lib.stages import cache_key

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 2


@dataclass(frozen=True)
class Features:
    """The network's two inputs.

    Attributes
    ----------
    flow
        Optical flow in pixels, (..., 10, 192, 192) float32; (..., 2, 10, 192, 192) with both components.
    idsf
        Differences of grey values, in -1..1 by default, (..., 10, 192, 192) float32.
    """

    flow: np.ndarray
    idsf: np.ndarray

    def __getitem__(self, chosen: np.ndarray | slice | list[int]) -> Features:
        """Features of the selected clips."""
        return Features(self.flow[chosen], self.idsf[chosen])

    def __len__(self) -> int:
        return len(self.flow)

    @property
    def inputs(self) -> dict[str, np.ndarray]:
        """Inputs of the network by name, (..., 10, 192, 192) each: ``flow``, or ``flow_u`` and ``flow_v``; ``idsf``."""
        if self.flow.ndim == self.idsf.ndim:
            return {"flow": self.flow, "idsf": self.idsf}
        return {"flow_u": self.flow[..., 0, :, :, :], "flow_v": self.flow[..., 1, :, :, :], "idsf": self.idsf}


def stream_names(recipe: Recipe) -> tuple[str, ...]:
    """The streams of the network, in the order of its inputs: flow, IDSF or both (R10).

    With both components of the flow (R5), each has its own stream, ``flow_u`` and ``flow_v``.
    """
    flow = ("flow_u", "flow_v") if recipe.flow.component == "both" else ("flow",)
    return {"both": (*flow, "idsf"), "flow": flow, "idsf": ("idsf",)}[recipe.inception.streams]


def from_prepared(frames: np.ndarray, recipe: Recipe) -> Features:
    """Both features of a prepared clip.

    Parameters
    ----------
    frames
        (10, 192, 192) prepared grey values; (11, 192, 192) with ``difference.onset="excluded"``.
    recipe
        Sections ``flow`` and ``difference``.
    """
    flow = flow_sequence(frames, recipe.flow)[..., -FRAMES:, :, :]
    return Features(flow, difference_sequence(frames, recipe.difference))


def feature_key(clip: Clip, recipe: Recipe) -> dict[str, object]:
    """Cache key of a clip's features.

    Parameters
    ----------
    clip
        Clip whose features are cached.
    recipe
        Recipe of the features.
    """
    return cache_key("features", recipe, clip=clip.key, content=clip.content, fps=clip.fps)


def extract(clip: Clip, recipe: Recipe, cache: Cache | None = None) -> Features:
    """Both features of one clip; computed once and cached.

    Parameters
    ----------
    clip
        Clip with its annotation.
    recipe
        Preprocessing, flow and difference.
    cache
        The user's cache by default.

    Raises
    ------
    CompanionError
        If the clip cannot be prepared; see :func:`astsvm_lib.preprocessing.prepare`.
    """
    cache = cache or Cache()

    def make() -> dict[str, np.ndarray]:
        found = from_prepared(prepare(clip, recipe, cache).frames, recipe)
        return {"flow": found.flow, "idsf": found.idsf}

    return Features(**cache.get("features", feature_key(clip, recipe), make))


def _extract_at(clip: Clip, recipe: Recipe, root: Path) -> None:
    extract(clip, recipe, Cache(root))


def extract_all(
    clips: Iterable[Clip], recipe: Recipe, cache: Cache | None = None, jobs: int = 1, progress: bool = True
) -> Features:
    """Both features of many clips, in the order of the clips.

    Parameters
    ----------
    clips
        At least one clip.
    recipe
        Preprocessing, flow and difference.
    cache
        The user's cache by default.
    jobs
        Number of processes.
    progress
        Show a progress bar.

    Raises
    ------
    CompanionError
        If there is no clip, or a clip cannot be prepared; see :func:`astsvm_lib.preprocessing.prepare`.
    """
    cache = cache or Cache()
    clips = list(clips)
    if not clips:
        raise CompanionError("features: expected at least one clip, found none")
    if jobs > 1:
        waiting = [clip for clip in clips if not cache.path("features", feature_key(clip, recipe)).exists()]
        for _ in map_ordered(
            _extract_at, [(clip, recipe, cache.root) for clip in waiting], jobs, "preparing clips", progress
        ):
            pass
    found = map_ordered(extract, [(clip, recipe, cache) for clip in clips], 1, "reading features", progress)
    first = next(found)
    flow = np.empty((len(clips), *first.flow.shape), np.float32)
    idsf = np.empty((len(clips), *first.idsf.shape), np.float32)
    for i, features in enumerate(chain([first], found)):
        flow[i], idsf[i] = features.flow, features.idsf
    return Features(flow, idsf)


def _loaded_once(clip: Clip) -> Clip:
    """The clip with its frames kept in memory, as soon as they are needed."""

    @lru_cache(maxsize=1)
    def all_frames() -> np.ndarray:
        return clip.load_frames()

    def load(chosen: Sequence[int] | None = None) -> np.ndarray:
        return all_frames() if chosen is None else all_frames()[list(chosen)]

    return replace(clip, load_frames=load)


def _extract_recipes(clip: Clip, recipes: Sequence[Recipe], root: Path) -> None:
    loaded = _loaded_once(clip)
    for recipe in recipes:
        extract(loaded, recipe, Cache(root))


def extract_recipes(
    clips: Iterable[Clip],
    recipes: Sequence[Recipe],
    cache: Cache | None = None,
    jobs: int = 1,
    progress: bool = True,
) -> None:
    """Compute the features of many clips with many recipes, and store them in the cache.

    The frames of each clip are loaded once, which for a rendered clip takes longer than all further computations.

    Parameters
    ----------
    clips
        Clips with their annotation.
    recipes
        Preprocessing, flow and difference of each recipe are used.
    cache
        The user's cache by default.
    jobs
        Number of processes.
    progress
        Show a progress bar.

    Raises
    ------
    CompanionError
        If a clip cannot be prepared; see :func:`astsvm_lib.preprocessing.prepare`.
    """
    cache = cache or Cache()
    work = []
    for clip in clips:
        distinct = {cache.path("features", feature_key(clip, recipe)): recipe for recipe in recipes}
        missing = [recipe for path, recipe in distinct.items() if not path.exists()]
        if missing:
            work.append((clip, missing, cache.root))
    for _ in map_ordered(_extract_recipes, work, jobs, "features of each clip with all recipes", progress):
        pass
