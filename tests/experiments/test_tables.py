import csv
import io
from dataclasses import replace

import matplotlib.pyplot as plt
import pytest
from fakes import fake_fold

from astsvm_lib import report
from astsvm_lib.datasets import load
from astsvm_lib.errors import CompanionError
from astsvm_lib.experiments import PROFILES, Profile, evaluate, executors, plan, table_results
from astsvm_lib.experiments.table_results import (
    claims,
    compared,
    compared_each,
    compared_together,
    not_compared,
    overall,
    results_of,
    results_with_rehearsals,
    runs_of,
    table_records,
)
from astsvm_lib.methods import METHODS
from astsvm_lib.paper.published import published
from astsvm_lib.paper.tables import PUBLISHED_AS, TABLES, table_numbered
from astsvm_lib.recipe import Recipe
from astsvm_lib.report.tables import claims_counted, records_shown, render_table, verdict_tables
from astsvm_lib.results.store import Store
from astsvm_lib.stages import stage_version

TINY = Profile("paper", 1, 0.01, None, None, "for tests")


@pytest.mark.parametrize("number", TABLES)
def test_every_row_of_the_paper_that_is_its_own_has_a_row_here(number: int):
    table = table_numbered(number)
    rows = {row.name: row for row in table.rows}
    assert table.full in rows
    printed = ["AST+SVMNET" if name == "Ours" else name for name in dict.fromkeys(published(number)["method"])]
    own = [name for name in printed if number >= 8 or name in rows]
    assert [row.name for row in table.rows if not row.beyond and row.name in printed] == own
    for row in table.rows:
        assert row.beyond == (row.name not in printed)
        assert row.head in METHODS[row.method].heads
        Recipe().replace(**row.changes)
    assert {PUBLISHED_AS[name] for name in table.datasets} == set(published(number)["dataset"])


def test_eight_networks_serve_tables_9_to_12():
    data = load("rehearsal-mini")
    runs = runs_of([TABLES[n] for n in (9, 10, 11, 12)], data, Recipe(), "paper", [0])
    assert sum(run.method.name == "ast-svmnet" for run in runs) == 8
    assert sum(run.method.name == "untrained" for run in runs) == 1
    assert len(runs_of([TABLES[12]], data, Recipe(), "paper", [0, 1, 2])) == 9


def test_a_table_that_does_not_exist_is_refused():
    with pytest.raises(CompanionError, match="no table 3; expected one of 4, 5, "):
        table_numbered(3)


@pytest.fixture
def filled(small_dataset, cache, tmp_path, monkeypatch) -> Store:
    """Records of Table 12's two networks, two seeds of the first, and of the baselines."""
    monkeypatch.setitem(PROFILES, "paper", TINY)
    monkeypatch.setattr(executors, "run_folds", three_heads)
    monkeypatch.setattr(type(METHODS["ast-svmnet"]), "extract", lambda *_: {})
    store = Store(tmp_path)
    baselines = [(0, method) for method in ("untrained", "pooled-svm", "megc-baseline", "majority")]
    for _, method in baselines:
        monkeypatch.setattr(type(METHODS[method]), "extract", lambda *_: {})
    for seed, method in ((0, "ast-svmnet"), (1, "ast-svmnet"), *baselines):
        evaluate(plan(small_dataset, None, TINY, seed, method), store=store, cache=cache, progress=False)
    return store


def three_heads(folds, arrays, task, on_epoch=None):
    """Every head predicts the first class, but for the softmax head, which predicts the truth."""
    for fold in folds:
        result = fake_fold(fold, task)
        clips = []
        for clip in result.clips:
            heads = dict(clip.heads)
            if "softmax" in heads:
                heads["softmax"] = heads["softmax"].model_copy(update={"prediction": clip.truth})
            clips.append(clip.model_copy(update={"heads": heads}))
        yield result.model_copy(update={"clips": clips})


def test_results_and_comparisons_come_from_records(filled: Store, small_dataset):
    found = {result.row.name: result for result in results_of(TABLES[12], small_dataset, filled)}
    assert [len(result.records) for result in found.values()] == [2, 2, 2, 2, 1, 1, 1, 1]
    assert found["FC+Softmax"].uf1 == 1
    assert found["FC+Softmax"].spread == 0
    assert found["AST+SVMNET"].uar == found["Majority class"].uar == 0.5
    verdicts = {v.row.name: v for v in compared(TABLES[12], list(found.values()))}
    assert set(verdicts) == set(found) - {"AST+SVMNET", "Majority class"}
    assert verdicts["FC+Softmax"].comparison.uf1 == pytest.approx(1 - found["AST+SVMNET"].uf1)
    assert verdicts["FC+Softmax"].comparison.better == 3
    assert verdicts["Untrained network (SVM)"].comparison.uf1 == 0
    assert all(v.p >= v.comparison.uf1_p for v in verdicts.values())
    assert compared(TABLES[12], list(found.values()), same_head=True) == []  # no row of it leaves a part out
    assert results_of(TABLES[12], small_dataset, filled, profile="smoke")[0].uar is None


def test_a_page_shows_only_what_was_run_and_never_rehearsals_beside_real_data(filled: Store, small_dataset):
    table = TABLES[12]
    shown = results_with_rehearsals(table, small_dataset, filled)
    assert list(shown) == ["small"]  # nothing was run on the others
    verdicts = compared_each(table, shown)
    assert [v.row.name for v in verdicts["small"]] == [v.row.name for v in compared(table, shown["small"])]
    assert compared_each(table, {"small": results_of(table, small_dataset, filled, profile="smoke")}) == {}
    mini = load("rehearsal-mini")
    assert set(results_with_rehearsals(table, mini, Store())) >= {"rehearsal-mini", "rehearsal-casme2"}
    manifest = mini.manifest.model_copy(update={"rehearsal": False})
    assert list(results_with_rehearsals(table, replace(mini, manifest=manifest), Store())) == ["rehearsal-mini"]


def test_a_verdict_names_both_sides_and_what_the_number_of_subjects_allows(filled: Store, small_dataset):
    assert verdict_tables({}) == "Nothing was run for this table yet."
    told = verdict_tables({"rehearsal-mini": compared(TABLES[12], results_of(TABLES[12], small_dataset, filled))})
    assert told.startswith("**rehearsal-mini (rehearsal data).** 3 subjects and 6 comparisons: the smallest p-value")
    assert "so that no difference, however large, can be significant at 5%" in told
    (row,) = (line for line in told.splitlines() if line.startswith("| FC+Softmax |"))
    assert "| AST+SVMNET | +" in row
    assert row.endswith("| not distinguishable; AST+SVMNET assigns one class to all clips |")


def test_two_rows_are_compared_on_each_data_set_and_on_all_together(filled: Store, small_dataset, monkeypatch):
    monkeypatch.setattr(table_results, "load", lambda name: small_dataset)
    results = results_of(TABLES[12], small_dataset, filled)
    found = compared_together({"a": results, "b": results}, "FC+Softmax", "Majority class")
    assert list(found) == ["a", "b", "together"]
    assert found["together"].subjects == 2 * found["a"].subjects
    assert found["together"].uf1 == pytest.approx(found["a"].uf1)
    assert list(compared_together({"a": results}, "FC+Softmax", "Majority class")) == ["a"]
    assert overall(found) == ("all data sets together", found["together"])
    assert overall({"a": found["a"]}) == ("a", found["a"])
    assert overall({}) is None
    figure = report.forest_figure(found, "rehearsal data", "UF1: A minus B")
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(found)
    plt.close(figure)


def test_claims_are_the_rows_of_the_paper_and_are_counted(filled: Store, small_dataset):
    found = claims([TABLES[12]], small_dataset, filled)
    assert list(found["small"]) == ["Table 12: FC+Softmax"]
    verdict = found["small"]["Table 12: FC+Softmax"]
    assert verdict.comparison.uf1 > 0
    told = {"rehearsal-mini": {"Table 12: FC+Softmax": verdict, "Table 9: a": replace(verdict, p=0.01)}}
    assert claims_counted(told) == (
        "- **rehearsal-mini (rehearsal data)**, 2 rows: none behind, 1 (Table 9: a) ahead, 1 within the noise."
    )
    worse = replace(verdict, p=0.01, comparison=replace(verdict.comparison, uf1=-0.2))
    assert "1 (b) behind, none ahead, 0 within" in claims_counted({"rehearsal-mini": {"b": worse}})
    alike = replace(verdict, comparison=replace(verdict.comparison, uf1=-0.001, better=0, worse=0))
    assert "1 within the noise, of which 1 with the same number of" in claims_counted({"rehearsal-mini": {"c": alike}})
    assert claims_counted({}) == "Nothing was run for these tables yet."
    figure = report.claims_figure({**told, "rehearsal-smic": {"b": worse, "c": alike}}, "rehearsal data")
    written_in = {text.get_text(): text.get_weight() for text in figure.axes[0].texts}
    assert written_in["-0.20"] == "bold"
    assert written_in["+0.00"] == "normal"
    assert len(figure.axes[0].texts) == 4
    assert len(figure.axes[0].patches) == 2
    plt.close(figure)


def test_a_row_is_found_by_its_name():
    assert TABLES[12].row("FC+Softmax").head == "softmax"
    with pytest.raises(CompanionError, match=r"Table 12 has no row 'FC'; expected one of FC\+Softmax, AST\+SVMNET"):
        TABLES[12].row("FC")


def test_the_blocks_are_never_mixed(filled: Store, small_dataset):
    results = {"rehearsal-casme2": results_of(TABLES[12], small_dataset, filled)}
    objects = table_records(TABLES[12], results)
    blocks = [item["block"] for item in objects]
    assert blocks == sorted(blocks, reverse=True)
    assert {item["dataset"] for item in objects if item["block"] == "published"} == {"casme2"}
    columns = {"block", "dataset", "row", "uar", "uf1"}
    own = columns | {"profile", "epochs", "seeds", "current", "records"}
    assert all(set(item) == (own if item["block"] == "companion" else columns) for item in objects)
    full = next(item for item in objects if item["block"] == "companion" and item["row"] == "AST+SVMNET")
    assert (full["profile"], full["epochs"], full["seeds"], full["current"]) == ("paper", 1, [0, 1], True)
    assert [len(item["records"]) for item in objects if item["block"] == "companion"] == [2, 2, 2, 2, 1, 1, 1, 1]
    rows = list(csv.DictReader(io.StringIO(render_table(TABLES[12], results, "csv"))))
    assert [row["row"] for row in rows] == [item["row"] for item in objects]
    text = render_table(TABLES[12], results, "md")
    first, second = text.split("**Companion, rehearsal-casme2 (rehearsal data)**")
    assert "0.892 | 0.913" in first
    assert "1.000 | 1.000 ±\N{NO-BREAK SPACE}0.000 | 1 x 2 |" in second
    assert "± is the standard deviation over seeds):" in second
    assert "(profile paper, 1 epochs; seed 0, 1; CPU" in second
    latex = render_table(TABLES[12], results, "latex")
    assert latex.count(r"\begin{tabular}") == 2
    assert "% Companion, rehearsal-casme2 (rehearsal data); ± is" in latex


def test_several_data_sets_stand_in_a_column_each(filled: Store, small_dataset):
    table = TABLES[12]
    run, waiting = results_of(table, small_dataset, filled), results_of(table, small_dataset, filled, profile="smoke")
    text = render_table(table, {"rehearsal-casme2": run, "rehearsal-smic": waiting}, "md").replace(
        "\N{NO-BREAK SPACE}", " "
    )
    assert "**Companion, rehearsal data**" in text
    assert "| row | rehearsal-casme2: UAR / UF1 | rehearsal-smic: UAR / UF1 | epochs x seeds |" in text
    assert "| FC+Softmax | 1.000 / 1.000 ± 0.000 | not run | 1 x 2 |" in text
    assert "| FC+Softmax | 0.867 / 0.868 | " in text


def test_a_row_without_a_run_on_one_data_set_moves_no_mark_of_another(filled: Store, small_dataset):
    verdicts = compared(TABLES[12], results_of(TABLES[12], small_dataset, filled))
    assert len(verdicts) > 1
    figure = report.difference_figure({"a": verdicts, "b": verdicts[1:], "c": verdicts}, "rehearsal data")
    a, b, c = figure.axes
    places = [[line.get_ydata()[0] for line in axis.lines if line.get_marker() == "o"] for axis in (a, b, c)]
    assert places == [list(range(len(verdicts))), list(range(1, len(verdicts))), list(range(len(verdicts)))]
    plt.close(figure)


def test_outdated_records_are_marked_and_never_compared_with_others(filled: Store, small_dataset):
    table, now = TABLES[12], stage_version("folds")
    untrained = next(r for r in filled.records() if r.method == "untrained")
    filled.write(untrained.model_copy(update={"stages": {**untrained.stages, "folds": 0}}))
    results = results_of(table, small_dataset, filled)
    text = render_table(table, {"rehearsal-casme2": results}, "md").replace("\N{NO-BREAK SPACE}", " ")
    assert "| Untrained network (SVM) * † |" in text
    assert "| FC+Softmax |" in text
    assert f"† outdated: made by earlier versions of a stage (folds 0 -> {now})" in text
    assert f"Untrained network (SVM) is not compared: outdated (folds 0 -> {now})" in text
    rows = list(csv.DictReader(io.StringIO(render_table(table, {"rehearsal-casme2": results}, "csv"))))
    assert [row["row"] for row in rows if row["current"] == "False"] == [r.row.name for r in results if r.outdated]
    latex = render_table(table, {"rehearsal-casme2": results}, "latex")
    assert rf"\par $\dagger$ outdated: made by earlier versions of a stage (folds 0 $\to$ {now})" in latex
    assert {v.row.name for v in compared(table, results)} == {
        "FC+Softmax",
        "AST+SVMNET (linear SVM)",
        "AST+SVMNET (SVM, library defaults)",
        "Linear SVM, no network",
        "MEGC baseline",
    }
    assert [line.split(" is ")[0] for line in not_compared(results)] == [
        "Untrained network (SVM)",
    ]


def test_all_rows_of_a_table_are_read_from_one_profile(filled: Store, small_dataset, cache, monkeypatch):
    table, method = TABLES[4], METHODS["ststnet"]
    monkeypatch.setattr(type(method), "extract", lambda *_: {})

    def seeds() -> list[int]:
        (row,) = (r for r in results_of(table, small_dataset, filled) if r.row.method == "ststnet")
        return [record.seed for record in row.records]

    evaluate(plan(small_dataset, None, "smoke", 5, "ststnet"), store=filled, cache=cache, progress=False)
    assert seeds() == []
    evaluate(plan(small_dataset, None, TINY, 6, "ststnet"), store=filled, cache=cache, progress=False)
    assert seeds() == [6]


def test_records_of_a_method_without_a_network_name_no_backend(filled: Store):
    majority = [record for record in filled.records() if record.method == "majority"]
    told = records_shown(majority)
    assert f"scikit-learn {majority[0].libraries['scikit-learn']}; commit" in told
    assert "keras" not in told
    assert "none" not in told.replace(majority[0].name, "")
    assert "keras" in records_shown(filled.records())
