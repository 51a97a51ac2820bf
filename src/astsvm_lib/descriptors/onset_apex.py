"""Onset-apex flow: the two frames of a clip that the field's lighter methods look at."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from astsvm_lib.datasets.clip import Clip
from astsvm_lib.descriptors.apex import spot_apex
from astsvm_lib.descriptors.strain import Definition, optical_strain
from astsvm_lib.features.optical_flow import optical_flow
from astsvm_lib.preprocessing.detection import to_grey
from astsvm_lib.preprocessing.pipeline import detect
from astsvm_lib.preprocessing.registration import crop_transform, warp
from astsvm_lib.preprocessing.shape_model import apply
from astsvm_lib.processes import each
from astsvm_lib.recipe import Recipe
from astsvm_lib.storage import Cache, code_digest

SIDE = 28
#: What stands for an apex that the annotation lacks.
Stand = Literal["spotted", "middle"]


def onset_apex_flow(onset: np.ndarray, apex: np.ndarray, landmarks: np.ndarray, recipe: Recipe) -> np.ndarray:
    """Flow from onset to apex in the crop, (192, 192, 2) float32 pixels: right, down.

    Parameters
    ----------
    onset, apex
        Frames (H, W) or (H, W, 3), values 0..255.
    landmarks
        (68, 2) of the onset.
    recipe
        Stages ``registration`` and ``flow``; nothing is magnified or interpolated.
    """
    transform = crop_transform(landmarks, recipe.registration)
    first, second = (warp(to_grey(frame), transform) for frame in (onset, apex))
    return optical_flow(first, second, recipe.flow)


def motion_maps(flow: np.ndarray, definition: Definition = "tensor") -> np.ndarray:
    """u, v and optical strain of a flow field, shrunk to (28, 28, 3) float32."""
    maps = np.dstack([flow, optical_strain(flow, definition)]).astype(np.float32)
    return cv2.resize(maps, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def onset_apex_maps(onset: np.ndarray, apex: np.ndarray, landmarks: np.ndarray, recipe: Recipe) -> np.ndarray:
    """u, v and optical strain from onset to apex, (28, 28, 3) float32; see :func:`onset_apex_flow`.

    Notes
    -----
    The input of the public baselines of MEGC2019 (See et al. 2019; Liong et al. 2019, who compute the
    flow by TV-L1).
    """
    return motion_maps(onset_apex_flow(onset, apex, landmarks, recipe))


def apex_of(clip: Clip, landmarks: np.ndarray, recipe: Recipe, stand: Stand) -> int:
    """The annotated apex; where there is none, the one that is spotted, or the middle of the clip.

    Parameters
    ----------
    landmarks
        (68, 2) of the onset, in the pixels of its frame.
    """
    if clip.apex is not None or stand == "middle":
        return clip.middle
    transform = crop_transform(landmarks, recipe.registration)
    frames = clip.load_frames()
    crops = np.stack([warp(to_grey(frame), transform) for frame in frames])
    return clip.onset + spot_apex(crops, apply(transform, landmarks))


def flow_of(clip: Clip, recipe: Recipe, stand: Stand = "middle", cache: Cache | None = None) -> np.ndarray:
    """:func:`onset_apex_flow` of a clip, from the cache where it was computed before."""
    cache = cache or Cache()

    def make() -> dict[str, np.ndarray]:
        landmarks = detect(clip, recipe, cache)[0]
        onset, apex = clip.load_frames([clip.onset, apex_of(clip, landmarks, recipe, stand)])
        return {"flow": onset_apex_flow(onset, apex, landmarks, recipe)}

    key = {
        "clip": clip.key,
        "content": clip.content,
        "frames": [clip.onset, clip.apex, clip.offset, stand],
        "recipe": recipe.digest("registration", "flow"),
        "code": code_digest("preprocessing", "features", "descriptors.apex", "descriptors.onset_apex"),
    }
    return cache.get("onset-apex", key, make)["flow"]


def _maps_at(clip: Clip, recipe: Recipe, root: Path) -> np.ndarray:
    return motion_maps(flow_of(clip, recipe, cache=Cache(root)))


def all_maps(
    clips: Iterable[Clip], recipe: Recipe, cache: Cache | None = None, jobs: int = 1, progress: bool = True
) -> np.ndarray:
    """:func:`motion_maps` of many clips, (N, 28, 28, 3), in their order, ``jobs`` at once."""
    work = [(clip, recipe, (cache or Cache()).root) for clip in clips]
    return np.stack(list(each(_maps_at, work, jobs, "onset to apex", progress)))
