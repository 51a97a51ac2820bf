"""Kernels of the SVM, as Gram matrices in float64 (reading R12)."""

from __future__ import annotations

import numpy as np
from sklearn.metrics.pairwise import additive_chi2_kernel, euclidean_distances

from astsvm_lib.errors import CompanionError
from astsvm_lib.recipe import Transfer


def pairwise(rows: np.ndarray, columns: np.ndarray, kernel: str) -> np.ndarray:
    """What a kernel is computed from, for each pair of feature vectors: it does not depend on gamma.

    Parameters
    ----------
    rows, columns
        Features, (R, D) and (C, D).
    kernel
        As in the recipe's ``transfer.kernel``.

    Returns
    -------
    numpy.ndarray
        (R, C) float64: squared distances for rbf, inner products for linear and polynomial, and
        ``sum (x - y)^2 / (x + y)`` for chi-squared.

    Raises
    ------
    CompanionError
        If the kernel is chi-squared and a feature negative.
    """
    rows, columns = rows.astype(np.float64), columns.astype(np.float64)
    if kernel == "rbf":
        return np.asarray(euclidean_distances(rows, columns, squared=True))
    if kernel != "chi-squared":
        return np.asarray(rows @ columns.T)
    if min(block.min() for block in (rows, columns)) < 0:
        raise CompanionError(
            "the chi-squared kernel needs features that are not negative, found some below 0; set "
            "transfer.standardise to false: features after a ReLU are not negative unless they are standardised"
        )
    return -np.asarray(additive_chi2_kernel(rows, columns))


def kernel_values(pairs: np.ndarray, kernel: str, gamma: float) -> np.ndarray:
    """Kernel values from the output of :func:`pairwise`, with the same shape.

    Parameters
    ----------
    pairs
        Output of :func:`pairwise`.
    kernel
        rbf: ``exp(-gamma |x - y|^2)``; linear: ``x.y``; polynomial: ``(gamma x.y + 1)^3``; chi-squared:
        ``exp(-gamma sum (x - y)^2 / (x + y))``.
    gamma
        A number; see :func:`resolve_gamma`.
    """
    if kernel == "linear":
        return pairs
    if kernel == "polynomial":
        return np.asarray((gamma * pairs + 1) ** 3)
    return np.asarray(np.exp(-gamma * pairs))


def resolve_gamma(train: np.ndarray, pairs: np.ndarray, options: Transfer) -> float:
    """The numeric value of gamma.

    Parameters
    ----------
    train
        Features (N, D) of the training clips.
    pairs
        Output (N, N) of :func:`pairwise` for them.
    options
        ``gamma``: a number, or ``"scale"``: 1 / (D x variance of ``train``), as in scikit-learn; for the
        chi-squared kernel 1 / (mean chi-squared distance between training clips), as is usual for histograms
        (Zhang et al. 2007).

    Returns
    -------
    float
        Gamma; 1 if the training clips do not differ.
    """
    if options.gamma != "scale":
        return float(options.gamma)
    if options.kernel == "chi-squared":
        spread = float(pairs.mean())
    else:
        spread = train.shape[1] * float(train.var(dtype=np.float64))
    return 1.0 / spread if spread > 0 else 1.0
