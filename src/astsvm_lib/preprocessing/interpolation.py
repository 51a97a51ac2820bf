r"""Temporal interpolation to a fixed number of frames, reading R4.

TIM (Zhou et al. 2011, Pfister et al. 2011) takes the n frames of a clip as the nodes of a path graph. The
graph Laplacian's eigenvectors are samples of

.. math:: f_k(t) = \sin\bigl(\pi k t + \pi (n - k) / (2 n)\bigr), \qquad t \in [1/n, 1],

for k = 0 (the constant) to n - 1; at t = i/n they are the basis of the cosine transform, hence
orthogonal. A clip is projected onto the first of them and can then be evaluated at any t. The weights
depend only on n.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import numpy as np

from astsvm_lib.errors import CompanionError

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1


def path_graph(n: int, positions: np.ndarray, components: int) -> np.ndarray:
    """Eigenfunctions 0 to ``components`` of the path graph with n nodes, (positions, components + 1).

    Parameters
    ----------
    n
        Number of nodes.
    positions
        (positions,) values of t in [1/n, 1].
    components
        Index of the last eigenfunction.
    """
    k = np.arange(components + 1)
    return np.sin(np.pi * k * positions[:, None] + np.pi * (n - k) / (2 * n))


@lru_cache(maxsize=1024)
def tim_weights(n: int, frames: int, components: int | Literal["all"] = 9) -> np.ndarray:
    """Weights (frames, n) of the temporal interpolation model, at equally spaced positions from first to last frame.

    Parameters
    ----------
    n
        Number of frames of the clip; at least 2.
    frames
        Number of output frames; at least 2.
    components
        Number of non-constant eigenfunctions that are kept, at most n - 1. With all of them the curve passes
        through every frame; fewer smooth the clip.

    Raises
    ------
    CompanionError
        If ``n`` or ``frames`` is below 2, or ``components`` is below 1.
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
    """Weights (frames, n) of equal-interval sampling by linear interpolation between adjacent frames.

    Parameters
    ----------
    n
        Number of frames of the clip; at least 2.
    frames
        Number of output frames; at least 2.

    Raises
    ------
    CompanionError
        If ``n`` or ``frames`` is below 2.
    """
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
        raise CompanionError(f"interpolation: expected at least 2 output frames, found {frames}")


def interpolate(
    clip: np.ndarray,
    frames: int,
    method: Literal["tim", "linear"] = "tim",
    components: int | Literal["all"] = 9,
) -> np.ndarray:
    """A clip resampled at equally spaced positions, (frames, ...).

    Parameters
    ----------
    clip
        (T, ...) frames; a floating-point type is kept, any other becomes float32.
    frames
        Number of output frames; at least 2.
    method
        ``"tim"``: temporal interpolation model; ``"linear"``: equal-interval sampling.
    components
        Of TIM; see :func:`tim_weights`.

    Raises
    ------
    CompanionError
        If the clip or the output has fewer than 2 frames, or ``components`` is below 1.

    Notes
    -----
    Section III.A.1 (TIM) and III.A.3 ("equal interval sampling"); chapter "Preprocessing".
    """
    weights = tim_weights(len(clip), frames, components) if method == "tim" else linear_weights(len(clip), frames)
    kind = clip.dtype if np.issubdtype(clip.dtype, np.floating) else np.float32
    return np.tensordot(weights.astype(kind), clip.astype(kind, copy=False), 1)
