"""The kernel values of one fold, computed from its features once for all SVMs (reading R12)."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from astsvm_lib.models.kernels import Products, gamma_scale, inner_products, kernel_values, pairs_of, pairwise
from astsvm_lib.models.scaling import Scaling, column_statistics, floored_scale, in_float64
from astsvm_lib.recipe import Transfer


class FoldKernels:
    """Kernel values between the clips of one fold, for SVMs of any kernel, C, gamma and scaling.

    Statistics, inner products and chi-squared distances are computed when they are first needed, and kept: the Gram
    matrices of several SVMs, and of all combinations of a search, cost one pass over the features for each scaling.
    Features are standardised a block of columns at a time; no standardised copy of them is kept.

    Parameters
    ----------
    train
        Features (N, D) of the training clips; not copied.
    test
        Features (M, D) of the test clips; by default, there are none.

    Notes
    -----
    The methods take the options of an SVM, of which they use ``kernel``, ``gamma``, ``standardise`` and
    ``scale_floor``; ``tuning`` is not used. All values are in float64. Test clips do not change the kernel values
    between training clips.
    """

    def __init__(self, train: np.ndarray, test: np.ndarray | None = None) -> None:
        self.train, self.test = train, train[:0] if test is None else test
        self._products: dict[tuple[bool, float | None], Products] = {}
        self._distances: dict[tuple[bool, float | None], np.ndarray] = {}

    @cached_property
    def _statistics(self) -> tuple[np.ndarray, np.ndarray]:
        return column_statistics(self.train)

    def _scaling(self, options: Transfer) -> Scaling | None:
        if not options.standardise:
            return None
        means, variances = self._statistics
        return Scaling(means, floored_scale(variances, options.scale_floor))

    def _pairs(self, options: Transfer, tested: bool) -> np.ndarray:
        """As :func:`~astsvm_lib.models.kernels.pairwise` of training or test clips, and training clips."""
        rows = self.test if tested else self.train
        key = tested, options.scale_floor if options.standardise else None
        if options.kernel == "chi-squared":
            if key not in self._distances:
                left, right = (in_float64(clips, self._scaling(options)) for clips in (rows, self.train))
                self._distances[key] = pairwise(left, right, options.kernel)
            return self._distances[key]
        if key not in self._products:
            self._products[key] = inner_products(rows, self.train, self._scaling(options))
        return pairs_of(self._products[key], options.kernel)

    def gamma(self, options: Transfer) -> float:
        """The numeric value of gamma; see :func:`~astsvm_lib.models.kernels.resolve_gamma`."""
        if options.gamma != "scale":
            return float(options.gamma)
        if options.kernel == "chi-squared":
            return gamma_scale(float(self._pairs(options, False).mean()))
        means, variances = self._statistics
        scaling = self._scaling(options)
        if scaling is not None:  # the mean of each feature is 0
            return gamma_scale(float((variances / scaling.scale**2).sum()))
        return gamma_scale(float(variances.sum() + len(means) * means.var()))

    def gram(self, options: Transfer) -> np.ndarray:
        """Kernel values (N, N) between the training clips.

        Raises
        ------
        CompanionError
            If the kernel is chi-squared and a feature negative.
        """
        return kernel_values(self._pairs(options, False), options.kernel, self.gamma(options))

    def cross(self, options: Transfer) -> np.ndarray:
        """Kernel values (M, N) between test and training clips.

        Raises
        ------
        CompanionError
            If the kernel is chi-squared and a feature negative.
        """
        return kernel_values(self._pairs(options, True), options.kernel, self.gamma(options))
