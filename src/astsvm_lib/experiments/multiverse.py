"""The multiverse of readings: a designed sample of recipes that a careful reader of the paper could have chosen.

The design is split: the readings of preprocessing and features (R2 to R6) are sampled for :data:`GROUPS` groups of
recipes, which share their features, and the readings of network, training and SVM (R7 to R13) for each recipe. Both
samples are Latin hypercubes: each choice of a reading occurs as often as its weight requires, and the choices of
different readings are combined at random.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.stats import qmc

from astsvm_lib.errors import CompanionError
from astsvm_lib.recipe import Recipe

#: Number of groups, and of recipes in each group.
GROUPS, PER_GROUP = 26, 4
SEED = 19

Choice = dict[str, dict[str, Any]]


@dataclass(frozen=True, eq=False)
class Factor:
    """One choice that varies over the multiverse.

    Attributes
    ----------
    reading
        Identifier of the reading, R2 to R13.
    name
        Short description.
    levels
        Changes of the recipe by the name of the level; the default recipe's level is the first.
    weights
        Share of each level; equal shares by default. Levels that are known to stop the training have a small share.
    """

    reading: str
    name: str
    levels: dict[str, Choice]
    weights: tuple[float, ...] = ()

    @property
    def shares(self) -> np.ndarray:
        """Share of each level, which sum to 1."""
        return np.array(self.weights or [1.0] * len(self.levels)) / (sum(self.weights) or len(self.levels))


def _of(section: str, field: str, *values: Any) -> dict[str, Choice]:
    return {str(value): {section: {field: value}} for value in values}


FEATURE_FACTORS = (
    Factor("R2", "registration", _of("registration", "scope", "clip", "none"), (3, 1)),
    Factor("R2", "shape model", _of("registration", "shape_model", "asm", "none")),
    Factor("R3", "alpha", _of("magnification", "alpha", 4.0, 1.0, 8.0, 16.0)),
    Factor("R3", "anchor", _of("magnification", "anchor", "none", "onset")),
    Factor("R3", "temporal filter", _of("magnification", "temporal", "ideal", "iir")),
    Factor("R4", "interpolation", _of("interpolation", "method", "tim", "linear")),
    Factor("R5", "component", _of("flow", "component", "v", "u", "magnitude", "both")),
    Factor("R5", "reference", _of("flow", "reference", "adjacent", "onset")),
    Factor("R5", "flow method", _of("flow", "method", "lucas-kanade", "dis"), (3, 1)),
    Factor("R6", "sign", _of("difference", "sign", "signed", "absolute")),
    Factor("R6", "onset", _of("difference", "onset", "included", "excluded")),
    Factor("R6", "standardised", _of("difference", "standardise", False, True)),
    Factor("R6", "light", _of("difference", "light", "none", "affine")),
)
NETWORK_FACTORS = (
    Factor("R7", "activation", _of("attention", "activation", "scaled-softmax", "sigmoid", "softmax"), (3, 2, 1)),
    Factor("R8", "MLP", _of("attention", "perceptron", "separate", "shared")),
    Factor("R9", "down-sampling", _of("inception", "downsampling", "average", "strided", "bilinear")),
    Factor("R10", "modules", _of("inception", "modules", "both", "split")),
    Factor("R11", "softmax", _of("head", "softmax", "classifier", "concatenate"), (7, 1)),
    Factor("R12", "tuning", _of("transfer", "tuning", "inner", "none"), (3, 1)),
    Factor("R12", "kernel", _of("transfer", "kernel", "rbf", "linear"), (3, 1)),
    Factor("R12", "SVM weights", _of("transfer", "class_weights", "none", "balanced")),
    Factor("R13", "input scale", _of("training", "input_scale", "deviation", "none"), (3, 1)),
    Factor("R13", "loss weights", _of("training", "class_weights", "none", "balanced")),
    Factor("R13", "attention start", _of("training", "attention_start", "neutral", "glorot")),
    Factor("R13", "batch norm momentum", _of("training", "batch_norm_momentum", 0.9, 0.99), (3, 1)),
)
FACTORS = FEATURE_FACTORS + NETWORK_FACTORS


@dataclass(frozen=True, eq=False)
class Specification:
    """One recipe of the multiverse.

    Attributes
    ----------
    number
        Position in the design.
    levels
        Level of each factor by its name.
    recipe
        The recipe with these levels.
    """

    number: int
    levels: dict[str, str]
    recipe: Recipe

    def with_streams(self, streams: str) -> Recipe:
        """The recipe with one input (``"flow"`` or ``"idsf"``) or ``"both"``, for the order of Table 9."""
        if streams != "both" and self.recipe.inception.modules == "split":
            modules = "2d" if streams == "idsf" else "3d"
            return self.recipe.replace(inception={"streams": streams, "modules": modules})
        return self.recipe.replace(inception={"streams": streams})


def _sample(factors: tuple[Factor, ...], count: int, rng: np.random.Generator) -> list[dict[str, str]]:
    """Levels of ``count`` recipes by a Latin hypercube."""
    points = qmc.LatinHypercube(len(factors), rng=rng).random(count)
    found = []
    for point in points:
        levels = {}
        for factor, value in zip(factors, point, strict=True):
            number = int(np.searchsorted(np.cumsum(factor.shares)[:-1], value, side="right"))
            levels[factor.name] = list(factor.levels)[number]
        found.append(levels)
    return found


def recipe_of(levels: dict[str, str], base: Recipe | None = None) -> Recipe:
    """The recipe with these levels.

    Parameters
    ----------
    levels
        Level of each factor by its name.
    base
        Recipe to change; the default recipe by default.
    """
    recipe = base or Recipe()
    for factor in FACTORS:
        recipe = recipe.replace(**factor.levels[levels[factor.name]])
    return recipe


@lru_cache
def specifications() -> tuple[Specification, ...]:
    """All recipes of the design: the default recipe, then :data:`GROUPS` x :data:`PER_GROUP` sampled ones."""
    rng = np.random.default_rng(SEED)
    groups = _sample(FEATURE_FACTORS, GROUPS, rng)
    recipes = _sample(NETWORK_FACTORS, GROUPS * PER_GROUP, rng)
    default = {factor.name: next(iter(factor.levels)) for factor in FACTORS}
    chosen = [default, *({**groups[i // PER_GROUP], **levels} for i, levels in enumerate(recipes))]
    return tuple(Specification(number, levels, recipe_of(levels)) for number, levels in enumerate(chosen))


@dataclass(frozen=True)
class FactorEffect:
    """What one choice does to a score over the multiverse.

    Attributes
    ----------
    factor
        The choice.
    share
        Share of the variance of the scores that is lost if the choice is left out of an additive linear model of all
        choices, 0 to 1.
    means
        Mean score by level.
    """

    factor: Factor
    share: float
    means: dict[str, float]


def factor_effects(chosen: Sequence[Specification], scores: Sequence[float]) -> list[FactorEffect]:
    """Effect of each choice, the largest share of the variance first.

    Parameters
    ----------
    chosen
        Specifications that were run.
    scores
        Score of each.

    Returns
    -------
    list of FactorEffect
        One per factor. Shares need not add up to the share that the whole model explains.

    Raises
    ------
    CompanionError
        If there are not more specifications than levels.
    """
    values = np.asarray(scores, float)
    columns = {}
    for factor in FACTORS:
        others = list(factor.levels)[1:]
        columns[factor.name] = np.array([[s.levels[factor.name] == level for level in others] for s in chosen], float)
    needed = 1 + sum(block.shape[1] for block in columns.values())
    if len(values) <= needed:
        raise CompanionError(f"effects of the readings: expected more than {needed} recipes, found {len(values)}")

    def residual(left_out: str = "") -> float:
        blocks = [block for name, block in columns.items() if name != left_out]
        design = np.hstack([np.ones((len(values), 1)), *blocks])
        fitted = design @ np.linalg.lstsq(design, values, rcond=None)[0]
        return float(((values - fitted) ** 2).sum())

    total, full = float(((values - values.mean()) ** 2).sum()), residual()
    found = []
    for factor in FACTORS:
        by_level = {
            level: [v for s, v in zip(chosen, values, strict=True) if s.levels[factor.name] == level]
            for level in factor.levels
        }
        means = {level: float(np.mean(some)) for level, some in by_level.items() if some}
        found.append(FactorEffect(factor, (residual(factor.name) - full) / total, means))
    return sorted(found, key=lambda effect: -effect.share)
