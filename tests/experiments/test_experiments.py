import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from astsvm_lib.datasets import Dataset, load
from astsvm_lib.errors import CompanionError
from astsvm_lib.experiments import PROFILES, Profile, Record, Store, evaluate, plan, profile_named
from astsvm_lib.experiments import runner as runner_module
from astsvm_lib.experiments.fold import EPOCHS_KEPT, Task, run_fold, thinned
from astsvm_lib.experiments.record import ClipResult, FoldResult, HeadResult
from astsvm_lib.methods import METHODS
from astsvm_lib.methods.method import Conditions
from astsvm_lib.recipe import Recipe

TINY = Profile("tiny", 1, 0.01, None, None, "for tests")
LIGHT = Recipe().replace(inception={"streams": "flow", "modules": "2d"}, attention={"modules": "none"})


def fake_fold(fold, arrays, task: Task, on_epoch=None) -> FoldResult:
    """A fold that always says the first class; quick."""
    said = HeadResult(prediction=task.classes[0], scores=dict.fromkeys(task.classes, 0.5))
    clips = [
        ClipResult(key=task.keys[row], subject=fold.subject, truth=task.classes[task.labels[row]], heads={"svm": said})
        for row in fold.test
    ]
    epochs = [{"loss": 1.0, "accuracy": 0.5}] * task.conditions.epochs
    return FoldResult(subject=fold.subject, epochs=epochs, seconds=0.1, clips=clips)


def test_profiles():
    assert list(PROFILES) == ["smoke", "quick", "brief", "reduced", "paper"]
    assert PROFILES["paper"].epochs == 30
    data = load("rehearsal-mini")
    smoke = profile_named("smoke").choose(data)
    assert len({clip.group for clip in smoke}) == 4
    assert {clip.label for clip in smoke} == set(data.classes)
    few = tuple(clip for clip in data if clip.subject != "01" or clip.label == "negative")
    assert "01" not in {clip.subject for clip in profile_named("smoke").choose(replace(data, clips=few))}
    assert profile_named("quick").choose(data) == data.clips
    known = "smoke, quick, brief, reduced, paper"
    with pytest.raises(CompanionError, match=f"unknown profile 'fast'; expected one of {known}"):
        profile_named("fast")


def test_a_whole_run_tests_every_clip_once_and_stores_what_it_says(small_dataset: Dataset, cache, tmp_path: Path):
    store = Store(tmp_path / "results")
    record = evaluate(plan(small_dataset, LIGHT, TINY, 3), store=store, cache=cache, progress=False)
    assert sorted(clip.key for clip in record.clips) == sorted(clip.key for clip in small_dataset)
    assert [fold.subject for fold in record.folds] == ["small/01", "small/02", "small/03"]
    assert all(clip.subject == fold.subject for fold in record.folds for clip in fold.clips)
    for clip in record.clips:
        assert clip.truth == small_dataset[clip.key].label
        assert list(clip.heads) == record.heads == ["svm", "softmax", "svm-raw"]
        for said in clip.heads.values():
            assert said.prediction == max(said.scores, key=said.scores.get)
        assert sum(clip.heads["softmax"].scores.values()) == pytest.approx(1, abs=1e-4)
    assert record.scores("svm").matrix.sum() == len(small_dataset)
    with pytest.raises(CompanionError, match="no head 'linear'; expected one of svm, softmax, svm-raw"):
        record.scores("linear")
    files = list((tmp_path / "results").rglob("*"))
    assert [path.name for path in files] == [f"{record.name}.json"]
    assert Record.read(files[0]) == record
    assert record.rehearsal
    assert "rehearsal data" in record.heading
    assert record.device.startswith(("CPU", "GPU"))
    assert Recipe.from_dict(record.recipe) == LIGHT


def test_what_is_stored_is_not_run_again(small_dataset, cache, tmp_path, monkeypatch):
    store = Store(tmp_path)
    monkeypatch.setattr(runner_module, "run_fold", fake_fold)
    first = evaluate(plan(small_dataset, LIGHT, TINY), store=store, cache=cache, progress=False)
    monkeypatch.setattr(runner_module, "run_fold", lambda *a: pytest.fail("a fold was run again"))
    assert evaluate(plan(small_dataset, LIGHT, TINY), store=store, cache=cache, progress=False) == first
    with pytest.raises(pytest.fail.Exception):
        evaluate(plan(small_dataset, LIGHT, TINY, 1), store=store, cache=cache, progress=False)
    with pytest.raises(pytest.fail.Exception):
        evaluate(plan(small_dataset, LIGHT, TINY), store=store, cache=cache, again=True, progress=False)


def test_a_run_that_was_cut_goes_on_where_it_was(small_dataset, cache, tmp_path, monkeypatch):
    store, begun = Store(tmp_path), []

    def cut(fold, *rest):
        begun.append(fold.subject)
        if len(begun) == 3:
            raise KeyboardInterrupt
        return fake_fold(fold, *rest)

    monkeypatch.setattr(runner_module, "run_fold", cut)
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
    from astsvm_lib.evaluation import loso

    run = plan(small_dataset, LIGHT, TINY)
    arrays = run.method.extract(small_dataset.clips, LIGHT, run.settings, cache, 1, False)
    labels = np.array([small_dataset.classes.index(clip.label) for clip in small_dataset])
    fold = loso([clip.group for clip in small_dataset])[0]
    keys = [clip.key for clip in small_dataset]
    task = Task(run.method, Conditions(2, LIGHT, run.settings, 2), labels, keys, small_dataset.classes, 0)
    plain = run_fold(fold, arrays, task)
    other_flow, other_labels = arrays["flow"].copy(), labels.copy()
    other_flow[fold.test] *= 3
    other_labels[fold.test] = 1 - labels[fold.test]
    other = run_fold(fold, {**arrays, "flow": other_flow}, replace(task, labels=other_labels))
    assert [e["loss"] for e in other.epochs] == pytest.approx([e["loss"] for e in plain.epochs], rel=1e-3)


def test_of_a_long_training_evenly_spaced_epochs_are_kept():
    epochs = [{"loss": float(i)} for i in range(1000)]
    kept = [epoch["loss"] for epoch in thinned(epochs)]
    assert len(kept) == EPOCHS_KEPT
    assert (kept[0], kept[-1]) == (0, 999)
    assert set(np.diff(kept)) <= {16, 17}
    assert thinned(epochs[:30]) == epochs[:30]


def test_a_missing_or_wrong_record_says_how_to_make_it(small_dataset, tmp_path):
    command = "make it with: astsvm evaluate --dataset small --method bi-woof --profile quick --seed 0 --out"
    with pytest.raises(CompanionError, match=command):
        Store(tmp_path).require(plan(small_dataset, method="bi-woof"))
    with pytest.raises(CompanionError, match="--seed 2 --recipe FILE --out"):
        Store(tmp_path).require(plan(small_dataset, LIGHT, seed=2))
    (tmp_path / "x.json").write_text(json.dumps({"dataset": "small"}))
    with pytest.raises(CompanionError, match="not a record"):
        Store(tmp_path).records()


def test_the_committed_records_are_those_of_the_default_recipe_and_data():
    records = Store().records()
    assert records
    for record in records:
        data, method = load(record.dataset), METHODS[record.method]
        settings = method.settings.from_dict(record.settings)
        assert record.choices_digest == method.choices_digest(Recipe.from_dict(record.recipe), settings)
        assert set(record.recipe) == set(method.stages)
        assert record.heads[0] == next(iter(method.heads))
        assert set(record.heads) <= set(method.heads)
        assert record.rehearsal == data.manifest.rehearsal
        assert record.data_digest == data.fingerprint
        assert {clip.key: clip.truth for clip in record.clips} == {clip.key: clip.label for clip in data}
        assert all(clip.subject == data[clip.key].group for clip in record.clips)
    Store().require(plan(load("rehearsal-mini")))
