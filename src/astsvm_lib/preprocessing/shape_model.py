"""Point distribution model of the face: the part of the Active Shape Model that the method requires.

Cootes et al. 1995: align shapes by similarity transforms, compute the principal components of the remaining
variation, and limit each coefficient to three standard deviations to keep a shape plausible.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files

import numpy as np

from astsvm_lib.errors import CompanionError

LIMIT = 3.0  # limit of each coefficient, in standard deviations
ROUNDS = 20  # alternating fits of pose and coefficients


def fit_similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Least-squares similarity transform (2, 3) from one set of points to another (Umeyama 1991).

    Parameters
    ----------
    source, target
        (N, 2) corresponding points.
    """
    centre, goal = source.mean(0), target.mean(0)
    a, b = source - centre, target - goal
    power = (a**2).sum()
    cosine = (a * b).sum() / power
    sine = (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum() / power
    linear = np.array([[cosine, -sine], [sine, cosine]])
    return np.column_stack([linear, goal - linear @ centre])


def fit_affine(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Least-squares affine transform (2, 3) from one set of points to another.

    Parameters
    ----------
    source, target
        (N, 2) corresponding points.
    """
    design = np.column_stack([source, np.ones(len(source))])
    return np.linalg.lstsq(design, target, rcond=None)[0].T


def apply(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Transformed points, (..., 2).

    Parameters
    ----------
    transform
        (2, 3) affine transform.
    points
        (..., 2) column and row.
    """
    return points @ transform[:, :2].T + transform[:, 2]


def invert(transform: np.ndarray) -> np.ndarray:
    """Inverse (2, 3) of an affine transform (2, 3)."""
    linear = np.linalg.inv(transform[:, :2])
    return np.column_stack([linear, -linear @ transform[:, 2]])


@dataclass(frozen=True)
class ShapeModel:
    """Point distribution model: mean shape and modes of variation.

    Attributes
    ----------
    mean
        (68, 2) mean shape, centred, with unit root-mean-square distance from the centre.
    modes
        (K, 68, 2) orthonormal modes of variation.
    deviations
        (K,) standard deviation of each coefficient.
    """

    mean: np.ndarray
    modes: np.ndarray
    deviations: np.ndarray

    @classmethod
    def from_shapes(cls, shapes: np.ndarray, variance: float = 0.98) -> ShapeModel:
        """The model fitted to a set of shapes.

        Parameters
        ----------
        shapes
            (N, 68, 2) landmarks.
        variance
            Fraction of the variance that the modes explain.
        """

        def unit(shape: np.ndarray) -> np.ndarray:
            centred = shape - shape.mean(0)
            return centred / np.sqrt((centred**2).sum(1).mean())

        mean = unit(shapes[0])
        for _ in range(10):  # generalised Procrustes analysis
            aligned = np.stack([apply(fit_similarity(shape, mean), shape) for shape in shapes])
            mean = unit(aligned.mean(0))
        deviation = (aligned - aligned.mean(0)).reshape(len(shapes), -1)
        _, spread, modes = np.linalg.svd(deviation, full_matrices=False)
        share = np.cumsum(spread**2) / (spread**2).sum()
        count = int(np.searchsorted(share, variance)) + 1
        modes = modes[:count].reshape(count, *mean.shape)
        return cls(mean, modes, spread[:count] / np.sqrt(len(shapes) - 1))

    def regularise(self, landmarks: np.ndarray) -> np.ndarray:
        """The plausible shape closest to landmarks (68, 2), in the same pixels, (68, 2).

        Raises
        ------
        CompanionError
            If the array has another shape or is not finite.
        """
        if landmarks.shape != self.mean.shape or not np.isfinite(landmarks).all():
            raise CompanionError(f"expected finite landmarks of shape {self.mean.shape}, found {landmarks.shape}")
        limit = LIMIT * self.deviations
        plausible = self.mean
        for _ in range(ROUNDS):
            into_model = fit_similarity(landmarks, plausible)
            coefficients = np.tensordot(self.modes, apply(into_model, landmarks) - self.mean, 2)
            plausible = self.mean + np.tensordot(np.clip(coefficients, -limit, limit), self.modes, 1)
        return apply(invert(into_model), plausible)


@lru_cache
def load_shape_model() -> ShapeModel:
    """The model in the package's assets, fitted by ``tools/build_landmarks.py`` to rendered faces."""
    with (
        files("astsvm_lib.preprocessing").joinpath("assets/shape_model.npz").open("rb") as stream,
        np.load(stream) as data,
    ):
        return ShapeModel(
            data["mean"].astype(np.float64), data["modes"].astype(np.float64), data["deviations"].astype(np.float64)
        )
