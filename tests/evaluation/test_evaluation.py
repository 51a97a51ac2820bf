from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score, recall_score

from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation import confusion_matrix, fold_mean, fold_rng, loso, score
from astsvm_lib.evaluation.logs import score_log

CLASSES = ("negative", "positive", "surprise")
labels = st.sampled_from(CLASSES)
logs = st.lists(st.tuples(labels, labels, st.sampled_from("ABCDE")), min_size=1, max_size=60)


def test_scores_by_hand():
    truth = ["negative"] * 4 + ["positive"] * 2 + ["surprise"] * 2
    guess = ["negative", "negative", "negative", "positive", "positive", "negative", "surprise", "surprise"]
    result = score(truth, guess, CLASSES)
    assert result.matrix.tolist() == [[3, 1, 0], [1, 1, 0], [0, 0, 2]]
    assert result.uar == pytest.approx((3 / 4 + 1 / 2 + 1) / 3)
    assert result.uf1 == pytest.approx((6 / 8 + 2 / 4 + 1) / 3)


def test_a_class_that_is_never_predicted_counts_as_zero():
    result = score(["negative", "negative", "positive", "surprise"], ["negative"] * 4, CLASSES)
    assert result.uar == pytest.approx(1 / 3)
    assert result.uf1 == pytest.approx((2 * 2 / (2 * 2 + 2)) / 3)


@given(logs)
def test_scores_agree_with_scikit_learn(log):
    truth, guess, _ = zip(*log, strict=True)
    present = sorted(set(truth))
    result = score(truth, guess, CLASSES)
    assert result.uar == pytest.approx(recall_score(truth, guess, labels=present, average="macro", zero_division=0))
    assert result.uf1 == pytest.approx(f1_score(truth, guess, labels=present, average="macro", zero_division=0))


@given(logs, st.randoms())
def test_the_order_of_rows_changes_nothing(log, random):
    shuffled = list(log)
    random.shuffle(shuffled)
    a, b = ([list(column) for column in zip(*rows, strict=True)] for rows in (log, shuffled))
    assert np.array_equal(score(a[0], a[1], CLASSES).matrix, score(b[0], b[1], CLASSES).matrix)
    assert fold_mean(*a, CLASSES) == pytest.approx(fold_mean(*b, CLASSES))


def test_the_mean_over_folds_is_over_the_classes_of_each_fold():
    truth, guess = ["negative", "negative", "positive"], ["negative", "positive", "positive"]
    assert fold_mean(truth, guess, ["A", "A", "B"], CLASSES)[0] == pytest.approx((1 / 2 + 1) / 2)
    assert fold_mean(truth, guess, ["A", "A", "B"], CLASSES)[1] == pytest.approx((2 / 3 + 1) / 2)


def test_wrong_labels_and_lengths_are_refused():
    with pytest.raises(CompanionError, match="expected labels a, b; found c"):
        confusion_matrix(["a"], ["c"], ["a", "b"])
    with pytest.raises(CompanionError, match="found 1 and 2"):
        confusion_matrix(["a", "b"], ["a"], ["a", "b"])


@given(st.lists(st.sampled_from(["x/1", "x/2", "y/1", "y/01"]), min_size=2, max_size=40))
def test_every_row_is_tested_once_by_a_fold_that_has_not_seen_its_subject(subjects):
    assume(len(set(subjects)) > 1)
    folds = loso(subjects)
    tested = np.concatenate([fold.test for fold in folds])
    assert sorted(tested) == list(range(len(subjects)))
    for fold in folds:
        assert {subjects[i] for i in fold.test} == {fold.name}
        assert fold.name not in {subjects[i] for i in fold.train}
        assert len(fold.train) + len(fold.test) == len(subjects)


def test_one_subject_is_not_enough():
    with pytest.raises(CompanionError, match="at least 2 subjects, found 1"):
        loso(["a/1", "a/1"])


def test_the_fold_rng_depends_on_seed_and_subject_alone():
    assert fold_rng(1, "a/01").random() == fold_rng(1, "a/01").random()
    assert len({fold_rng(s, n).random() for s in (0, 1) for n in ("a/01", "a/1", "b/01")}) == 6


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_a_log_is_scored_pooled_per_group_and_by_fold(tmp_path):
    path = write(tmp_path / "log.csv", "id,t,p,s,d\n1,a,a,1,x\n2,b,a,1,x\n3,a,a,2,x\n4,b,b,1,y\n5,a,b,01,y\n")
    result = score_log(path, "t", "p", "s", "d")
    assert result.pooled.matrix.tolist() == [[2, 1], [1, 1]]
    assert result.per_group["x"].uar == pytest.approx((1 + 0) / 2)
    assert result.per_group["y"].matrix.tolist() == [[0, 1], [0, 1]]
    # folds: x/1 has classes a and b, x/2 has a, y/1 has b, y/01 has a: subjects keep zeros and groups
    assert result.fold_mean_uar == pytest.approx((0.5 + 1 + 1 + 0) / 4)
    assert set(result.to_dict()) >= {"uar", "uf1", "per_group", "fold_mean_uar", "fold_mean_uf1"}


def test_a_label_that_is_nobodys_truth_counts_as_missed(tmp_path):
    path = write(tmp_path / "log.csv", "t,p\na,z\na,a\nb,b\n")
    result = score_log(path, "t", "p")
    assert result.unknown_labels == ("z",)
    assert result.pooled.uar == pytest.approx((0.5 + 1) / 2)
    assert result.fold_mean_uar is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a readable CSV"),
        ("t,p\n", "only the header"),
        ("t,q\na,b\n", "no column 'p'; the columns are 't', 'q'"),
        ("t,p\na,a\n,b\n", "line 3: column 't' is empty"),
    ],
)
def test_logs_that_cannot_be_scored_say_why(tmp_path, text, words):
    with pytest.raises(CompanionError, match=words):
        score_log(write(tmp_path / "log.csv", text), "t", "p")
    with pytest.raises(CompanionError, match="no such file"):
        score_log(tmp_path / "none.csv", "t", "p")


@given(logs)
@settings(max_examples=20, deadline=None)
def test_na_is_a_label_like_any_other(tmp_path_factory, log):
    path = tmp_path_factory.mktemp("log") / "log.csv"
    write(
        path,
        "t,p\n" + "".join(f"{'NA' if t == 'negative' else t},{'NA' if p == 'negative' else p}\n" for t, p, _ in log),
    )
    truth, guess, _ = zip(*log, strict=True)
    assert score_log(path, "t", "p").pooled.uar == pytest.approx(score(truth, guess, CLASSES).uar)
