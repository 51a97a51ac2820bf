"""Kernels of the SVM, as Gram matrices in float64 (reading R12)."""

from __future__ import annotations

import numpy as np
from sklearn.metrics.pairwise import additive_chi2_kernel, polynomial_kernel, rbf_kernel

from astsvm_lib.errors import CompanionError
from astsvm_lib.recipe import Transfer


def resolve_gamma(train: np.ndarray, options: Transfer) -> float:
    """The numeric value of gamma.

    Parameters
    ----------
    train
        Features (N, D) of the training clips.
    options
        ``gamma``: a number, or ``"scale"``: 1 / (D x variance of ``train``), as in scikit-learn; for the
        chi-squared kernel 1 / (mean chi-squared distance between training clips), as is usual for histograms
        (Zhang et al. 2007).

    Returns
    -------
    float
        Gamma; 1 if the training clips do not differ.

    Raises
    ------
    CompanionError
        If ``gamma`` is ``"scale"``, the kernel chi-squared, and a feature negative.
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
            "the chi-squared kernel needs features that are not negative, found some below 0; set "
            "transfer.standardise to false: features after a ReLU are not negative unless they are standardised"
        )


def gram(rows: np.ndarray, columns: np.ndarray, options: Transfer, gamma: float) -> np.ndarray:
    """Gram matrix of two sets of feature vectors.

    Parameters
    ----------
    rows, columns
        Features, (R, D) and (C, D).
    options
        ``kernel``: rbf ``exp(-gamma |x - y|^2)``, linear ``x.y``, polynomial ``(gamma x.y + 1)^3``,
        chi-squared ``exp(-gamma sum (x - y)^2 / (x + y))``.
    gamma
        A number; see :func:`resolve_gamma`.

    Returns
    -------
    numpy.ndarray
        Kernel values (R, C).

    Raises
    ------
    CompanionError
        If the kernel is chi-squared and a feature negative.
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
