"""Both features of a clip, from its frames or from the cache."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np

from astsvm_lib.datasets.clip import Clip
from astsvm_lib.features.difference import difference_sequence
from astsvm_lib.features.optical_flow import flow_sequence
from astsvm_lib.preprocessing.pipeline import prepare
from astsvm_lib.processes import each
from astsvm_lib.recipe import Recipe
from astsvm_lib.storage import Cache, code_digest

STAGES = ("registration", "magnification", "interpolation", "flow", "difference")


@dataclass(frozen=True)
class Features:
    """The network's two inputs.

    Attributes
    ----------
    flow, idsf
        (..., 10, 192, 192) float32: pixels of motion; difference of grey values, in -1..1 by default.
    """

    flow: np.ndarray
    idsf: np.ndarray

    def __getitem__(self, chosen: np.ndarray | slice | list[int]) -> Features:
        """The features of some clips."""
        return Features(self.flow[chosen], self.idsf[chosen])

    def __len__(self) -> int:
        return len(self.flow)


def from_prepared(frames: np.ndarray, recipe: Recipe) -> Features:
    """Features (10, 192, 192) of prepared frames (10 or 11, 192, 192)."""
    wanted = recipe.interpolation.frames
    return Features(flow_sequence(frames, recipe.flow)[-wanted:], difference_sequence(frames, recipe.difference))


def _key(clip: Clip, recipe: Recipe) -> dict[str, object]:
    return {
        "clip": clip.key,
        "content": clip.content,
        "fps": clip.fps,
        "recipe": recipe.digest(*STAGES),
        "code": [code_digest("preprocessing"), code_digest("features")],
    }


def extract(clip: Clip, recipe: Recipe, cache: Cache | None = None) -> Features:
    """Both features of one clip, (10, 192, 192) each.

    Raises
    ------
    CompanionError
        If the clip cannot be prepared; see :func:`astsvm_lib.preprocessing.prepare`.
    """
    cache = cache or Cache()

    def make() -> dict[str, np.ndarray]:
        found = from_prepared(prepare(clip, recipe, cache).frames, recipe)
        return {"flow": found.flow, "idsf": found.idsf}

    return Features(**cache.get("features", _key(clip, recipe), make))


def _extract_at(clip: Clip, recipe: Recipe, root: Path) -> None:
    extract(clip, recipe, Cache(root))


def extract_all(
    clips: Iterable[Clip], recipe: Recipe, cache: Cache | None = None, jobs: int = 1, progress: bool = True
) -> Features:
    """Both features of many clips, (N, 10, 192, 192) each, in their order.

    Parameters
    ----------
    jobs
        Clips that are prepared at once, each in a process of its own.
    progress
        Show a bar while clips are prepared.
    """
    cache = cache or Cache()
    clips = list(clips)
    if jobs > 1:
        waiting = [clip for clip in clips if not cache.path("features", _key(clip, recipe)).exists()]
        for _ in each(_extract_at, [(clip, recipe, cache.root) for clip in waiting], jobs, "preparing clips", progress):
            pass
    found = each(extract, [(clip, recipe, cache) for clip in clips], 1, "reading features", progress)
    first = next(found)
    flow = np.empty((len(clips), *first.flow.shape), np.float32)
    idsf = np.empty((len(clips), *first.idsf.shape), np.float32)
    for i, features in enumerate(chain([first], found)):
        flow[i], idsf[i] = features.flow, features.idsf
    return Features(flow, idsf)
