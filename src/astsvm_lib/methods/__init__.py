"""Methods that can be evaluated by LOSO: the paper's method and the baselines, one module each."""

from astsvm_lib.methods.method import FitConfig, FoldPrediction, Method
from astsvm_lib.methods.registry import METHODS, method_named

__all__ = ["METHODS", "FitConfig", "FoldPrediction", "Method", "method_named"]
