"""Optical flow from onset to apex: the input of the field's lighter methods."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import cv2
import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.features.apex_spotting import spot_apex
from astsvm_lib.features.optical_flow import optical_flow
from astsvm_lib.features.strain import Definition, optical_strain
from astsvm_lib.parallel import map_ordered
from astsvm_lib.preprocessing.detection import to_grey
from astsvm_lib.preprocessing.pipeline import detect
from astsvm_lib.preprocessing.registration import crop_transform, warp
from astsvm_lib.preprocessing.shape_model import apply
from astsvm_lib.recipe import Recipe
from astsvm_lib.stages import cache_key

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1

SIDE = 28
#: What replaces a missing apex annotation: a spotted apex, or the middle of the clip.
MissingApex = Literal["spotted", "middle"]


def onset_apex_flow(
    onset: np.ndarray, apex: np.ndarray, landmarks: np.ndarray, recipe: Recipe, alignment: np.ndarray | None = None
) -> np.ndarray:
    """Optical flow from onset to apex in the crop, (192, 192, 2) float32 pixels: right, down.

    Parameters
    ----------
    onset, apex
        Frames (H, W) or (H, W, 3), values 0..255.
    landmarks
        (68, 2) of the onset: column and row, in pixels of its frame.
    recipe
        Sections ``registration`` and ``flow``; there is no magnification or interpolation.
    alignment
        Affine map (2, 3) of the crop that follows the registration; none by default.
    """
    transform = crop_transform(landmarks, recipe.registration)
    if alignment is not None:
        transform = alignment @ np.vstack([transform, [0, 0, 1]])
    first, second = (warp(to_grey(frame), transform) for frame in (onset, apex))
    return optical_flow(first, second, recipe.flow)


def motion_maps(flow: np.ndarray, definition: Definition = "tensor") -> np.ndarray:
    """u, v and optical strain of a flow field, downsampled to (28, 28, 3) float32.

    Parameters
    ----------
    flow
        (H, W, 2) pixels: right, down.
    definition
        Of the strain; see :func:`~astsvm_lib.features.strain.optical_strain`.
    """
    maps = np.dstack([flow, optical_strain(flow, definition)]).astype(np.float32)
    return cv2.resize(maps, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def onset_apex_maps(onset: np.ndarray, apex: np.ndarray, landmarks: np.ndarray, recipe: Recipe) -> np.ndarray:
    """u, v and optical strain from onset to apex, (28, 28, 3) float32.

    Parameters
    ----------
    onset, apex, landmarks, recipe
        As in :func:`onset_apex_flow`.

    Notes
    -----
    The input of the public baselines of MEGC2019 (See et al. 2019; Liong et al. 2019, who compute the
    flow by TV-L1).
    """
    return motion_maps(onset_apex_flow(onset, apex, landmarks, recipe))


def apex_of(clip: Clip, landmarks: np.ndarray, recipe: Recipe, missing: MissingApex) -> int:
    """Frame number of the annotated apex; if there is none, of a spotted apex or of the middle of the clip.

    Parameters
    ----------
    clip
        Clip with its annotation.
    landmarks
        (68, 2) of the onset: column and row, in pixels of its frame.
    recipe
        Section ``registration``.
    missing
        What replaces a missing annotation: ``"spotted"`` or ``"middle"``.

    Raises
    ------
    CompanionError
        If an apex is to be spotted in fewer than two frames.
    """
    if clip.apex is not None or missing == "middle":
        return clip.middle
    transform = crop_transform(landmarks, recipe.registration)
    frames = clip.load_frames()
    crops = np.stack([warp(to_grey(frame), transform) for frame in frames])
    return clip.onset + spot_apex(crops, apply(transform, landmarks))


def flow_of(clip: Clip, recipe: Recipe, missing: MissingApex = "middle", cache: Cache | None = None) -> np.ndarray:
    """Optical flow of a clip from onset to apex, (192, 192, 2) float32 pixels; computed once and cached.

    Parameters
    ----------
    clip
        Clip with its annotation.
    recipe
        Sections ``registration`` and ``flow``.
    missing
        What replaces a missing apex annotation: ``"spotted"`` or ``"middle"``.
    cache
        The user's cache by default.

    Raises
    ------
    CompanionError
        If no face, or more than one, is found in the onset.
    """
    cache = cache or Cache()

    def make() -> dict[str, np.ndarray]:
        landmarks = detect(clip, recipe, cache)[0]
        onset, apex = clip.load_frames([clip.onset, apex_of(clip, landmarks, recipe, missing)])
        alignment = None if clip.alignment is None else np.array(clip.alignment)
        return {"flow": onset_apex_flow(onset, apex, landmarks, recipe, alignment)}

    frames = [clip.onset, clip.apex, clip.offset, missing]
    key = cache_key("onset-apex", recipe, clip=clip.key, content=clip.content, frames=frames)
    return cache.get("onset-apex", key, make)["flow"]


def clip_maps(
    clip: Clip,
    recipe: Recipe,
    missing: MissingApex = "middle",
    definition: Definition = "tensor",
    cache: Cache | None = None,
) -> np.ndarray:
    """u, v and optical strain of a clip from onset to apex, (28, 28, 3) float32.

    Parameters
    ----------
    clip
        Clip with its annotation. If it is published as maps, these are returned, each stretched to 0..1.
    recipe, missing, cache
        As for :func:`flow_of`.
    definition
        Of the strain; see :func:`~astsvm_lib.features.strain.optical_strain`.

    Raises
    ------
    CompanionError
        If no face, or more than one, is found in the onset, or published maps cannot be read.
    """
    if clip.load_maps is not None:
        return clip.load_maps()
    return motion_maps(flow_of(clip, recipe, missing, cache), definition)


def _maps_at(clip: Clip, recipe: Recipe, root: Path) -> np.ndarray:
    return clip_maps(clip, recipe, cache=Cache(root))


def all_maps(
    clips: Iterable[Clip], recipe: Recipe, cache: Cache | None = None, jobs: int = 1, progress: bool = True
) -> np.ndarray:
    """:func:`clip_maps` of many clips, (N, 28, 28, 3) float32, in the order of the clips.

    Parameters
    ----------
    clips
        Clips with their annotation.
    recipe
        Sections ``registration`` and ``flow``.
    cache
        The user's cache by default.
    jobs
        Number of processes.
    progress
        Show a progress bar.

    Raises
    ------
    CompanionError
        If no face, or more than one, is found in an onset.
    """
    work = [(clip, recipe, (cache or Cache()).root) for clip in clips]
    return np.stack(list(map_ordered(_maps_at, work, jobs, "onset to apex", progress)))
