"""Figures of the multiverse of readings."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from astsvm_lib.experiments.multiverse import FactorEffect, Specification
from astsvm_lib.report.style import COLOURS, new_figure


def specification_curve(
    chosen: Sequence[Specification], svm: Sequence[float], softmax: Sequence[float], effects: Sequence[FactorEffect],
    heading: str,
) -> Figure:  # fmt: skip
    """Scores of all recipes, sorted by that of the SVM, above the level of each choice.

    Parameters
    ----------
    chosen
        Specifications that were run; number 0 is the default recipe, which is marked.
    svm, softmax
        UF1 of each specification with the two heads.
    effects
        Choices to show, from top to bottom.
    heading
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.
    """
    order = np.argsort(svm, kind="stable")
    rows = [(effect.factor, level) for effect in effects for level in effect.factor.levels]
    height = 2.6 + 0.18 * len(rows)
    figure, (top, below) = new_figure(
        2, 1, width=7.2, height=height, sharex=True, gridspec_kw={"height_ratios": [2.4, 0.18 * len(rows)]}
    )
    places = np.arange(len(order))
    top.plot(places, np.asarray(softmax)[order], ".", markersize=4, color=COLOURS[2], label="softmax head")
    top.plot(places, np.asarray(svm)[order], "o", markersize=3.5, color=COLOURS[0], label="SVM")
    default = [place for place, number in enumerate(order) if chosen[number].number == 0]
    for axis in (top, below):
        for place in default:
            axis.axvline(place, color=COLOURS[1], linewidth=1.2, zorder=0)
    if default:
        top.plot([], [], color=COLOURS[1], linewidth=1.2, label="default recipe")
    top.set(ylabel="UF1")
    top.legend(fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0, frameon=False)
    for y, (factor, level) in enumerate(rows):
        at = [place for place, number in enumerate(order) if chosen[number].levels[factor.name] == level]
        below.plot(at, [y] * len(at), "|", markersize=5, color="#333333")
    names = [f"{factor.name}: {level}" for factor, level in rows]
    starts = np.cumsum([0, *(len(effect.factor.levels) for effect in effects)])
    for start in starts[1:-1]:
        below.axhline(start - 0.5, color="0.85", linewidth=0.8)
    below.set(yticks=range(len(rows)), yticklabels=names, ylim=(len(rows) - 0.5, -0.5))
    below.set(xlabel="recipes, sorted by the UF1 of the SVM")
    below.tick_params(axis="y", labelsize=9, length=0)
    figure.suptitle(heading, fontsize=10)
    sns.despine(figure)
    return figure


def variance_figure(effects: dict[str, Sequence[FactorEffect]], heading: str) -> Figure:
    """Share of the variance that each choice explains, for each head, and the share that chance alone may explain.

    Parameters
    ----------
    effects
        Effects by name of the head, the first of which gives the order.
    heading
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.
    """
    first = next(iter(effects.values()))
    names = [f"{effect.factor.reading}: {effect.factor.name}" for effect in first]
    figure, axis = new_figure(height=1.2 + 0.25 * len(names))
    width = 0.8 / len(effects)
    for number, (head, found) in enumerate(effects.items()):
        shares = {effect.factor.name: effect.share for effect in found}
        heights = np.arange(len(names)) + (number - (len(effects) - 1) / 2) * width
        axis.barh(heights, [shares[e.factor.name] for e in first], height=width, color=COLOURS[2 * number], label=head)
        chance = {effect.factor.name: effect.by_chance for effect in found}
        axis.plot([chance[e.factor.name] for e in first], heights, "|", color="black", markersize=5)
    axis.plot([], [], "|", color="black", label="exceeded in 5% of permutations")
    axis.set(yticks=range(len(names)), yticklabels=names, xlabel="share of the variance of UF1")
    axis.set_ylim(len(names) - 0.5, -0.5)
    axis.tick_params(axis="y", labelsize=9)
    axis.legend(fontsize=9, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0, frameon=False)
    figure.suptitle(heading, fontsize=10)
    sns.despine(figure)
    return figure
