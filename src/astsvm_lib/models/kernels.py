"""Kernels between clips, as Gram matrices in float64 (reading R12)."""

from __future__ import annotations

import numpy as np
from sklearn.metrics.pairwise import additive_chi2_kernel, polynomial_kernel, rbf_kernel

from astsvm_lib.errors import CompanionError
from astsvm_lib.recipe import Transfer


def resolve_gamma(train: np.ndarray, options: Transfer) -> float:
    """``"scale"`` as a number: 1 / (features x variance of the training matrix).

    For the chi-squared kernel, 1 / (mean chi-squared distance of two training clips), as is usual for
    histograms (Zhang et al. 2007).
    """
    if options.gamma != "scale":
        return float(options.gamma)
    if options.kernel == "chi-squared":
        _require_positive(train)
        spread = float(-np.asarray(additive_chi2_kernel(train.astype(np.float64))).mean())
    else:
        spread = train.shape[1] * float(train.var(dtype=np.float64))
    return 1.0 / spread if spread > 0 else 1.0


def _require_positive(*features: np.ndarray) -> None:
    if min(block.min() for block in features) < 0:
        raise CompanionError(
            "the chi-squared kernel needs features that are not negative, found some below 0; "
            "set transfer.standardise to false: after a ReLU no feature is"
        )


def gram(rows: np.ndarray, columns: np.ndarray, options: Transfer, gamma: float) -> np.ndarray:
    """Kernel values (R, C) between two sets of feature vectors (R, D), (C, D).

    Parameters
    ----------
    options
        ``kernel``: rbf ``exp(-gamma |x - y|^2)``, linear ``x.y``, polynomial ``(gamma x.y + 1)^3``,
        chi-squared ``exp(-gamma sum (x - y)^2 / (x + y))``, which needs features that are not
        negative.
    gamma
        A number; see :func:`resolve_gamma`.

    Raises
    ------
    CompanionError
        If the chi-squared kernel meets a negative feature.
    """
    rows, columns = rows.astype(np.float64), columns.astype(np.float64)
    if options.kernel == "rbf":
        return np.asarray(rbf_kernel(rows, columns, gamma=gamma))
    if options.kernel == "linear":
        return np.asarray(rows @ columns.T)
    if options.kernel == "polynomial":
        return np.asarray(polynomial_kernel(rows, columns, degree=3, gamma=gamma, coef0=1))
    _require_positive(rows, columns)
    return np.exp(gamma * np.asarray(additive_chi2_kernel(rows, columns)))
