"""Kernels of the SVM, as Gram matrices in float64 (reading R12)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.metrics.pairwise import additive_chi2_kernel

from astsvm_lib.errors import CompanionError
from astsvm_lib.models.scaling import Scaling, column_blocks, in_float64
from astsvm_lib.recipe import Transfer


@dataclass(frozen=True)
class Products:
    """Inner products of feature vectors, from which all kernels but chi-squared are computed.

    Attributes
    ----------
    values
        Inner product (R, C) of each pair.
    rows, columns
        Squared norms, (R,) and (C,), of the vectors.
    """

    values: np.ndarray
    rows: np.ndarray
    columns: np.ndarray


def inner_products(rows: np.ndarray, columns: np.ndarray, scaling: Scaling | None = None) -> Products:
    """Inner products in float64, a block of features at a time.

    Parameters
    ----------
    rows, columns
        Features, (R, D) and (C, D). If they are the same object, half of the products are computed.
    scaling
        How the features are standardised before; by default, not at all.
    """
    values, squares = np.zeros((len(rows), len(columns))), [np.zeros(len(rows)), np.zeros(len(columns))]
    for block in column_blocks(columns.shape[1]):
        right = in_float64(columns, scaling, block)
        left = right if rows is columns else in_float64(rows, scaling, block)
        values += left @ right.T  # BLAS computes half of it where left is right
        for total, part in zip(squares, (left, right), strict=True):
            total += np.einsum("ij,ij->i", part, part)
    if rows is columns:
        squares = [values.diagonal()] * 2  # a vector is at distance 0 from itself, without rounding
    return Products(values, *squares)


def pairs_of(products: Products, kernel: str) -> np.ndarray:
    """As :func:`pairwise`, from inner products; the kernel is not chi-squared."""
    if kernel != "rbf":
        return products.values
    return np.maximum(-2 * products.values + products.rows[:, None] + products.columns, 0)


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
    if kernel != "chi-squared":
        return pairs_of(inner_products(rows, columns), kernel)
    if min(rows.min(initial=0), columns.min(initial=0)) < 0:
        raise CompanionError(
            "the chi-squared kernel needs features that are not negative, found some below 0; set "
            "transfer.standardise to false: features after a ReLU are not negative unless they are standardised"
        )
    return -np.asarray(
        additive_chi2_kernel(rows.astype(np.float64, copy=False), columns.astype(np.float64, copy=False))
    )


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
    return gamma_scale(spread)


def gamma_scale(spread: float) -> float:
    """The "scale" value of gamma: 1 / ``spread``, or 1 if the training clips do not differ and ``spread`` is 0."""
    return 1.0 / spread if spread > 0 else 1.0
