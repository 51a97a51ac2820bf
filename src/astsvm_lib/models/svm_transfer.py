"""One-versus-rest SVM with a precomputed Gram matrix: the paper's feature transfer (III.D, reading R12)."""

from __future__ import annotations

from typing import Literal, Self

import numpy as np
from pydantic import ValidationError
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.multiclass import OneVsRestClassifier
from sklearn.svm import SVC
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from astsvm_lib.errors import CompanionError
from astsvm_lib.models.fold_kernels import FoldKernels
from astsvm_lib.recipe import Transfer

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 2


def svc_of(penalty: float, class_weights: str) -> SVC:
    """A binary SVM on a precomputed Gram matrix.

    Parameters
    ----------
    penalty
        C of the SVM.
    class_weights
        As for :class:`TransferSVM`.
    """
    return SVC(kernel="precomputed", C=penalty, class_weight="balanced" if class_weights == "balanced" else None)


class TransferSVM(ClassifierMixin, BaseEstimator):
    """The paper's feature transfer: standardisation and a one-versus-rest SVM.

    The binary SVMs share one Gram matrix, whereas each SVM of scikit-learn's
    ``OneVsRestClassifier(SVC(kernel="rbf"))`` computes kernel values from all 92,928 features. Kernel values
    of the two agree up to rounding. Decision values agree up to libsvm's stopping tolerance of 1e-3, because
    rounding errors can change the path of the solver.

    Parameters
    ----------
    kernel
        ``"rbf"``, ``"linear"``, ``"polynomial"`` or ``"chi-squared"``; see
        :func:`~astsvm_lib.models.kernels.kernel_values`.
    C
        Regularisation parameter, as in scikit-learn.
    gamma
        Positive number, or ``"scale"``; see :func:`~astsvm_lib.models.kernels.resolve_gamma`.
    standardise
        Whether to standardise the features with the statistics of the training clips.
    scale_floor
        ``floor`` of :class:`~astsvm_lib.models.scaling.FlooredScaler`.
    class_weights
        ``"balanced"``: in each binary SVM, penalties are inversely proportional to the frequencies of the two sides.

    Attributes
    ----------
    classes_
        Class labels seen in :meth:`fit`, sorted.
    gamma_
        Numeric value of ``gamma``.

    Notes
    -----
    Section III.D; chapter "SVM transfer". The parameters are fields of the recipe's section ``transfer``;
    :func:`~astsvm_lib.models.inner_search.fit_svm` also chooses their values by inner validation.
    """

    def __init__(
        self,
        kernel: Literal["rbf", "linear", "polynomial", "chi-squared"] = "rbf",
        C: float = 1.0,
        gamma: float | Literal["scale"] = "scale",
        standardise: bool = True,
        scale_floor: float = 0.01,
        class_weights: Literal["none", "balanced"] = "none",
    ) -> None:
        self.kernel, self.C, self.gamma = kernel, C, gamma
        self.standardise, self.scale_floor, self.class_weights = standardise, scale_floor, class_weights

    @classmethod
    def from_options(cls, options: Transfer) -> Self:
        """An estimator with the values of a recipe's section ``transfer``; ``tuning`` is not used."""
        return cls(**options.model_dump(exclude={"tuning"}))

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Fit the estimator on the clips of a training fold.

        Parameters
        ----------
        X
            Features (N, D).
        y
            Class labels (N,).

        Returns
        -------
        TransferSVM
            The fitted estimator itself.

        Raises
        ------
        CompanionError
            If a parameter is not valid, there is one class only, or the kernel is chi-squared and a feature negative.
        """
        X, y = validate_data(self, X, y, dtype=np.float64, copy=True)
        check_classification_targets(y)
        return self.fit_kernels(FoldKernels(X), y)

    def fit_kernels(self, kernels: FoldKernels, y: np.ndarray) -> Self:
        """As :meth:`fit`, from the kernel values of a fold, which several estimators may share.

        Parameters
        ----------
        kernels
            Kernel values of the fold. Its features are not validated.
        y
            Class labels (N,) of its training clips.

        Returns
        -------
        TransferSVM
            The fitted estimator itself.

        Raises
        ------
        CompanionError
            As for :meth:`fit`.
        """
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise CompanionError(
                f"SVM: expected clips of at least 2 classes in the training fold, found 1 class: {self.classes_[0]}"
            )
        try:
            options = Transfer.model_validate({**self.get_params(), "tuning": "none"})
        except ValidationError as error:
            wrong = error.errors()[0]
            raise CompanionError(f"SVM: {wrong['loc'][0]}: {wrong['msg']}, found {wrong['input']!r}") from None
        self.gamma_ = kernels.gamma(options)
        self._options, self._train = options.model_copy(update={"gamma": self.gamma_}), kernels.train
        self.n_features_in_ = kernels.train.shape[1]
        self.svms_ = OneVsRestClassifier(svc_of(self.C, self.class_weights)).fit(kernels.gram(self._options), y)
        return self

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Decision values of clips with features X (N, D): (N, classes), or (N,) for two classes."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        return self.decide(FoldKernels(self._train, X))

    def decide(self, kernels: FoldKernels) -> np.ndarray:
        """As :meth:`decision_function`, of the test clips of a fold.

        Parameters
        ----------
        kernels
            Kernel values of the fold; its training clips are those of :meth:`fit_kernels`.
        """
        return np.asarray(self.svms_.decision_function(kernels.cross(self._options)))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Class labels (N,) of clips with features X (N, D)."""
        values = self.decision_function(X)
        return self.classes_[(values > 0).astype(int) if values.ndim == 1 else values.argmax(1)]


def expand_decisions(values: np.ndarray, classes: np.ndarray, count: int) -> np.ndarray:
    """Decision values with one column for every class of a data set.

    Parameters
    ----------
    values
        Decision values of a classifier, (N, number of its classes), or (N,) for two classes.
    classes
        Class numbers in the classifier's training fold, in the order of the columns of ``values``.
    count
        Number of classes in the data set.

    Returns
    -------
    numpy.ndarray
        (N, count); minus infinity for a class absent from the training fold, so that it is never predicted.
    """
    if values.ndim == 1:  # two classes: one binary SVM, whose sign decides
        values = np.stack([-values, values], 1)
    out = np.full((len(values), count), -np.inf)
    out[:, classes] = values
    return out
