"""Standardisation that does not inflate features which hardly vary (reading R12)."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.preprocessing import StandardScaler


class FlooredScaler(StandardScaler):
    """scikit-learn's ``StandardScaler``, with no deviation below a share of the largest.

    After a ReLU many of the network's 92,928 features are active in a few training clips only, some by no more
    than rounding. Divided by its own tiny deviation, such a feature may hold nearly all of the squared length of a
    test clip in which it is active: the clip is then far from every training clip, and rounding decides its class.

    Parameters
    ----------
    floor
        Share, 0 to 1, of the largest deviation of any feature. 0 gives ``StandardScaler``.

    Notes
    -----
    A feature that is constant on the training clips is centred and not scaled, as in scikit-learn.
    """

    def __init__(self, floor: float = 0.01) -> None:
        super().__init__()
        self.floor = floor

    def fit(self, X: np.ndarray, y: Any = None, sample_weight: Any = None) -> Self:
        """Mean and deviation of each feature of X (N, D)."""
        super().fit(X, y, sample_weight)
        deviation = np.sqrt(self.var_)
        self.scale_ = np.where(deviation > 0, np.maximum(self.scale_, self.floor * deviation.max()), self.scale_)
        return self
