"""The leaderboard of a challenge, as a table and as one page that loads nothing."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from html import escape

from astsvm_lib.challenge.grading import Graded

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: left; margin-bottom: .5rem; }
th, td { padding: .35rem .6rem; text-align: left; border-bottom: 1px solid #8888; white-space: nowrap;
  vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
td.problems { white-space: normal; min-width: 14rem; }
svg { width: 12rem; height: 1.2rem; vertical-align: middle; }
"""


def _bar(result: Graded) -> str:
    """UF1 and its interval on an axis from 0 to 1, as SVG."""
    if result.scores is None:
        return ""
    low, high = (100 * value for value in result.scores.uf1_interval)
    middle = 100 * result.scores.uf1
    return (
        '<svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        '<line x1="0" y1="9.5" x2="100" y2="9.5" stroke="currentColor" stroke-opacity=".4"/>'
        f'<line x1="{low:.1f}" y1="5" x2="{high:.1f}" y2="5" stroke="#0072b2" stroke-width="2"/>'
        f'<line x1="{middle:.1f}" y1="1" x2="{middle:.1f}" y2="9" stroke="#d55e00" stroke-width="1.6"/></svg>'
    )


def _rank_text(result: Graded) -> str:
    return "-" if result.rank is None else f"{result.rank}{' (tied)' if result.tied else ''}"


def leaderboard_csv(results: Sequence[Graded]) -> str:
    """The leaderboard as CSV: rank, submission, UF1 and UAR with intervals, problems and remarks."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            "rank",
            "tied",
            "submission",
            "uf1",
            "uf1_low",
            "uf1_high",
            "uar",
            "uar_low",
            "uar_high",
            "problems",
            "remarks",
        ]
    )
    for r in results:
        s = r.scores
        numbers = [] if s is None else [s.uf1, *s.uf1_interval, s.uar, *s.uar_interval]
        cells = [f"{value:.4f}" for value in numbers] or [""] * 6
        writer.writerow(
            ["" if r.rank is None else r.rank, "yes" if r.tied else "no", r.name, *cells, "; ".join(r.problems),
             "; ".join(r.remarks)]
        )  # fmt: skip
    return text.getvalue()


def leaderboard_page(results: Sequence[Graded], clips: int, subjects: int) -> str:
    """The leaderboard as an HTML page for the class; the remarks, which are for the instructor, are not on it.

    Parameters
    ----------
    results
        As from :func:`~astsvm_lib.challenge.grading.grade`.
    clips, subjects
        Number of test clips, and of their subjects.
    """
    rows = []
    for r in results:
        start, s = f'<tr><td class="number">{_rank_text(r)}</td><td>{escape(r.name)}</td>', r.scores
        if s is None:
            rows.append(
                f'{start}<td class="problems" colspan="3">Not graded: {escape("; ".join(r.problems))}</td></tr>'
            )
            continue
        rows.append(
            f'{start}<td class="number">{s.uf1:.3f} ({s.uf1_interval[0]:.3f} to {s.uf1_interval[1]:.3f})</td>'
            f'<td>{_bar(r)}</td><td class="number">{s.uar:.3f}</td></tr>'
        )
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Leaderboard</title>
<style>{_STYLE}</style>
</head>
<body>
<h1>Leaderboard</h1>
<p>Rendered faces (rehearsal data): {clips} test clips of {subjects} subjects. Submissions are ranked by UF1 over all
clips. Intervals are 95% bootstrap intervals over subjects. A submission shares the rank of the first of its group if
the interval of their difference contains 0: these clips cannot tell the two apart.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Leaderboard">
<table>
<thead><tr><th class="number">Rank</th><th>Submission</th><th class="number">UF1 (95% interval)</th><th>0 to 1</th>
<th class="number">UAR</th></tr></thead>
<tbody>
{chr(10).join(rows)}
</tbody>
</table>
</div>
</body>
</html>
"""
