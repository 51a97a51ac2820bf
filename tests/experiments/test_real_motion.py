"""Evaluations on published flow maps: which runs they need, and what the stored records say."""

import numpy as np
import pytest

from astsvm_lib.datasets import Dataset, load, load_manifest
from astsvm_lib.experiments import real_motion
from astsvm_lib.experiments.real_motion import (
    ACROSS,
    CONTROLS,
    REAL,
    RENDERED,
    SIZES,
    WITHIN,
    WRONG,
    learning_curve,
    network_questions,
    questions,
    real_results,
)
from astsvm_lib.paper.tables import TABLES
from astsvm_lib.report.tables import real_cells, real_records, render_table
from astsvm_lib.results.store import Store


def uf1_of(question) -> float:
    (record,) = question.records(Store())
    assert not record.outdated
    assert record.rehearsal == (question.tested == RENDERED)
    return record.scores(question.head).uf1


@pytest.mark.parametrize("question", [*ACROSS[:3], WRONG[0], learning_curve("ststnet", joint=True)[100]], ids=str)
def test_a_key_needs_no_data_and_is_that_of_the_run(question, monkeypatch):
    real = Dataset(load_manifest(REAL), load("rehearsal-mini@12").clips)  # any clips: the key does not depend on them
    wide = load("rehearsal-wide@20")
    sets = {REAL: real, RENDERED: load(RENDERED), "rehearsal-wide@100": wide}
    wide = Dataset(wide.manifest.model_copy(update={"id": "rehearsal-wide@100"}), wide.clips)
    monkeypatch.setattr(real_motion, "load", lambda name: {**sets, wide.id: wide}[name])
    assert question.run(1).key == question.key(1)


def test_all_evaluations_differ():
    asked = [*questions(), *network_questions()]
    names = [question.key().name for question in asked]
    assert len(set(names)) == len(asked)
    assert len(CONTROLS) == len(set(CONTROLS)) == 11
    assert max(SIZES) >= 3000


def test_rendered_faces_teach_what_real_ones_show():
    main, majority = ACROSS[0], WITHIN[-1]
    assert uf1_of(main) > uf1_of(majority) + 0.3
    controls = [uf1_of(question) for question in WRONG]
    assert max(controls) < uf1_of(main)
    assert np.median(controls) < uf1_of(main) - 0.2


def test_real_results_have_a_block_of_their_own_in_tables_4_to_7():
    store = Store()
    everything = real_results(7, store)
    assert [result.question.name for result in everything][:2] == ["MEGC baseline", "Linear SVM"]
    assert everything[0].matrices.sum() == 442
    assert [real_results(number, store)[0].matrices.sum() for number in (4, 5, 6)] == [145, 164, 133]
    assert real_results(9, store) == []
    header, first, *_ = real_cells(everything)
    assert header[:3] == ["row", "UAR", "UF1"]
    assert float(first[2]) == pytest.approx(everything[0].records[0].scores().uf1, abs=5e-4)
    for form, word in (("md", "**Companion, real derived flow"), ("latex", "% Companion, real derived flow")):
        text = render_table(TABLES[7], {RENDERED: []}, form, everything)
        assert word in text
        assert "real derived flow" not in render_table(TABLES[7], {RENDERED: []}, form)
    rows = real_records(everything)
    assert {row["block"] for row in rows} == {"companion, real derived flow"}
    assert set(rows[0]) == {
        "block", "dataset", "row", "uar", "uf1", "profile", "epochs", "seeds", "current", "records"
    }  # fmt: skip


def test_the_log_has_a_row_for_every_stored_record_of_real_data():
    store = Store()
    logged = {row["run"] for row in store.evaluations()}
    real = {record.name for record in store.records() if record.dataset == REAL}
    assert real
    assert real <= logged
