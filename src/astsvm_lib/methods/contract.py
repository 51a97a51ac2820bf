"""Checks of what the evaluation expects of a method of one's own; see :mod:`astsvm_lib.methods.own`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.errors import CompanionError
from astsvm_lib.methods.method import FitConfig
from astsvm_lib.methods.own import OwnMethod
from astsvm_lib.recipe import Recipe
from astsvm_lib.storage import Arrays

#: Clips that the checks use, at most.
CLIPS = 24


def _chosen(clips: Sequence[Clip]) -> list[Clip]:
    """Every k-th clip, so that there are at most :data:`CLIPS`."""
    return list(clips[:: -(-len(clips) // CLIPS)])


def check_method(method: OwnMethod, clips: Sequence[Clip], classes: Sequence[str]) -> Iterator[str]:
    """Check a method on a few clips.

    Parameters
    ----------
    method
        The method.
    clips
        Clips of a data set of several subjects.
    classes
        Names of the classes.

    Yields
    ------
    str
        What was checked, after each check that is passed.

    Raises
    ------
    CompanionError
        If a check fails; the message says what was expected and what was found.
    """
    some = _chosen(clips)
    arrays = _features(method, some)
    yield f"features: one row of finite numbers for each clip, {arrays['features'].shape}, without the labels"
    if not np.array_equal(arrays["features"], _features(method, some)["features"]):
        raise CompanionError(
            f"method {method.name}: expected equal features when they are computed again, found others"
        )
    backwards = _features(method, some[::-1])["features"][::-1]
    if not np.allclose(arrays["features"], backwards, rtol=1e-4, atol=1e-6):
        raise CompanionError(
            f"method {method.name}: expected features that do not depend on the order of the clips, found others"
        )
    yield "features: the same when computed again, and in another order of the clips"

    labels = np.array([list(classes).index(clip.label) for clip in some])
    left_out = arrays["subject"] == arrays["subject"][0]
    config = FitConfig(len(classes), Recipe(), method.settings(), 0, 0)

    def scores(test: np.ndarray) -> np.ndarray:
        parts: list[Arrays] = [{k: v[rows] for k, v in arrays.items()} for rows in (~left_out, test)]
        given = labels[~left_out]
        found = method.fit_predict(parts[0], given, parts[1], config, np.random.default_rng(0))
        return found.heads["own"]

    first = scores(left_out)
    if first.shape != (left_out.sum(), len(classes)) or np.isnan(first).any():
        raise CompanionError(
            f"method {method.name}: expected scores of shape {(int(left_out.sum()), len(classes))} without NaN, found "
            f"{first.shape}"
        )
    yield f"fit and predict: scores of {len(first)} clips of a subject left out"
    if not np.allclose(first, scores(left_out), rtol=1e-5, atol=1e-8):
        raise CompanionError(
            f"method {method.name}: expected equal scores for equal random_state, found others; draw all random "
            "numbers from the parameter random_state"
        )
    yield "fit: the same result when repeated with the same random_state"
    alone = np.zeros(len(some), dtype=bool)
    alone[np.flatnonzero(left_out)[0]] = True
    if not np.allclose(first[:1], scores(alone), rtol=1e-3, atol=1e-6):
        raise CompanionError(
            f"method {method.name}: expected scores of a clip that do not depend on the other test clips, found "
            "others; do not use statistics of the test clips"
        )
    yield "predict: the scores of a clip do not depend on the other test clips"


def _features(method: OwnMethod, clips: Sequence[Clip]) -> Arrays:
    return method.extract(clips, Recipe(), method.settings(), Cache(), 1, False)
