"""Tables of results as Markdown, CSV or LaTeX; published and own results are kept in separate blocks."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from astsvm_lib.datasets import load_manifest
from astsvm_lib.evaluation.statistics import estimate, smallest_p
from astsvm_lib.experiments.real_motion import REAL, RealResult
from astsvm_lib.experiments.table_results import Result, Verdict, not_compared, table_records
from astsvm_lib.methods import method_named
from astsvm_lib.paper.published import published
from astsvm_lib.paper.tables import PUBLISHED_AS, TITLES, Table
from astsvm_lib.results.record import Record

Cells = list[list[str]]
NOT_RUN = "not run"
#: Heading of the last column of the companion's block.
BUDGET = "epochs x seeds"
#: Separator of two scores in one cell, without a line break.
OVER = "\N{NO-BREAK SPACE}/\N{NO-BREAK SPACE}"


def number(value: float | None) -> str:
    """A score with three decimals, or :data:`NOT_RUN`."""
    return NOT_RUN if value is None else f"{value:.3f}"


def headings(names: Iterable[str]) -> str:
    """Label of a figure of these data sets: their headings, or ``"rehearsal data"`` for several rehearsals."""
    found = [load_manifest(name) for name in names]
    if len(found) > 1 and all(manifest.rehearsal for manifest in found):
        return "rehearsal data"
    return ", ".join(manifest.heading for manifest in found)


def _head(names: Sequence[str]) -> list[str]:
    """Names of the columns; a single data set, which the title names, is left out to keep the table narrow."""
    return ["row", *(score if len(names) == 1 else f"{name} {score}" for name in names for score in ("UAR", "UF1"))]


def published_cells(table: Table, datasets: Sequence[str]) -> Cells:
    """The published block.

    Parameters
    ----------
    table
        Table of the paper.
    datasets
        Identifiers of the paper's data sets.

    Returns
    -------
    list of list of str
        Header, then one line per row of the table: name, then UAR and UF1 of each data set.
    """
    rows = published(table.number)
    lines = [_head([TITLES[name] for name in datasets])]
    for name in dict.fromkeys(rows["method"]):
        line = [str(name)]
        for dataset in datasets:
            found = rows[(rows["method"] == name) & (rows["dataset"] == dataset)]
            line += [number(float(v)) for v in found[["uar", "uf1"]].iloc[0]] if len(found) else ["", ""]
        lines.append(line)
    return lines


def companion_cells(results: dict[str, list[Result]]) -> Cells:
    """The companion's block: header, then per row its label, UAR and UF1 (± SD over seeds) of each data set, budget."""
    lines = [[*_head(list(results)), BUDGET]]
    for row in zip(*results.values(), strict=True):
        line = [_label(row[0])]
        for result in row:
            spread = f" ±\N{NO-BREAK SPACE}{result.spread:.3f}" if result.spread is not None else ""
            line += [number(result.uar), number(result.uf1) + spread]
        lines.append([*line, _budget(row)])
    return lines


def real_cells(results: Sequence[RealResult], seed: int = 0) -> Cells:
    """The block of real results on flow maps: header, then per method UAR, UF1 with its 95% interval, and the budget.

    Parameters
    ----------
    results
        As from :func:`~astsvm_lib.experiments.real_motion.real_results`.
    seed
        Seed of the bootstrap over subjects.
    """
    lines = [["row", "UAR", "UF1", "95% interval", BUDGET]]
    for result in results:
        found = estimate(result.matrices, np.random.default_rng(seed))
        low, high = found.uf1_interval
        name = result.question.name + ("\N{NO-BREAK SPACE}†" if result.outdated else "")
        epochs, seeds = result.records[0].epochs, len(result.records)
        budget = f"{epochs} x {seeds}" if epochs else "-"
        lines.append([name, number(found.uar), number(found.uf1), f"{low:.3f} to {high:.3f}", budget])
    return lines


def _real_title(results: Sequence[RealResult]) -> str:
    """What the block of real results contains."""
    database = results[0].database
    which = f"the clips of {TITLES[database]}" if database else "all clips"
    return f"Companion, real derived flow ({load_manifest(REAL).heading}; {which}, LOSO over all three databases)"


def _budget(results: Iterable[Result]) -> str:
    """Number of epochs and of seeds, which may differ between data sets; a dash for a method without epochs."""
    found = [result.records for result in results if result.records and result.records[0].epochs]
    return ", ".join(dict.fromkeys(f"{records[0].epochs} x {len(records)}" for records in found)) or "-"


def _label(result: Result) -> str:
    """The row's label, with a dagger if a record is outdated."""
    return result.row.label + ("\N{NO-BREAK SPACE}†" if result.outdated else "")


def _outdated_note(results: Iterable[Result]) -> str:
    """Explanation of the dagger; empty if no record is outdated."""
    stages = sorted({stage for result in results for stage in result.outdated})
    return f"† outdated: made by earlier versions of a stage ({'; '.join(stages)})" if stages else ""


def _paired(cells: Cells) -> Cells:
    """Cells with UAR and UF1 of each data set merged, so that the table fits on a page."""
    end = len(cells[0]) - (cells[0][-1] == BUDGET)
    if end == 3:
        return cells
    head = [f"{name.removesuffix(' UAR')}: UAR{OVER}UF1" for name in cells[0][1:end:2]]
    rows = []
    for line in cells[1:]:
        pairs = zip(line[1:end:2], line[2:end:2], strict=True)
        rows.append([line[0], *(a if a == b == NOT_RUN else f"{a}{OVER}{b}" for a, b in pairs), *line[end:]])
    return [["row", *head, *cells[0][end:]], *rows]


def markdown(cells: Cells) -> str:
    """Cells as a Markdown table."""
    head, *rows = ["| " + " | ".join(line) + " |" for line in cells]
    rule = "|---|" + "---:|" * (len(cells[0]) - 1)
    return "\n".join([head, rule, *rows])


def counted(number: int, noun: str) -> str:
    """A number and its noun, in the plural unless the number is 1: ``"1 row"``, ``"2 rows"``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def tabs(parts: Mapping[str, str]) -> str:
    """Markdown of a set of tabs, so that several long tables take the space of one on the page.

    Parameters
    ----------
    parts
        Markdown by title of the tab; a single part is returned as it is.

    Returns
    -------
    str
        Directives of sphinx-design.
    """
    if len(parts) < 2:
        return "\n\n".join(parts.values())
    items = [f":::{{tab-item}} {title}\n\n{text.strip()}\n\n:::" for title, text in parts.items()]
    return "\n".join(["::::{tab-set}", *items, "::::"])


def provenance_lines(results: dict[str, list[Result]]) -> list[str]:
    """For each data set, a line per device and number of epochs: methods, profile, seeds, final training accuracy."""
    lines = []
    for name, found in results.items():
        noted = _outdated_note(found)
        lines += [f"{load_manifest(name).heading}: {noted}"] if noted else []
        trained: dict[tuple[str, int], dict[str, Record]] = {}
        for result in found:
            for record in result.records:
                if record.epochs and record.backend != "none":
                    trained.setdefault((record.device, record.epochs), {})[record.name] = record
        if not trained:
            lines.append(f"{name}: no network was run")
        for records in trained.values():
            lines.append(f"{load_manifest(name).heading}: {_trained(list(records.values()))}")
    return lines


def _trained(records: list[Record]) -> str:
    """Methods of records with the same device and number of epochs, and how they were trained."""
    methods = sorted({method_named(record.method).title for record in records})
    where = "a CPU" if records[0].device.startswith("CPU") else "a GPU"
    about = sorted({f"profile {r.profile}, {r.epochs} epochs" for r in records})
    seeds = sorted({record.seed for record in records})
    devices = sorted({f"{record.device}, {record.processor}" for record in records})
    ends = [np.mean([fold.epochs[-1]["accuracy"] for fold in record.folds]) for record in records]
    learned = " to ".join(dict.fromkeys((f"{min(ends):.2f}", f"{max(ends):.2f}")))
    return (
        f"{', '.join(methods)} trained on {where} ({'; '.join(about)}; seed {', '.join(map(str, seeds))}; "
        f"{'; '.join(devices)}); final training accuracy {learned}"
    )


def records_shown(records: Iterable[Record]) -> str:
    """Markdown list of the records shown on a page, each once, with the machines and libraries they were made with."""
    shown = {record.name: record for record in records}
    made: dict[str, set[str]] = {}
    for r in shown.values():
        used = ["scikit-learn"] if r.backend == "none" else [r.backend, f"{r.backend}-cpu", "keras", "scikit-learn"]
        versions = ", ".join(f"{name} {r.libraries[name]}" for name in used if name in r.libraries)
        about = f"{r.device}, {r.processor}; {versions}"
        made.setdefault(about, set()).add(r.commit or "unknown")
    lines = [f"- {about}; commit {', '.join(sorted(commits))}" for about, commits in made.items()]
    names = [f"- `{r.name}`" + (f" (outdated: {'; '.join(r.outdated)})" if r.outdated else "") for r in shown.values()]
    return "\n".join(["Records shown on this page:", "", *names, "", "Made on:", "", *lines])


def _clean(text: str) -> str:
    """Text with the characters that LaTeX reads as commands."""
    signs = {"_": r"\_", "±": r"$\pm$", "&": r"\&", "\N{NO-BREAK SPACE}": "~", "†": r"$\dagger$", "->": r"$\to$"}
    for sign, command in signs.items():
        text = text.replace(sign, command)
    return text


def _latex(cells: Cells) -> str:
    rows = [" & ".join(_clean(cell) for cell in line) + r" \\" for line in cells]
    return "\n".join(
        [r"\begin{tabular}{l" + "r" * (len(cells[0]) - 1) + "}", r"\hline", rows[0], r"\hline", *rows[1:], r"\hline",
         r"\end{tabular}"]
    )  # fmt: skip


def render_table(
    table: Table, results: dict[str, list[Result]], form: str, real: Sequence[RealResult] = (), provenance: bool = True
) -> str:
    """The blocks of a table as text.

    Parameters
    ----------
    table
        Table of the paper.
    results
        Rows by data set, as from :func:`~astsvm_lib.experiments.table_results.results_of`.
    form
        ``"md"``, ``"latex"``, or ``"csv"`` (one line per row and data set, with a column for the block).
    real
        Results on the real maps, for a block of their own.
    provenance
        Whether to list how the networks were trained; a page with several tables of the same networks lists it once.

    Returns
    -------
    str
        The text, which ends with a newline.
    """
    if form == "csv":
        out = io.StringIO()
        writer = csv.DictWriter(
            out,
            ["block", "dataset", "row", "uar", "uf1", "profile", "epochs", "seeds", "current", "records"],
            lineterminator="\n",
        )
        writer.writeheader()
        for item in [*table_records(table, results), *real_records(real)]:
            lists = {name: " ".join(map(str, item[name])) for name in ("seeds", "records") if name in item}
            writer.writerow(item | lists)
        return out.getvalue()
    paper = list(dict.fromkeys(PUBLISHED_AS[name] for name in results if name in PUBLISHED_AS))
    known = set(published(table.number)["dataset"])
    shared = [name for name in paper if name in known]
    blocks = [published_cells(table, shared), companion_cells(results)]
    dagger = _outdated_note(result for found in results.values() for result in found)
    about = provenance_lines(results) if provenance else [dagger] if dagger else []
    only = f", {TITLES[shared[0]]}" if len(shared) == 1 else ""
    names = headings(results)
    paper_title = f"Published (Xue et al. 2024, Table {table.number}){only}, as printed"
    spread = any(result.spread is not None for found in results.values() for result in found)
    over = "; ± is the standard deviation over seeds" if spread else ""
    omitted = [
        f"{load_manifest(name).heading}: {line}" for name, found in results.items() for line in not_compared(found)
    ]
    if form == "latex":
        notes = "\n".join(f"% {line}" for line in [*about, *omitted])
        below = f"\n\\par {_clean(dagger)}" if dagger else ""
        also = f"\n% {_real_title(real)}\n{_latex(real_cells(real))}\n" if real else ""
        return (
            f"% {paper_title}\n{_latex(blocks[0])}\n\n% Companion, {names}{over}\n{notes}\n{_latex(blocks[1])}{below}\n"
            + also
        )
    notes = "\n".join(f"- {line}" for line in [*about, *omitted])
    printed = markdown(_paired(blocks[0])) if shared else "none: the paper has no such data set."
    also = f"\n**{_real_title(real)}**:\n\n{markdown(real_cells(real))}\n" if real else ""
    return (
        f"Table {table.number}: {table.title}\n\n**{paper_title}**:\n\n{printed}\n\n"
        f"**Companion, {names}**, leave-one-subject-out (* not in the paper's table{over}):\n\n"
        f"{markdown(_paired(blocks[1]))}\n\n{notes}\n{also}"
    )


def real_records(results: Sequence[RealResult]) -> list[dict[str, Any]]:
    """The block of real results as plain values, with the keys of the companion's block.

    Parameters
    ----------
    results
        As from :func:`~astsvm_lib.experiments.real_motion.real_results`.
    """
    rows = []
    for result in results:
        found = estimate(result.matrices, np.random.default_rng(0))
        rows.append(
            {
                "block": "companion, real derived flow",
                "dataset": result.database or REAL,
                "row": result.question.name,
                "uar": found.uar,
                "uf1": found.uf1,
                "profile": result.records[0].profile,
                "epochs": result.records[0].epochs,
                "seeds": [record.seed for record in result.records],
                "current": not result.outdated,
                "records": [record.name for record in result.records],
            }
        )
    return rows


def verdict_word(verdict: Verdict, level: float = 0.05) -> str:
    """``"behind"``, ``"ahead"`` or ``"not distinguishable"``; with a note if a row assigns one class to all clips."""
    direction = "ahead" if verdict.comparison.uf1 > 0 else "behind"
    word = direction if verdict.p < level else "not distinguishable"
    notes = [f"{name} assigns one class to all clips" for name in verdict.one_class]
    return "; ".join([word, *notes])


def interval_text(difference: float, interval: tuple[float, float]) -> str:
    """A difference and its interval, such as ``-0.012 (-0.050 to +0.031)``, without a line break in the interval."""
    low, high = (f"{end:+z.3f}" for end in interval)
    return f"{difference:+z.3f} ({low}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{high})"


def comparison_cells(verdicts: Sequence[Verdict], level: float = 0.05) -> Cells:
    """Differences of UF1 and UAR with 95% intervals, adjusted p-value and verdict, one line per comparison.

    Parameters
    ----------
    verdicts
        Of one data set, as from :func:`~astsvm_lib.experiments.table_results.compared`.
    level
        Significance level of the verdict.
    """
    lines = [
        [
            "row",
            "compared with",
            "difference of UF1 (95% interval)",
            "of UAR (95% interval)",
            "p (Holm)",
            "verdict on UF1",
        ]
    ]
    for verdict in verdicts:
        c = verdict.comparison
        lines.append(
            [
                verdict.row.label,
                verdict.against.label,
                interval_text(c.uf1, c.uf1_interval),
                interval_text(c.uar, c.uar_interval),
                f"{verdict.p:.3f}" if verdict.p >= 0.001 else "<\N{NO-BREAK SPACE}0.001",
                verdict_word(verdict, level),
            ]
        )
    return lines


def power_note(verdicts: Sequence[Verdict]) -> str:
    """What the number of subjects allows a test to find: the smallest p-value after Holm's correction.

    Parameters
    ----------
    verdicts
        Of one data set.

    Returns
    -------
    str
        One sentence; empty if nothing was compared.
    """
    if not verdicts:
        return ""
    subjects, tests = verdicts[0].comparison.subjects, len(verdicts)
    least = smallest_p(subjects, tests)
    text = (
        f"{counted(subjects, 'subject')} and {counted(tests, 'comparison')}: the smallest p-value that the test can "
        f"give is {least:.2g}"
    )
    return text + (", so that no difference, however large, can be significant at 5%." if least >= 0.05 else ".")


def verdict_blocks(verdicts: Mapping[str, Sequence[Verdict]]) -> dict[str, str]:
    """The comparisons as Markdown, by data set; data sets without a comparison are omitted.

    Parameters
    ----------
    verdicts
        By data set, as from :func:`~astsvm_lib.experiments.table_results.compared_each`.
    """
    return {
        name: f"**{load_manifest(name).heading}.** {power_note(found)}\n\n{markdown(comparison_cells(found))}"
        for name, found in verdicts.items()
        if found
    }


def result_tabs(scores: str, verdicts: Mapping[str, Sequence[Verdict]]) -> str:
    """A table of scores and, in a tab for each data set, the comparisons.

    Parameters
    ----------
    scores
        The table as Markdown, as from :func:`render_table`.
    verdicts
        By data set, as from :func:`~astsvm_lib.experiments.table_results.compared_each`.
    """
    blocks = verdict_blocks(verdicts)
    return tabs(
        {"scores": scores} | {f"differences, {name.removeprefix('rehearsal-')}": text for name, text in blocks.items()}
    )


def verdict_tables(verdicts: Mapping[str, Sequence[Verdict]]) -> str:
    """The comparisons as Markdown, one table per data set, in a tab each if there are several.

    Parameters
    ----------
    verdicts
        By data set, as from :func:`~astsvm_lib.experiments.table_results.compared_each`.

    Returns
    -------
    str
        The tables, or a sentence that nothing was run.
    """
    return tabs(verdict_blocks(verdicts)) or "Nothing was run for this table yet."


def claims_counted(claims: Mapping[str, Mapping[str, Verdict]], level: float = 0.05) -> str:
    """Markdown list of how often the paper's claim that a row falls behind is significant, one line per data set.

    Parameters
    ----------
    claims
        Verdicts by data set, then by label of the row; see :func:`~astsvm_lib.experiments.table_results.claims`.
    level
        Significance level.

    Returns
    -------
    str
        The list, or a sentence that nothing was run.
    """
    lines = []
    for name, found in claims.items():
        significant = {label: v.comparison.uf1 for label, v in found.items() if v.p < level}
        behind = _listed([label for label in significant if significant[label] < 0])
        ahead = _listed([label for label in significant if significant[label] > 0])
        heading, noise = load_manifest(name).heading, len(found) - len(significant)
        same = sum(
            v.comparison.better == v.comparison.worse == 0 for label, v in found.items() if label not in significant
        )
        of_which = f", of which {same} with the same number of correct predictions for every subject" if same else ""
        lines.append(
            f"- **{heading}**, {counted(len(found), 'row')}: {behind} behind, {ahead} ahead, {noise} within the noise"
            f"{of_which}."
        )
    return "\n".join(lines) or "Nothing was run for these tables yet."


def _listed(labels: Sequence[str]) -> str:
    return f"{len(labels)} ({'; '.join(labels)})" if labels else "none"


def chance_cells(records: Sequence[Record], reruns: pd.DataFrame) -> Cells:
    """UF1 of a run, its standard deviation over seeds, and the changes in reruns of the same folds.

    Parameters
    ----------
    records
        Records of one run with different seeds; reruns of the first are shown.
    reruns
        As returned by :func:`~astsvm_lib.results.reruns.read_reruns`.

    Returns
    -------
    list of list of str
        Header, then one row per head and machine of a rerun.
    """
    first = records[0]
    spread_title = f"SD over {len(records)} seeds" if len(records) > 1 else "SD over seeds"
    lines = [["head", f"UF1, seed {first.seed}", spread_title, "run again on", "predictions changed", "UF1 then"]]
    for head in first.heads:
        values = [record.scores(head).uf1 for record in records]
        spread = f"{np.std(values, ddof=1):.3f}" if len(values) > 1 else "one seed"
        own = reruns[(reruns["run"] == first.name) & (reruns["head"] == head)]
        notes = [
            [
                f"{row['machine']}; threads: {row['threads']}",
                f"{row['changed']} of {row['clips']}",
                number(row["uf1_now"]),
            ]
            for row in own.to_dict("records")
        ]
        lines += [[head, number(values[0]), spread, *note] for note in notes or [["not run again", "", ""]]]
    return lines
