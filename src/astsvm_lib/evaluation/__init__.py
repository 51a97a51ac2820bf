"""Leave-one-subject-out splits; UAR and UF1 of the pooled confusion matrix (section IV.B)."""

from astsvm_lib.evaluation.loso import Fold, fold_rng, loso
from astsvm_lib.evaluation.scores import Scores, confusion_matrix, fold_mean, score, uar, uf1

__all__ = ["Fold", "Scores", "confusion_matrix", "fold_mean", "fold_rng", "loso", "score", "uar", "uf1"]
