"""Leave-one-subject-out splits, and UAR and UF1 on the pooled confusion matrix (IV.B)."""

from astsvm_lib.evaluation.loso import Fold, fold_seed, loso
from astsvm_lib.evaluation.scores import Scores, confusion_matrix, fold_mean, score, uar, uf1

__all__ = ["Fold", "Scores", "confusion_matrix", "fold_mean", "fold_seed", "loso", "score", "uar", "uf1"]
