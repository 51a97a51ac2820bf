import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fakes import fake_folds, interrupted_once

from astsvm_lib.datasets import Dataset, load, load_manifest
from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation import loso
from astsvm_lib.evaluation.protocol import LOSO
from astsvm_lib.experiments import (
    PROFILES,
    Profile,
    evaluate,
    executors,
    is_current,
    plan,
    profile_named,
    require_record,
)
from astsvm_lib.experiments.fold import EPOCHS_KEPT, run_folds, thinned
from astsvm_lib.experiments.run import plan_again
from astsvm_lib.experiments.runner import task_of
from astsvm_lib.methods import METHODS, FoldPrediction
from astsvm_lib.recipe import Recipe
from astsvm_lib.results import provenance
from astsvm_lib.results.record import Environment
from astsvm_lib.results.store import Store

TINY = Profile("tiny", 1, 0.01, None, None, "for tests")
LIGHT = Recipe().replace(inception={"streams": "flow", "modules": "2d"}, attention={"modules": "none"})


def test_profiles():
    assert list(PROFILES) == ["smoke", "paper", "development", "convergence", "multiverse"]
    assert [profile.name for profile in PROFILES.values() if profile.folds is None] == ["smoke", "paper"]
    data = load("rehearsal-mini")
    smoke = profile_named("smoke").choose(data)
    assert len({clip.group for clip in smoke}) == 4
    assert {clip.label for clip in smoke} == set(data.classes)
    few = tuple(clip for clip in data if clip.subject != "01" or clip.label == "negative")
    assert "01" not in {clip.subject for clip in profile_named("smoke").choose(replace(data, clips=few))}
    assert profile_named("paper").choose(data) == data.clips
    known = "smoke, paper, development, convergence, multiverse"
    with pytest.raises(CompanionError, match=f"unknown profile 'fast'; expected one of {known}"):
        profile_named("fast")


def test_a_run_tests_every_clip_once_and_stores_its_predictions(small_dataset: Dataset, cache, tmp_path: Path):
    store = Store(tmp_path / "results")
    record = evaluate(plan(small_dataset, LIGHT, TINY, 3), store=store, cache=cache, progress=False)
    assert sorted(clip.key for clip in record.clips) == sorted(clip.key for clip in small_dataset)
    assert [fold.name for fold in record.folds] == ["small/01", "small/02", "small/03"]
    assert all(clip.subject == fold.name for fold in record.folds for clip in fold.clips)
    for clip in record.clips:
        assert clip.truth == small_dataset[clip.key].label
        assert list(clip.heads) == record.heads == ["svm", "softmax", "svm-linear", "svm-defaults"]
        for result in clip.heads.values():
            assert result.prediction == max(result.scores, key=result.scores.get)
        assert sum(clip.heads["softmax"].scores.values()) == pytest.approx(1, abs=1e-4)
    assert record.scores("svm").matrix.sum() == len(small_dataset)
    with pytest.raises(
        CompanionError, match="no head 'linear'; expected one of svm, softmax, svm-linear, svm-defaults"
    ):
        record.scores("linear")
    names = {path.relative_to(tmp_path / "results").as_posix() for path in (tmp_path / "results").rglob("*.csv")}
    assert names == {"runs.csv", f"predictions/{record.name}.csv", f"curves/{record.name}.csv"}
    assert record.rehearsal
    assert "rehearsal data" in record.heading
    assert record.device.startswith(("CPU", "GPU"))
    assert "trainer-fast" in record.stages
    assert record.differs == "attention.modules = none; inception.streams = flow; inception.modules = 2d"
    assert Recipe.from_dict(record.recipe) == LIGHT


def test_folds_of_several_subjects_are_stored_by_their_names(small_dataset: Dataset, cache, tmp_path: Path):
    recipe = LIGHT.replace(transfer={"tuning": "none"})  # a training fold has one subject here
    run = plan(small_dataset, recipe, replace(TINY, folds=2), 3)
    record = evaluate(run, store=Store(tmp_path), cache=cache, progress=False)
    assert [fold.name for fold in record.folds] == ["fold 1", "fold 2"]
    assert sorted(clip.key for clip in record.clips) == sorted(clip.key for clip in small_dataset)
    for fold in record.folds:
        tested = {clip.subject for clip in fold.clips}
        assert not tested & {clip.subject for other in record.folds if other is not fold for clip in other.clips}
    read = Store(tmp_path).find(run.key, run.data)
    assert [(fold.name, len(fold.epochs)) for fold in read.folds] == [("fold 1", 1), ("fold 2", 1)]
    assert len(read.subject_matrices()) == 3


def test_what_is_stored_is_not_run_again(small_dataset, cache, tmp_path, monkeypatch):
    store = Store(tmp_path)
    monkeypatch.setattr(executors, "run_folds", fake_folds)
    first = evaluate(plan(small_dataset, LIGHT, TINY), store=store, cache=cache, progress=False)
    monkeypatch.setattr(executors, "run_folds", lambda *a: pytest.fail("a fold was run again"))
    stored = evaluate(plan(small_dataset, LIGHT, TINY), store=store, cache=cache, progress=False)
    assert [clip.heads for clip in stored.clips] == [clip.heads for clip in first.clips]
    with pytest.raises(pytest.fail.Exception):
        evaluate(plan(small_dataset, LIGHT, TINY, 1), store=store, cache=cache, progress=False)
    with pytest.raises(pytest.fail.Exception):
        evaluate(plan(small_dataset, LIGHT, TINY), store=store, cache=cache, overwrite=True, progress=False)


def test_a_run_that_was_cut_is_resumed(small_dataset, cache, tmp_path, monkeypatch):
    store, begun = Store(tmp_path), []

    monkeypatch.setattr(executors, "run_folds", interrupted_once(begun))
    with pytest.raises(KeyboardInterrupt):
        evaluate(plan(small_dataset, LIGHT, TINY), store=store, cache=cache, progress=False)
    assert store.records() == []
    kept = sorted((tmp_path / ".partial").rglob("*.json"))
    assert len(kept) == 2
    kept[0].write_text('{"half": ')
    with pytest.warns(UserWarning, match="damaged fold"):
        record = evaluate(plan(small_dataset, LIGHT, TINY), store=store, cache=cache, progress=False)
    assert len(begun) == 5  # the cut fold and the damaged one
    assert len(record.clips) == len(small_dataset)
    assert not (tmp_path / ".partial").exists()


def test_a_resumed_run_states_every_machine_and_starts_anew_with_other_versions(
    small_dataset, cache, tmp_path, monkeypatch
):
    run, begun = plan(small_dataset, LIGHT, TINY), []

    def on(processor: str, numpy: str):
        environment = Environment(device="CPU", processor=processor, threads=1, libraries={"numpy": numpy})
        monkeypatch.setattr(executors, "current_environment", lambda network: environment)
        monkeypatch.setattr(provenance, "library_versions", lambda: {"numpy": numpy})

    monkeypatch.setattr(executors, "run_folds", interrupted_once(begun))
    on("A", "2.0")
    with pytest.raises(KeyboardInterrupt):
        evaluate(run, store=Store(tmp_path / "a"), cache=cache, progress=False)
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    on("B", "2.0")
    record = evaluate(run, store=Store(tmp_path / "a"), cache=cache, progress=False)
    assert (record.processor, record.libraries, len(begun)) == ("A; B", {"numpy": "2.0"}, 4)
    on("B", "2.1")
    record = evaluate(run, store=Store(tmp_path / "b"), cache=cache, progress=False)
    assert (record.processor, record.libraries, len(begun)) == ("B", {"numpy": "2.1"}, 7)


def test_diverged_training_is_an_error_and_no_prediction(small_dataset, cache, tmp_path, monkeypatch):
    def diverged(self, arrays, labels, folds, config, on_epoch=None):
        for fold in folds:
            yield FoldPrediction(dict.fromkeys(heads, np.full((len(fold.test), columns), np.nan)), [])

    heads, columns = ("svm", "softmax", "svm-linear", "svm-defaults"), 2
    monkeypatch.setattr(type(METHODS["ast-svmnet"]), "fit_folds", diverged)
    with pytest.raises(CompanionError, match="01, svm: expected numbers, found NaN; the training has diverged"):
        evaluate(plan(small_dataset, LIGHT, TINY), store=Store(tmp_path), cache=cache, progress=False)
    columns = 3
    with pytest.raises(CompanionError, match=r"expected scores \(clips, classes\) \(3, 2\), found \(3, 3\)"):
        evaluate(plan(small_dataset, LIGHT, TINY), store=Store(tmp_path), cache=cache, progress=False)
    heads = ("svm",)
    with pytest.raises(CompanionError, match="the heads svm, softmax, svm-linear, svm-defaults, found svm"):
        evaluate(plan(small_dataset, LIGHT, TINY), store=Store(tmp_path), cache=cache, progress=False)
    monkeypatch.setattr(type(METHODS["ast-svmnet"]), "extract", lambda *_: {"flow": np.zeros((7, 1))})
    with pytest.raises(CompanionError, match="expected 8 rows of 'flow', one per clip, found 7"):
        evaluate(plan(small_dataset, LIGHT, TINY), store=Store(tmp_path), cache=cache, progress=False)


def test_folds_at_once_give_what_folds_in_turn_give(small_dataset, cache, tmp_path):
    one = evaluate(plan(small_dataset, LIGHT, TINY, 5), store=Store(tmp_path / "a"), cache=cache, progress=False)
    two = evaluate(plan(small_dataset, LIGHT, TINY, 5), 2, Store(tmp_path / "b"), cache, progress=False)
    for a, b in zip(one.clips, two.clips, strict=True):
        assert (a.key, a.subject, a.truth) == (b.key, b.subject, b.truth)
        assert list(a.heads["softmax"].scores.values()) == pytest.approx(
            list(b.heads["softmax"].scores.values()), abs=1e-3
        )


def test_the_left_out_subject_changes_nothing_in_its_own_training(small_dataset, cache):
    """Other labels and frames of the test subject give the same network: the same loss."""
    run = plan(small_dataset, LIGHT, replace(TINY, epochs=2))
    arrays = run.method.extract(small_dataset.clips, LIGHT, run.settings, cache, 1, False)
    fold = loso([clip.group for clip in small_dataset])[0]
    task = task_of(run)
    (plain,) = run_folds([fold], arrays, task)
    other_flow, other_labels = arrays["flow"].copy(), task.labels.copy()
    other_flow[fold.test] *= 3
    other_labels[fold.test] = 1 - task.labels[fold.test]
    (other,) = run_folds([fold], {**arrays, "flow": other_flow}, replace(task, labels=other_labels))
    assert [e["loss"] for e in other.epochs] == pytest.approx([e["loss"] for e in plain.epochs], rel=1e-3)


def test_of_a_long_training_evenly_spaced_epochs_are_kept():
    epochs = [{"loss": float(i)} for i in range(1000)]
    kept = [epoch["loss"] for epoch in thinned(epochs)]
    assert len(kept) == EPOCHS_KEPT
    assert (kept[0], kept[-1]) == (0, 999)
    assert set(np.diff(kept)) <= {52, 53}
    assert thinned(epochs[:20]) == epochs[:20]


def test_a_missing_record_says_how_to_make_it(small_dataset, tmp_path):
    command = (
        "found none; make it with: astsvm evaluate --dataset small --method bi-woof --profile paper --seed 0 --out"
    )
    with pytest.raises(CompanionError, match=command):
        require_record(plan(small_dataset, method="bi-woof"), Store(tmp_path))
    with pytest.raises(CompanionError, match="--seed 2 --recipe FILE --out"):
        require_record(plan(small_dataset, LIGHT, seed=2), Store(tmp_path))


def test_an_outdated_record_is_not_taken_for_a_current_one(small_dataset, cache, tmp_path, monkeypatch):
    store, run = Store(tmp_path), plan(small_dataset, LIGHT, TINY)
    monkeypatch.setattr(executors, "run_folds", fake_folds)
    record = evaluate(run, store=store, cache=cache, progress=False)
    assert is_current(run, store)
    store.write(record.model_copy(update={"stages": {**record.stages, "optical-flow": 0}}))
    assert not is_current(run, store)
    change = f"optical-flow 0 -> {record.stages['optical-flow']}"
    with pytest.raises(CompanionError, match=rf"found an outdated one \({change}\); make it with: astsvm"):
        require_record(run, store)
    assert store.find(run.key, run.data, outdated=True).outdated == [change]
    evaluate(run, store=store, cache=cache, progress=False)
    assert is_current(run, store)


def test_the_committed_records_are_those_of_the_default_recipe_and_data():
    records = Store().records()
    assert records
    for record in records:
        method, manifest = METHODS[record.method], load_manifest(record.dataset)
        settings = method.settings.from_dict(record.settings)
        assert record.key.choices == method.choices_digest(Recipe.from_dict(record.recipe), settings)
        assert set(record.recipe) == set(method.sections)
        assert record.heads[0] == next(iter(method.heads))
        assert set(record.heads) <= set(method.heads)
        assert record.rehearsal == manifest.rehearsal
        assert len(record.clips) == sum(manifest.classes.values())
        if record.protocol != LOSO.text or manifest.access != "generated":
            continue  # its data is not at hand
        data = load(record.dataset)
        assert record.data == plan_again(record, data).data
        assert {clip.key: clip.truth for clip in record.clips} == {clip.key: clip.label for clip in data}
        assert all(clip.subject == data[clip.key].group for clip in record.clips)
    require_record(plan(load("rehearsal-mini")))
