"""Statements of the chapters on results that are written as text, computed again from the paper's tables."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from astsvm_lib import report
from astsvm_lib.book.folders import source_folder
from astsvm_lib.datasets import load_manifest
from astsvm_lib.evaluation.statistics import Comparison, smallest_p
from astsvm_lib.experiments.multiverse import FACTORS, FactorEffect
from astsvm_lib.experiments.table_results import Verdict
from astsvm_lib.paper.attainable import attainable
from astsvm_lib.paper.published import published
from astsvm_lib.paper.tables import TITLES, Row
from astsvm_lib.report.tables import claims_counted, counted, interval_text, power_note, tabs, verdict_blocks


def score(table: int, dataset: str, method: str, column: str = "uf1") -> float:
    rows = published(table)
    (value,) = rows[(rows["dataset"] == dataset) & (rows["method"] == method)][column]
    return float(value)


@pytest.fixture(scope="module")
def slips() -> str:
    return (source_folder() / "slips.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("dataset", "first", "method"),
    [("casme2", 4, "Bi-WOOF"), ("smic-hs", 5, "Bi-WOOF")],
)
def test_bi_woof_has_two_pairs_of_scores_on_two_data_sets(slips: str, dataset: str, first: int, method: str):
    pairs = [(score(n, dataset, m, "uar"), score(n, dataset, m)) for n, m in ((first, method), (8, method.upper()))]
    assert pairs[0] != pairs[1]
    assert " and ".join(f"{uar:.3f}/{uf1:.3f}" for uar, uf1 in pairs) in slips


def test_the_gain_over_slstt_lstm_is_a_difference_of_table_5(slips: str):
    ours, other = (score(5, "smic-hs", method, "uar") for method in ("Ours", "SLSTT-LSTM"))
    assert f"Table 5 has {ours:.3f} and {other:.3f}, a difference of {ours - other:.3f}" in slips
    assert ours - other == pytest.approx(0.038)


def test_the_resolution_of_smic_is_that_of_its_manifest(slips: str):
    manifest = load_manifest("smic-hs")
    assert f"The database's own is ${manifest.width} \\times {manifest.height}$" in slips


def test_the_largest_gains_of_the_ablations_compare_different_heads(slips: str):
    gains = {"SVM": [], "Softmax": []}
    for table in (9, 10, 11):
        rows = published(table)
        rows = rows[(rows["dataset"] == "casme2") & (rows["method"] != "AST+SVMNET")]
        full = score(table, "casme2", "AST+SVMNET")
        for head, found in gains.items():
            found.append(float((full - rows[rows["method"].str.endswith(f"({head})")]["uf1"]).max()))
    one, two, three = gains["Softmax"]
    assert f"up to {one:.3f} (Table 9), {two:.3f} (Table 10) and {three:.3f} (Table 11)" in slips
    assert "{:.3f}, {:.3f} and {:.3f}".format(*gains["SVM"]) in slips
    assert (two, gains["SVM"][1]) == (pytest.approx(0.199), pytest.approx(0.186))


def test_three_methods_of_table_5_have_a_higher_uf1(slips: str):
    rows = published(5).set_index("method")["uf1"]
    ahead = [name for name in rows.index if rows[name] > rows["Ours"]]
    assert f"{', '.join(ahead[:-1])} and {ahead[-1]} have a higher UF1" in slips
    for table in (4, 6, 7):
        assert published(table).set_index("method")["uf1"].idxmax() == "Ours"


def test_the_pairs_that_no_matrix_has_are_of_three_methods(slips: str):
    found = set()
    for table in range(4, 13):
        for row in published(table).itertuples():
            sizes = tuple(load_manifest(row.dataset).classes.values())
            if not attainable(sizes, row.uar, row.uf1, 3).possible:
                found.add((table, row.method))
    assert {table for table, _ in found} == {5, 6, 8}
    assert {method for _, method in found} == {"LBP-TOP", "STSTNet+GA", "SLSTT-LSTM"}
    assert "Pairs of UAR and UF1 of LBP-TOP, STSTNet+GA and SLSTT-LSTM" in slips


def test_only_idsf_alone_on_smic_is_ahead_of_the_full_method_in_tables_8_to_12():
    ahead = []
    for table in range(8, 13):
        full = "IDSF (Ours)" if table == 8 else "AST+SVMNET"
        rows = published(table)
        whole = rows[rows["method"] == full].set_index("dataset")["uf1"]
        ahead += [(table, r.dataset, r.method) for r in rows.itertuples() if r.uf1 > whole[r.dataset]]
    assert ahead == [(9, "smic-hs", "IDSF-only (SVM)")]


def ahead_on(table: int, first: str, second: str) -> set[str]:
    rows: pd.DataFrame = published(table).pivot(index="method", columns="dataset", values="uf1")
    return {name for name in TITLES if rows.loc[first, name] > rows.loc[second, name]}


def test_the_order_of_the_inputs_and_of_the_convolutions_in_the_paper():
    others = set(TITLES) - {"smic-hs"}
    for head in ("SVM", "Softmax"):
        assert ahead_on(9, f"IDSF-only ({head})", f"Optical Flow-only ({head})") == set(TITLES)
        assert ahead_on(11, f"2D IM-only ({head})", f"3D IM-only ({head})") == others
    assert ahead_on(9, "AST+SVMNET", "IDSF-only (SVM)") == others
    assert ahead_on(9, "AST+SVMNET", "Optical Flow-only (SVM)") == set(TITLES)


def test_three_of_the_pairs_of_table_8_differ_from_tables_4_to_7():
    earlier = {(r.dataset, r.method.lower()): (r.uar, r.uf1) for n in (4, 5, 6, 7) for r in published(n).itertuples()}
    again = [r for r in published(8).itertuples() if (r.dataset, r.method.lower()) in earlier]
    differ = {(r.dataset, r.method) for r in again if earlier[r.dataset, r.method.lower()] != (r.uar, r.uf1)}
    assert len(again) == 8
    assert differ == {("casme2", "LBP-TOP"), ("casme2", "BI-WOOF"), ("smic-hs", "BI-WOOF")}


def test_seven_comparisons_on_eight_subjects_cannot_be_significant():
    assert smallest_p(8, 6) < 0.05 <= smallest_p(8, 7)


def comparison(uf1: float, half: float = 0.05) -> Comparison:
    return Comparison(uf1, uf1, (uf1 - half, uf1 + half), (uf1 - half, uf1 + half), 0.5, 0.5, 1, 1, 0, False)


def test_numbers_and_nouns_agree():
    verdict = Verdict(Row("a", "m"), Row("b", "m"), comparison(0.1), 0.5)
    assert claims_counted({"rehearsal-mini": {"a": verdict}}).startswith(
        "- **rehearsal-mini (rehearsal data)**, 1 row: "
    )
    assert power_note([verdict]).startswith("1 subject and 1 comparison: ")
    assert (counted(0, "row"), counted(1, "row"), counted(2, "row")) == ("0 rows", "1 row", "2 rows")
    assert interval_text(0.1, (-0.0001, 0.2)) == "+0.100 (+0.000\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}+0.200)"
    assert list(verdict_blocks({"rehearsal-mini": [verdict], "rehearsal-smic": []})) == ["rehearsal-mini"]


def test_several_tables_are_tabs_and_one_is_not():
    assert tabs({"a": "text"}) == "text"
    assert tabs({}) == ""
    lines = tabs({"a": "one\n", "b": "two"}).splitlines()
    assert lines[0] == "::::{tab-set}"
    assert lines[-1] == "::::"
    assert [line for line in lines if line.startswith(":::{")] == [":::{tab-item} a", ":::{tab-item} b"]


def test_forest_plots_that_are_compared_share_their_axis():
    groups = [{"x": comparison(0.4)}, {"x": comparison(-0.1, 0.02)}]
    low, high = limits = report.shared_limits(groups)
    assert low < -0.12
    assert high > 0.45
    assert report.shared_limits([{"x": comparison(0.4)}])[0] <= 0
    figures = [report.forest_figure(rows, "rehearsal data", "UF1", limits) for rows in groups]
    verdicts = {"a": [Verdict(Row("r", "m"), Row("s", "m"), comparison(0.1), 0.01)]}
    figures.append(report.difference_figure(verdicts, "UF1", limits))
    assert {figure.axes[0].get_xlim() for figure in figures} == {limits}
    for figure in figures:
        plt.close(figure)


def test_the_legend_of_the_variances_hides_no_bar():
    effects = [FactorEffect(factor, 0.5, 0.1, {}) for factor in FACTORS]
    figure = report.variance_figure({"SVM": effects, "softmax head": effects}, "rehearsal data")
    figure.canvas.draw()
    (axis,) = figure.axes
    box = axis.get_legend().get_window_extent()
    assert not any(bar.get_window_extent().overlaps(box) for bar in axis.patches)
    assert box.x1 <= figure.bbox.x1
    plt.close(figure)


def test_parameters_of_the_two_published_networks():
    streams = 2 * (6 * (5 * 5 + 1) + 16 * (5 * 5 * 6 + 1))
    dense = (2 * 16 * 7 * 7 + 1) * 1024 + (1024 + 1) * 1024
    assert streams + dense + (1024 + 1) * 3 == 2_664_475  # as the network's test has
    assert (3 + 5 + 8) * (3 * 3 * 3 + 1) + 2 * (3 + 5 + 8) + (16 * 5 * 5 + 1) * 3 == 448 + 32 + 1203


def test_a_kernel_over_two_maps_is_a_sum_of_two_kernels():
    rng = np.random.default_rng(0)
    kernel, maps = rng.normal(size=(7, 7, 2)), rng.normal(size=(7, 7, 2))
    assert kernel.size == 98
    assert (kernel * maps).sum() == pytest.approx(sum((kernel[..., i] * maps[..., i]).sum() for i in range(2)))
