"""Onset-apex flow: what the field's simplest method looks at, two frames of a clip."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from astsvm_lib.datasets.clip import Clip
from astsvm_lib.features.lucas_kanade import lucas_kanade
from astsvm_lib.features.strain import optical_strain
from astsvm_lib.preprocessing.detection import find_landmarks, to_grey
from astsvm_lib.preprocessing.registration import crop_transform, warp
from astsvm_lib.processes import ONE_THREAD, run_each
from astsvm_lib.recipe import Recipe
from astsvm_lib.storage import Cache, code_digest

SIDE = 28


def onset_apex_maps(onset: np.ndarray, apex: np.ndarray, landmarks: np.ndarray, recipe: Recipe) -> np.ndarray:
    """u, v and optical strain from onset to apex, (28, 28, 3) float32.

    Parameters
    ----------
    onset, apex
        Frames (H, W) or (H, W, 3), values 0..255.
    landmarks
        (68, 2) of the onset.
    recipe
        Stages ``registration`` and ``flow``; nothing is magnified or interpolated.

    Notes
    -----
    The input of the public baselines of MEGC2019 (See et al. 2019; Liong et al. 2019, who compute the
    flow by TV-L1).
    """
    transform = crop_transform(landmarks, recipe.registration)
    first, second = (warp(to_grey(frame), transform) for frame in (onset, apex))
    flow = lucas_kanade(first, second, recipe.flow)
    maps = np.dstack([flow, optical_strain(flow)]).astype(np.float32)
    return cv2.resize(maps, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def maps_of(clip: Clip, recipe: Recipe, cache: Cache | None = None) -> np.ndarray:
    """:func:`onset_apex_maps` of a clip; the middle frame stands for an apex that is not annotated."""

    def make() -> dict[str, np.ndarray]:
        onset, apex = clip.load_frames([clip.onset, clip.middle])
        return {"maps": onset_apex_maps(onset, apex, find_landmarks(onset, f"{clip.key}, onset"), recipe)}

    key = {
        "clip": clip.key,
        "content": clip.content,
        "frames": [clip.onset, clip.middle],
        "recipe": recipe.digest("registration", "flow"),
        "code": [code_digest("preprocessing"), code_digest("features")],
    }
    return (cache or Cache()).get("onset-apex", key, make)["maps"]


def _numbered(row: int, clip: Clip, recipe: Recipe, root: Path) -> tuple[int, np.ndarray]:
    return row, maps_of(clip, recipe, Cache(root))


def all_maps(
    clips: Iterable[Clip], recipe: Recipe, cache: Cache | None = None, jobs: int = 1, progress: bool = True
) -> np.ndarray:
    """:func:`maps_of` of many clips, (N, 28, 28, 3), in their order, ``jobs`` at once."""
    root = (cache or Cache()).root
    work = [(row, clip, recipe, root) for row, clip in enumerate(clips)]
    found = np.empty((len(work), SIDE, SIDE, 3), np.float32)
    results = run_each(_numbered, work, jobs, ONE_THREAD) if jobs > 1 else (_numbered(*item) for item in work)
    with tqdm(total=len(work), desc="onset to apex", disable=None if progress else True, leave=False) as bar:
        for row, maps in results:
            found[row] = maps
            bar.update()
    return found
