r"""Temporal interpolation to a fixed number of frames, reading R4.

TIM (Zhou et al. 2011, Pfister et al. 2011) lays the n frames of a clip on a path graph. The graph
Laplacian's eigenvectors are samples of

.. math:: f_k(t) = \sin\bigl(\pi k t + \pi (n - k) / (2 n)\bigr), \qquad t \in [1/n, 1],

for k = 0 (the constant) to n - 1; at t = i/n they are the basis of the cosine transform, hence
orthogonal. A clip is projected on the first of them and evaluated anywhere on the curve. The
weights depend on n alone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np

from astsvm_lib.errors import CompanionError


def path_graph(n: int, positions: np.ndarray, components: int) -> np.ndarray:
    """Eigenfunctions 0 to ``components`` of the path graph with n nodes, (positions, components + 1)."""
    k = np.arange(components + 1)
    return np.sin(np.pi * k * positions[:, None] + np.pi * (n - k) / (2 * n))


@lru_cache(maxsize=1024)
def tim_weights(n: int, frames: int, components: int | Literal["all"] = 9) -> np.ndarray:
    """Weights (frames, n) that interpolate n frames at equally spaced positions, first to last.

    Parameters
    ----------
    n
        Frames of the clip; at least 2.
    frames
        Frames wanted.
    components
        How many non-constant eigenfunctions are kept; at most n - 1 exist. With all of them the
        curve passes through every frame; with fewer it smooths.

    Raises
    ------
    CompanionError
        If n is below 2 or components below 1.
    """
    _check(n, frames)
    kept = n - 1 if components == "all" else min(components, n - 1)
    if kept < 1:
        raise CompanionError(f"TIM: expected at least 1 component, found {components}")
    nodes = path_graph(n, np.arange(1, n + 1) / n, kept)
    wanted = path_graph(n, np.linspace(1 / n, 1, frames), kept)
    return wanted @ (nodes / (nodes**2).sum(0)).T


@lru_cache(maxsize=1024)
def linear_weights(n: int, frames: int) -> np.ndarray:
    """Weights (frames, n) of equal-interval sampling: each new frame lies between two old ones."""
    _check(n, frames)
    position = np.linspace(0, n - 1, frames)
    before = np.minimum(position.astype(int), n - 2)
    weights = np.zeros((frames, n))
    weights[np.arange(frames), before] = 1 - (position - before)
    weights[np.arange(frames), before + 1] = position - before
    return weights


def _check(n: int, frames: int) -> None:
    if n < 2:
        raise CompanionError(f"interpolation: expected a clip of at least 2 frames, found {n}")
    if frames < 2:
        raise CompanionError(f"interpolation: expected at least 2 frames to be wanted, found {frames}")


def interpolate(
    clip: np.ndarray,
    frames: int,
    method: Literal["tim", "linear"] = "tim",
    components: int | Literal["all"] = 9,
) -> np.ndarray:
    """A clip (T, ...) at ``frames`` equally spaced moments, (frames, ...); its float type is kept.

    Notes
    -----
    Section III.A.1 (TIM) and III.A.3 ("equal interval sampling"); chapter "Preprocessing".
    """
    weights = tim_weights(len(clip), frames, components) if method == "tim" else linear_weights(len(clip), frames)
    kind = clip.dtype if np.issubdtype(clip.dtype, np.floating) else np.float32
    return np.tensordot(weights.astype(kind), clip.astype(kind, copy=False), 1)
