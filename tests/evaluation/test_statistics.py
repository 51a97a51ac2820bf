import itertools

import numpy as np
import pytest

from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.scores import score, uar, uf1
from astsvm_lib.evaluation.statistics import by_subject, compare, estimate, holm, smallest_p
from astsvm_lib.models.inner_search import search
from astsvm_lib.paper.attainable import attainable
from astsvm_lib.recipe import Transfer

CLASSES = ["a", "b"]


def _predictions(right: list[int]) -> np.ndarray:
    """Subjects with two clips of each class, of which so many are right."""
    truth, said, who = [], [], []
    for subject, count in enumerate(right):
        for clip in range(4):
            truth.append("ab"[clip % 2])
            said.append("ab"[clip % 2] if clip < count else "ba"[clip % 2])
            who.append(f"s{subject:02d}")
    return by_subject(truth, said, who, CLASSES)[None]


def test_the_interval_of_a_score_contains_it_and_narrows_with_subjects():
    few, many = _predictions([4, 3, 1, 2]), _predictions([4, 3, 1, 2] * 16)
    found = [estimate(matrices, np.random.default_rng(0), 2000) for matrices in (few, many)]
    for result, matrices in zip(found, (few, many), strict=True):
        assert result.uf1 == pytest.approx(uf1(matrices[0].sum(0)))
        assert result.uar == pytest.approx(uar(matrices[0].sum(0)))
        assert result.uf1_interval[0] < result.uf1 < result.uf1_interval[1]
    widths = [high - low for low, high in (result.uf1_interval for result in found)]
    assert widths[1] == pytest.approx(widths[0] / 4, rel=0.25)
    assert [result.subjects for result in found] == [4, 64]


def test_seeds_of_a_score_are_averaged():
    first, second = _predictions([4, 4, 0]), _predictions([0, 4, 4])
    both = estimate(np.concatenate([first, second]), np.random.default_rng(0), 100)
    assert both.uf1 == pytest.approx((uf1(first[0].sum(0)) + uf1(second[0].sum(0))) / 2)


def test_the_same_predictions_do_not_differ():
    side = _predictions([4, 3, 2, 4])
    found = compare(side, side, np.random.default_rng(0), 200)
    assert (found.uar, found.uf1, found.uf1_interval, found.uf1_p, found.better, found.worse) == (0, 0, (0, 0), 1, 0, 0)


def test_exact_sign_flip_counts_every_way():
    first, second = _predictions([4, 4, 4, 2]), _predictions([2, 2, 2, 4])
    found = compare(first, second, np.random.default_rng(0), 500)
    assert found.exact
    assert (found.subjects, found.better, found.worse) == (4, 3, 1)
    assert found.uar == pytest.approx(14 / 16 - 10 / 16)
    # by hand: a change of +-2 clips for each of 4 subjects; |sum| >= 4 for 2 + 8 of 16 ways
    assert found.uar_p == pytest.approx(10 / 16)
    assert found.uar_interval[0] <= found.uar <= found.uar_interval[1]


def test_a_difference_in_every_subject_is_seen_and_a_sampled_test_agrees():
    first, second = _predictions([4] * 20), _predictions([2] * 20)
    found = compare(first, second, np.random.default_rng(0), 2000)
    assert not found.exact
    assert found.uf1_interval[0] > 0
    assert found.uf1_p < 0.002
    several = compare(np.repeat(first, 3, 0), second, np.random.default_rng(0), 2000)
    assert several.uf1 == pytest.approx(found.uf1)


def test_other_clips_are_refused():
    with pytest.raises(CompanionError, match="same clips of the same subjects"):
        compare(_predictions([4, 4]), _predictions([4, 4, 4])[:, :2] * 2, np.random.default_rng(0))


def test_other_clips_in_a_later_seed_are_refused():
    seeds = np.concatenate([_predictions([4, 4]), 2 * _predictions([4, 4])])
    with pytest.raises(CompanionError, match="same clips of the same subjects"):
        compare(_predictions([4, 4]), seeds, np.random.default_rng(0))


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == pytest.approx([1.0, 1.0])


def test_attainable_against_every_matrix():
    sizes = (4, 3, 2)
    rows = [[c for c in itertools.product(range(n + 1), repeat=3) if sum(c) == n] for n in sizes]
    pairs = {}
    for matrix in itertools.product(*rows):
        m = np.array(matrix)
        pairs.setdefault(round(uar(m), 3), set()).add(round(uf1(m), 3))
    for given, reached in pairs.items():
        for value in [*np.arange(0, 1.001, 0.037).round(3), *reached]:
            answer = attainable(sizes, given, float(value))
            assert answer.possible == (value in reached)
            if answer.matrix is not None:
                assert answer.matrix.sum(1).tolist() == list(sizes)
                assert (round(uar(answer.matrix), 3), round(uf1(answer.matrix), 3)) == (given, value)
        least, most = attainable(sizes, given, 0.5).uf1_range
        assert (round(least, 3), round(most, 3)) == (min(reached), max(reached))
    assert attainable(sizes, 0.001, 0.5).uf1_range is None


@pytest.mark.parametrize(
    ("sizes", "uar_", "uf1_", "decimals", "word"),
    [
        ((3, 2), 0.5, 0.5, 3, "three classes"),
        ((3, 2, 1), 1.2, 0.5, 3, "between 0 and 1"),
        ((3, 2, 1), 1, 1, 9, "decimals"),
    ],
)
def test_attainable_says_what_it_expects(sizes, uar_, uf1_, decimals, word):
    with pytest.raises(CompanionError, match=word):
        attainable(sizes, uar_, uf1_, decimals)


def test_subject_matrices_add_up_to_the_pooled_one():
    truth, said, who = list("aabb"), list("abbb"), ["x", "x", "y", "y"]
    assert by_subject(truth, said, who, CLASSES).sum(0).tolist() == score(truth, said, CLASSES).matrix.tolist()


def test_the_search_looks_at_the_training_fold_alone_and_finds_what_separates():
    rng = np.random.default_rng(0)
    labels = np.arange(24) % 3
    features = np.eye(3)[labels] * 4 + rng.random((24, 3))
    subjects = np.repeat(np.arange(4), 6)
    for kernel in ("linear", "rbf", "chi-squared"):
        found = search(features, labels, subjects, Transfer(kernel=kernel))
        assert found.uf1 == 1
        assert found.options.kernel == kernel
        assert found.options.C == 0.1  # of equals, the first tried
    with pytest.raises(CompanionError, match="at least 2 subjects"):
        search(features, labels, np.zeros(24, int), Transfer())


def test_few_subjects_put_a_floor_under_p():
    assert smallest_p(3) == 0.25
    assert smallest_p(8, 4) == 4 * 2 / 2**8
    assert smallest_p(3, 10) == 1
    assert smallest_p(24, 2) == 2 / 10_001
    one = np.zeros((1, 8, 2, 2), int)
    one[:, :, 0, 0] = one[:, :, 1, 1] = 1  # every subject: one clip of each class, both right
    found = compare(one, one[..., ::-1], np.random.default_rng(0))
    assert found.uf1_p == smallest_p(8)
