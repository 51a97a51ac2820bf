"""What can be run under LOSO: the paper's method, and those it is compared with, in one registry."""

from astsvm_lib.methods.method import Method, Trained
from astsvm_lib.methods.registry import METHODS, method_named

__all__ = ["METHODS", "Method", "Trained", "method_named"]
