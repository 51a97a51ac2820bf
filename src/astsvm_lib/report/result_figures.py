"""Figures of results. The headings identify rehearsal data as such."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from astsvm_lib.evaluation.scores import Scores
from astsvm_lib.evaluation.statistics import Comparison, Estimate
from astsvm_lib.experiments.table_results import Verdict
from astsvm_lib.report.style import COLOURS, new_figure

#: Most panels in a row; with more, their text would be too small on a page.
PANELS_A_ROW = 4


def _panels(count: int, columns: int, height: float, **options: Any) -> tuple[Figure, list[Axes]]:
    """Figure with ``count`` panels, each ``height`` inches high; ``options`` are passed to ``subplots``."""
    columns = min(count, columns, PANELS_A_ROW)
    rows = -(-count // columns)
    figure, axes = new_figure(rows, columns, height=height * rows, squeeze=False, **options)
    for axis in axes.ravel()[count:]:
        axis.set_visible(False)
    return figure, list(axes.ravel()[:count])


def confusion_figure(panels: Mapping[str, Scores], heading: str, columns: int = 2) -> Figure:
    """Confusion matrices, each row normalised to the number of clips of the true class, with counts.

    Parameters
    ----------
    panels
        Scores by title, one panel each.
    heading
        Title of the figure.
    columns
        Panels per row; with more than two, the names of the predicted classes are shortened to three letters.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.
    """
    many = min(len(panels), columns) > 2
    figure, axes = _panels(len(panels), columns, 2.8 if many else 3.3)
    for place, (axis, (title, scores)) in enumerate(zip(axes, panels.items(), strict=True)):
        counts = scores.matrix
        share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
        text = np.array(
            [[f"{s:.0%}\n({n})" for s, n in zip(a, b, strict=True)] for a, b in zip(share, counts, strict=True)]
        )
        first = not many or place % columns == 0
        sns.heatmap(
            share, annot=text, fmt="", vmin=0, vmax=1, cmap="Blues", cbar=False, square=True, ax=axis,
            xticklabels=[f"{name[:3]}." for name in scores.classes] if many else scores.classes,
            yticklabels=scores.classes if first else [], annot_kws={"fontsize": 9},
        )  # fmt: skip
        for cell, value in zip(axis.texts, share.flat, strict=True):
            cell.set_color("white" if value > 0.65 else "#222222")
        axis.tick_params(axis="y", rotation=0)
        axis.set(xlabel="predicted", ylabel="true" if first else "")
        axis.set_title(f"{title}\nUAR {scores.uar:.3f}, UF1 {scores.uf1:.3f}", fontsize=9 if many else 11)
    figure.suptitle(heading, fontsize=11)
    return figure


def learning_curves(histories: Mapping[str, Sequence[Mapping[str, float]]], heading: str) -> Figure:
    """Training loss and training accuracy of each fold against the epoch.

    Parameters
    ----------
    histories
        By name of the fold, such as the subject left out; one mapping per epoch with ``epoch``, ``loss`` and
        ``accuracy``.
    heading
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels.
    """
    figure, axes = new_figure(1, 2)
    for number, (name, history) in enumerate(histories.items()):
        epochs = [e["epoch"] for e in history]
        style = ("-", "--", ":")[number // len(COLOURS) % 3]  # where the colours begin again
        for axis, key in zip(axes, ("loss", "accuracy"), strict=True):
            axis.plot(epochs, [e[key] for e in history], style, label=name, linewidth=1.2)
            axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0].set(title="loss", xlabel="epoch", yscale="log")
    axes[1].set(title="accuracy on the training clips", xlabel="epoch", ylim=(0, 1.02))
    axes[1].legend(fontsize=9, ncols=2, title="left out", title_fontsize=9)
    figure.suptitle(heading, fontsize=11)
    sns.despine(figure)
    return figure


def score_bars(axis: Axes, values: Mapping[str, float], label: str) -> None:
    """Draw a score in 0..1 as horizontal bars, each labelled with its value.

    Parameters
    ----------
    axis
        Axes to draw on.
    values
        Score by name, from top to bottom.
    label
        Label of the horizontal axis.
    """
    names = list(values)
    bars = axis.barh(names, list(values.values()), color=COLOURS[0])
    axis.bar_label(bars, fmt="%.3f", padding=3, fontsize=9)
    axis.set(xlim=(0, 1.15), xlabel=label)
    axis.invert_yaxis()
    sns.despine(ax=axis)


def difference_figure(
    panels: Mapping[str, Sequence[Verdict]], heading: str, limits: tuple[float, float] | None = None
) -> Figure:
    """Differences of UF1 with 95% confidence intervals, one panel per data set; all panels have the same axis.

    Filled markers are significant differences (Holm, 5%), open markers are not. A star marks rows that the paper's
    table does not have. A row that was not run on a data set has no marker in its panel.

    Parameters
    ----------
    panels
        Verdicts by title, one panel each.
    heading
        Title of the figure.
    limits
        Of the horizontal axis, from :func:`shared_limits` for figures that are compared; those of the data by default.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.
    """
    names = list(dict.fromkeys(verdict.row.label for verdicts in panels.values() for verdict in verdicts))
    figure, axes = _panels(len(panels), PANELS_A_ROW, 1.0 + 0.24 * len(names), sharex=True, sharey=True)
    for axis, (title, verdicts) in zip(axes, panels.items(), strict=True):
        axis.axvline(0, color="0.6", linewidth=1)
        for verdict in verdicts:
            y = names.index(verdict.row.label)
            low, high = verdict.comparison.uf1_interval
            significant = verdict.p < 0.05
            colour = COLOURS[1] if significant else COLOURS[0]
            axis.plot([low, high], [y, y], color=colour, linewidth=1.6)
            axis.plot(
                verdict.comparison.uf1, y, "o", markersize=5, markeredgecolor=colour,
                markerfacecolor=colour if significant else "white",
            )  # fmt: skip
        axis.set_title(title, fontsize=9)
        axis.set(yticks=range(len(names)), yticklabels=names)
        axis.set_xlabel("difference of UF1", fontsize=9)
        axis.xaxis.set_major_locator(MaxNLocator({1: 8, 2: 6, 3: 3}.get(len(panels), 2), steps=[1, 2, 5, 10]))
    axes[0].set_ylim(len(names) - 0.5, -0.5)
    if limits:
        axes[0].set_xlim(limits)
    figure.suptitle(heading, fontsize=10)
    sns.despine(figure)
    return figure


def shared_limits(groups: Iterable[Mapping[str, Comparison]]) -> tuple[float, float]:
    """Limits of the axis that several forest plots share, with space for the numbers at the right.

    Parameters
    ----------
    groups
        Comparisons of each plot.

    Returns
    -------
    tuple of float
        Lowest and highest value of the axis; 0 is always between them.
    """
    ends = [end for group in groups for comparison in group.values() for end in comparison.uf1_interval]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    width = (high - low) or 1.0
    return low - 0.04 * width, high + 0.12 * width


def forest_figure(
    rows: Mapping[str, Comparison], heading: str, label: str, limits: tuple[float, float] | None = None
) -> Figure:
    """Difference of UF1 on each data set, and on all together, with 95% confidence intervals.

    Parameters
    ----------
    rows
        Comparisons by data set, from top to bottom; the row ``"together"`` is drawn with a diamond.
    heading
        Title of the figure.
    label
        Label of the horizontal axis, which names the two sides of the difference.
    limits
        Of the horizontal axis, from :func:`shared_limits` for plots that are compared; those of the data by default.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.
    """
    figure, axis = new_figure(height=1.1 + 0.26 * len(rows))
    axis.axvline(0, color="0.6", linewidth=1)
    for y, (name, comparison) in enumerate(rows.items()):
        colour = COLOURS[1] if name == "together" else COLOURS[0]
        axis.plot(comparison.uf1_interval, [y, y], color=colour, linewidth=1.8)
        axis.plot(comparison.uf1, y, "D" if name == "together" else "o", markersize=6, color=colour)
        axis.annotate(
            f"{comparison.uf1:+z.3f}", (max(comparison.uf1_interval), y), (6, 0), textcoords="offset points",
            va="center", fontsize=9,
        )  # fmt: skip
    axis.set(yticks=range(len(rows)), yticklabels=list(rows), ylim=(len(rows) - 0.5, -0.5), xlabel=label)
    axis.set_xlim(limits or shared_limits([rows]))
    axis.set_title(heading, fontsize=10)
    sns.despine(figure)
    return figure


def score_forest(
    rows: Mapping[str, Estimate],
    heading: str,
    lines: Mapping[str, float] | None = None,
    emphasised: Collection[str] = (),
) -> Figure:
    """UF1 of several evaluations, with 95% confidence intervals.

    Parameters
    ----------
    rows
        Scores by name, from top to bottom.
    heading
        Title of the figure.
    lines
        Vertical dotted lines: UF1 by label.
    emphasised
        Names of rows that are drawn in another colour.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.
    """
    figure, axis = new_figure(height=1.2 + 0.26 * len(rows))
    for label, value in (lines or {}).items():
        axis.axvline(value, color="0.5", linewidth=1, linestyle=":")
        axis.annotate(
            label, (value, 1), (3, 3), xycoords=("data", "axes fraction"), textcoords="offset points", fontsize=9
        )
    for y, (name, found) in enumerate(rows.items()):
        colour = COLOURS[1] if name in emphasised else COLOURS[0]
        axis.plot(found.uf1_interval, [y, y], color=colour, linewidth=1.8)
        axis.plot(found.uf1, y, "o", markersize=6, color=colour)
        axis.annotate(
            f"{found.uf1:.3f}", (found.uf1_interval[1], y), (6, 0), textcoords="offset points", va="center", fontsize=9
        )
    axis.set(yticks=range(len(rows)), yticklabels=list(rows), ylim=(len(rows) - 0.5, -0.5), xlim=(0, 1), xlabel="UF1")
    figure.suptitle(heading, fontsize=10)
    sns.despine(figure)
    return figure


def claims_figure(claims: Mapping[str, Mapping[str, Verdict]], heading: str) -> Figure:
    """UF1 of each row minus UF1 of the full method as a heat map with one column per data set.

    Blue is lower than the full method, red is higher; significant differences (Holm, 5%) are bold and framed. The
    cell is empty if a row was not run on a data set.

    Parameters
    ----------
    claims
        Verdicts by data set, then by label of the row; see :func:`~astsvm_lib.experiments.table_results.claims`.
    heading
        Title of the figure.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.
    """
    labels = list(dict.fromkeys(label for found in claims.values() for label in found))
    values = np.full((len(labels), len(claims)), np.nan)
    figure, axis = new_figure(height=1.2 + 0.25 * len(labels))
    for column, found in enumerate(claims.values()):
        for label, verdict in found.items():
            row, difference, significant = labels.index(label), verdict.comparison.uf1, verdict.p < 0.05
            values[row, column] = difference
            weight = "bold" if significant else "normal"
            axis.text(column + 0.5, row + 0.5, f"{difference:+z.2f}", ha="center", va="center", size=9, weight=weight)
            if significant:
                axis.add_patch(Rectangle((column, row), 1, 1, fill=False, edgecolor="black", linewidth=1.2, zorder=3))
    # Pale colours only, so that black numbers are legible on all of them.
    limit = 1.6 * max(float(np.nanmax(np.abs(values))), 0.1)
    sns.heatmap(
        values, cmap="RdBu_r", vmin=-limit, vmax=limit, cbar=False, ax=axis, linewidths=1,
        xticklabels=[name.replace("-", "-\n") for name in claims], yticklabels=labels,
    )  # fmt: skip
    axis.tick_params(labelsize=9, length=0)
    axis.xaxis.tick_top()
    figure.suptitle(heading, fontsize=10)
    return figure
