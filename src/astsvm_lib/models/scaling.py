"""Standardisation with a lower bound on the standard deviation of each feature (reading R12)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.preprocessing import StandardScaler


class FlooredScaler(StandardScaler):
    """scikit-learn's ``StandardScaler`` with a lower bound on the standard deviation that a feature is divided by.

    After a ReLU, many of the network's 92,928 features are non-zero in a few training clips only, some by no more
    than rounding errors. Divided by its own tiny standard deviation, such a feature may dominate the norm of a test
    clip in which it is non-zero. The clip is then far from all training clips, and rounding errors decide its class.

    Parameters
    ----------
    floor
        Lower bound, as a fraction (0 to 1) of the largest standard deviation of all features. With 0 the scaler
        equals ``StandardScaler``.

    Notes
    -----
    A feature that is constant on the training clips is centred but not scaled, as in scikit-learn.
    """

    def __init__(self, floor: float = 0.01) -> None:
        super().__init__()
        self.floor = floor

    def fit(self, X: np.ndarray, y: Any = None, sample_weight: Any = None) -> Self:
        """Compute mean and standard deviation of each feature.

        Parameters
        ----------
        X
            Features (N, D) of the training clips.
        y
            Ignored.
        sample_weight
            Weights (N,), as in scikit-learn.

        Returns
        -------
        FlooredScaler
            The fitted scaler itself.
        """
        super().fit(X, y, sample_weight)
        deviation = np.sqrt(self.var_)
        least = np.maximum(deviation, self.floor * deviation.max())
        self.scale_ = np.where(deviation > 0, least, 1.0)
        return self
