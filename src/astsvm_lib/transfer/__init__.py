"""Feature transfer (III.D): the network's features go to a one-versus-rest SVM."""

from astsvm_lib.transfer.kernels import gram, resolve_gamma
from astsvm_lib.transfer.svm import TransferSVM

__all__ = ["TransferSVM", "gram", "resolve_gamma"]
