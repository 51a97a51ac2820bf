"""Protocols: which clips train and which are tested, within and across data sets."""

from dataclasses import replace

import numpy as np
import pytest

from astsvm_lib.datasets import Dataset, load
from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.protocol import LOSO, Protocol, standardise_corpora
from astsvm_lib.experiments import evaluate, plan
from astsvm_lib.experiments.run import plan_again
from astsvm_lib.experiments.runner import folds_of
from astsvm_lib.experiments.verify import verify
from astsvm_lib.results.record import RunKey
from astsvm_lib.results.store import Store

SUBJECTS = ["a/1", "a/1", "a/2", "b/1", "b/2", "x/1", "x/2"]
TESTED = np.array([True] * 5 + [False] * 2)
PROTOCOLS = [
    LOSO,
    Protocol("database"),
    Protocol(train=("x",)),
    Protocol(train=("x", "y"), standardisation="corpus"),
    Protocol(train=("x",), joint=True),
    Protocol("database", ("x",), True, "corpus"),
]


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.text)
def test_text_is_read_back(protocol):
    assert Protocol.parse(protocol.text) == protocol


def test_names_of_records_differ_by_protocol_and_those_of_loso_are_short():
    keys = [
        RunKey(dataset="d", method="m", profile="p", epochs=0, seed=0, choices="c", protocol=protocol.text)
        for protocol in PROTOCOLS
    ]
    assert keys[0].name == "d_m_p_seed0_c"
    assert len({key.name for key in keys}) == len(PROTOCOLS)
    with pytest.raises(
        CompanionError, match="protocol: expected LOSO, holdout-database or 'trained on ...', found 'x'"
    ):
        Protocol.parse("x")


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda protocol: protocol.text)
def test_every_tested_clip_is_tested_once_and_never_trained_on(protocol):
    count = len(SUBJECTS) if protocol.train else 5
    folds = protocol.folds(SUBJECTS[:count], TESTED[:count])
    assert sorted(np.concatenate([fold.test for fold in folds])) == [0, 1, 2, 3, 4]
    for fold in folds:
        assert not set(fold.train) & set(fold.test)
        left = {SUBJECTS[row] for row in fold.test}
        assert not left & {SUBJECTS[row] for row in fold.train}
        others = {5, 6} if protocol.train else set()
        assert others <= set(fold.train)
        assert set(fold.train) - others == (set() if protocol.cross else set(range(5)) - set(fold.test))
    names = {
        "subject": ["a/1", "a/2", "b/1", "b/2"],
        "database": ["a", "b"],
    }
    expected = [protocol.text.split(";")[0]] if protocol.cross else names[protocol.left_out]
    assert [fold.name for fold in folds] == expected


def test_one_database_cannot_be_left_out():
    with pytest.raises(CompanionError, match="expected a composite of at least 2 databases, found a"):
        Protocol("database").folds(SUBJECTS[:3], TESTED[:3])


def test_features_are_standardised_within_each_corpus():
    rng = np.random.default_rng(0)
    arrays = {"maps": rng.normal(3, 5, (9, 4, 2)).astype(np.float32), "subject": np.arange(9)}
    arrays["maps"][:5, 0] = 7
    found = standardise_corpora(arrays, ["a"] * 5 + ["b"] * 4)
    assert found["maps"].dtype == np.float32
    np.testing.assert_array_equal(found["subject"], np.arange(9))
    np.testing.assert_array_equal(found["maps"][:5, 0], 0)
    for rows in (slice(0, 5), slice(5, 9)):
        np.testing.assert_allclose(found["maps"][rows].mean(0), 0, atol=1e-5)
        np.testing.assert_allclose(found["maps"][rows, 1:].std(0), 1, atol=1e-5)


def test_a_run_across_data_sets_is_stored_verified_and_found(tmp_path, cache):
    mini, wide = load("rehearsal-mini@12"), load("rehearsal-wide@12")
    store = Store(tmp_path)
    protocol = Protocol(train=("rehearsal-wide@12",), standardisation="corpus")
    run = plan(mini, method="maps-svm", protocol=protocol, training=[wide])
    assert run.command.endswith("--train rehearsal-wide@12 --standardise corpus")
    record = evaluate(run, store=store, cache=cache, progress=False)
    assert [clip.key for clip in record.clips] == [clip.key for clip in mini]
    assert record.protocol == "trained on rehearsal-wide@12; each corpus standardised"
    read = store.find(run.key, run.data)
    assert read.protocol == record.protocol
    assert [clip.heads["svm"].prediction for clip in read.clips] == [c.heads["svm"].prediction for c in record.clips]
    assert plan_again(read, mini, [wide]).data == record.data
    assert verify(read, cache=cache, progress=False).agrees
    assert store.find(plan(mini, method="maps-svm").key, mini.fingerprint) is None
    assert store.evaluations() == []  # only evaluations on real data are logged


def test_every_evaluation_on_real_data_leaves_a_row(small_dataset: Dataset, tmp_path, cache):
    real = small_dataset.manifest.model_copy(update={"access": "published", "rehearsal": False})
    store = Store(tmp_path)
    run = plan(Dataset(real, small_dataset.clips), method="majority")
    for _ in range(2):
        evaluate(run, store=store, cache=cache, progress=False)
    evaluate(run, store=store, cache=cache, overwrite=True, progress=False)
    rows = store.evaluations()
    assert len(rows) == 2  # a stored record is not evaluated again
    assert {row["run"] for row in rows} == {run.name}
    assert [row["head"] for row in rows] == ["majority", "majority"]
    assert float(rows[0]["uar"]) == 0.5


def test_wrong_training_data_is_refused():
    mini, other, wide = map(load, ("rehearsal-mini@12", "rehearsal-mini@20", "rehearsal-wide@12"))
    with pytest.raises(CompanionError, match="rehearsal-mini@20: expected no clip of rehearsal-mini@12 .* found 12"):
        plan(mini, method="majority", protocol=Protocol(train=(other.id,)), training=[other])
    with pytest.raises(CompanionError, match="expected the training data x, found rehearsal-wide@12"):
        plan(mini, method="majority", protocol=Protocol(train=("x",)), training=[wide])
    five = replace(wide, manifest=wide.manifest.model_copy(update={"classes": {"a": 6, "b": 6}}))
    with pytest.raises(CompanionError, match="expected the classes negative, positive, surprise of .* found a, b"):
        plan(mini, method="majority", protocol=Protocol(train=(wide.id,)), training=[five])
    with pytest.raises(CompanionError, match="profile development: expected the protocol LOSO, found holdout-database"):
        folds_of(plan(mini, method="majority", profile="development", protocol=Protocol("database")))


def test_frames_of_a_clip_must_not_train_when_its_published_maps_are_tested():
    """The clips of casme2 and of megc2019-flow have the same keys and different content."""
    frames = load("rehearsal-mini@12")
    maps = replace(
        frames,
        manifest=frames.manifest.model_copy(update={"id": "maps"}),
        clips=tuple(replace(clip, hash_frames=lambda: "maps") for clip in frames),
    )
    with pytest.raises(CompanionError, match="expected no clip of maps in the training data, found 12"):
        plan(maps, method="majority", protocol=Protocol(train=(frames.id,)), training=[frames])
