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
        Share of each level; equal shares by default. Unusual levels, and those known to stop the training, have less.
    """

    reading: str
    name: str
    levels: dict[str, Choice]
    weights: tuple[float, ...] = ()

    @property
    def shares(self) -> np.ndarray:
        """Share of each level, which sum to 1."""
        weights = np.array(self.weights or [1.0] * len(self.levels))
        return weights / weights.sum()


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

    @property
    def group(self) -> int:
        """Number of its group, whose recipes share their features; -1 for the default recipe."""
        return (self.number - 1) // PER_GROUP

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


def recipe_of(levels: dict[str, str]) -> Recipe:
    """The recipe with these levels.

    Parameters
    ----------
    levels
        Level of each factor by its name.

    Raises
    ------
    CompanionError
        If a level gives a value that the recipe does not allow.
    """
    recipe = Recipe()
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
        Share of the variance of the scores that lies between the levels of the choice (eta squared), 0 to 1.
    by_chance
        95th percentile of the share if the choice had no effect.
    means
        Mean score by level.
    """

    factor: Factor
    share: float
    by_chance: float
    means: dict[str, float]


def _share(levels: np.ndarray, values: np.ndarray) -> float:
    """Share of the variance of the values (N,) that lies between their levels (N,): eta squared."""
    total = float(((values - values.mean()) ** 2).sum())
    between = 0.0
    for level in np.unique(levels):
        some = values[levels == level]
        between += len(some) * float(some.mean() - values.mean()) ** 2
    return between / total if total > 0 else 0.0


def _exchanged(groups: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Rows that exchange the levels of R2 to R6 between whole groups, and those of R7 to R13 within groups."""
    names = np.unique(groups)
    other = dict(zip(names.tolist(), rng.permutation(names).tolist(), strict=True))
    between = np.array([np.flatnonzero(groups == other[group])[0] for group in groups.tolist()])
    within = np.arange(len(groups))
    for name in names:
        rows = np.flatnonzero(groups == name)
        within[rows] = rng.permutation(rows)
    return {factor.name: between if factor in FEATURE_FACTORS else within for factor in FACTORS}


def factor_effects(
    chosen: Sequence[Specification], scores: Sequence[float], rng: np.random.Generator, draws: int = 200
) -> list[FactorEffect]:
    """Effect of each choice, the largest share of the variance first.

    Parameters
    ----------
    chosen
        Sampled specifications that were run.
    scores
        Score of each.
    rng
        Generator of the permutations.
    draws
        Number of permutations for :attr:`FactorEffect.by_chance`.

    Returns
    -------
    list of FactorEffect
        One per factor.

    Raises
    ------
    CompanionError
        If there are fewer than two groups of specifications.

    Notes
    -----
    Recipes of a group share their features, so that a feature's choice is decided by :data:`GROUPS` groups and can
    explain much of the variance by chance. In the permutations, the levels of R2 to R6 are exchanged between whole
    groups, and those of R7 to R13 within groups.
    """
    values = np.asarray(scores, float)
    if len(values) < 2 * PER_GROUP:
        raise CompanionError(f"effects of the readings: expected at least {2 * PER_GROUP} recipes, found {len(values)}")
    groups = np.array([s.group for s in chosen])
    exchanged = [_exchanged(groups, rng) for _ in range(draws)]
    found = []
    for factor in FACTORS:
        levels = np.array([s.levels[factor.name] for s in chosen])
        null = [_share(levels[order[factor.name]], values) for order in exchanged]
        means = {level: float(values[levels == level].mean()) for level in factor.levels if (levels == level).any()}
        found.append(FactorEffect(factor, _share(levels, values), float(np.percentile(null, 95)), means))
    return sorted(found, key=lambda effect: -effect.share)


def share_of_recipes(
    chosen: Sequence[Specification], holds: Sequence[bool], rng: np.random.Generator, draws: int = 2000
) -> tuple[float, float, float]:
    """Share of the recipes for which a statement holds, with a 95% interval by resampling whole groups.

    Parameters
    ----------
    chosen
        Sampled specifications that were run; at least one.
    holds
        Whether the statement holds for each.
    rng
        Generator of the bootstrap.
    draws
        Number of bootstrap samples.

    Returns
    -------
    tuple of float
        Share, lower and upper end of the interval.
    """
    groups = np.array([s.group for s in chosen])
    values, names = np.asarray(holds, float), np.unique(groups)
    sums = np.array([values[groups == name].sum() for name in names])
    sizes = np.array([(groups == name).sum() for name in names])
    drawn = rng.integers(len(names), size=(draws, len(names)))
    low, high = np.percentile(sums[drawn].sum(1) / sizes[drawn].sum(1), [2.5, 97.5])
    return float(values.mean()), float(low), float(high)
