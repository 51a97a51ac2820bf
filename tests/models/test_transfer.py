import numpy as np
import pytest
from scipy.spatial.distance import cdist
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, cross_val_predict, cross_val_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.utils.estimator_checks import parametrize_with_checks

from astsvm_lib.errors import CompanionError
from astsvm_lib.methods.svm_head import svm_decisions, svm_decisions_of_heads
from astsvm_lib.models import fold_kernels, inner_search
from astsvm_lib.models.fold_kernels import FoldKernels
from astsvm_lib.models.inner_search import _inner_predictions, fit_svm, search
from astsvm_lib.models.kernels import inner_products, kernel_values, pairwise, resolve_gamma
from astsvm_lib.models.scaling import FlooredScaler, column_statistics, floored_scale
from astsvm_lib.models.svm_transfer import TransferSVM, expand_decisions, svc_of
from astsvm_lib.recipe import Transfer


def problem(clips: int = 40, features: int = 600, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    labels = np.arange(clips) % classes
    centres = rng.normal(0, 0.5, (classes, features))
    return np.maximum(0, centres[labels] + rng.normal(0, 1, (clips, features))).astype(np.float32), labels


# Both solve to libsvm's tolerance of 1e-3, and the last bit of a kernel value, which differs from one
# processor to another, may send one of them another way to within it: the kernels agree to rounding,
# the decision values to the tolerance.
@pytest.mark.parametrize(("gamma", "C"), [("scale", 1.0), ("scale", 2.0), (0.002, 2.0)])
@pytest.mark.parametrize("standardise", [True, False])
def test_same_as_scikit_learn_on_raw_features(gamma, C, standardise):
    x, y = problem()
    options = Transfer(tuning="none", gamma=gamma, standardise=standardise, C=C)
    ours = TransferSVM.from_options(options).fit(x[:30], y[:30])
    scaled = x.astype(np.float64)
    if standardise:
        scaled = StandardScaler().fit(scaled[:30]).transform(scaled)
    theirs = OneVsRestClassifier(SVC(kernel="rbf", C=C, gamma=gamma)).fit(scaled[:30], y[:30])
    chosen = resolve_gamma(scaled[:30], pairwise(scaled[:30], scaled[:30], "rbf"), options)
    assert chosen == pytest.approx(1 / (600 * scaled[:30].var()) if gamma == "scale" else gamma, rel=1e-12)
    by_hand = np.exp(-chosen * cdist(scaled[30:], scaled[:30], "sqeuclidean"))
    assert np.allclose(
        kernel_values(pairwise(scaled[30:], scaled[:30], "rbf"), "rbf", chosen), by_hand, rtol=1e-9, atol=0
    )
    decisions = ours.decision_function(x[30:])
    assert np.abs(decisions - theirs.decision_function(scaled[30:])).max() < 1e-3
    assert np.array_equal(decisions.argmax(1), theirs.predict(scaled[30:]))


def test_the_scaler_knows_only_the_training_fold():
    x, y = problem()
    plain = TransferSVM().fit(x[:30], y[:30]).decision_function(x[30:31])
    loud = x.copy()
    loud[31:] *= 1000
    assert np.array_equal(TransferSVM().fit(loud[:30], y[:30]).decision_function(loud[30:31]), plain)


def test_kernels_by_hand():
    a, b = np.array([[1.0, 2.0]]), np.array([[3.0, 2.0]])
    expected = {"rbf": np.exp(-2), "linear": 7, "polynomial": 4.5**3, "chi-squared": np.exp(-0.5 * 4 / 4)}
    for kernel, value in expected.items():
        assert kernel_values(pairwise(a, b, kernel), kernel, 0.5)[0, 0] == pytest.approx(value)
    with pytest.raises(CompanionError, match="not negative"):
        pairwise(-a, b, "chi-squared")


def test_gamma():
    def resolved(train: np.ndarray, options: Transfer) -> float:
        return resolve_gamma(train, pairwise(train, train, options.kernel), options)

    assert resolved(np.array([[0.0, 2.0], [0.0, 2.0]]), Transfer()) == pytest.approx(1 / (2 * 1))
    assert resolved(np.zeros((3, 4)), Transfer()) == 1
    assert resolved(np.zeros((3, 4)), Transfer(tuning="none", gamma=0.3)) == 0.3
    histograms = np.array([[1.0, 0.0], [0.0, 1.0]])  # (1 + 1) / 1 apart, and each 0 from itself: 1 on average
    assert resolved(histograms, Transfer(kernel="chi-squared")) == pytest.approx(1)


def test_inner_validation_finds_what_the_library_defaults_miss():
    """Noise in most features makes kernel values alike: with C = 1 the larger class wins."""
    rng = np.random.default_rng(0)
    labels = np.array([0, 0, 1, 0] * 12)
    subjects = np.arange(48) // 4
    features = rng.normal(0, 1, (48, 3000))
    features[:, :40] += 3 * labels[:, None]
    train, test = subjects < 9, subjects >= 9
    defaults = TransferSVM.from_options(Transfer(tuning="none")).fit(features[train], labels[train])
    assert set(defaults.predict(features[test])) == {0}
    tuned = fit_svm(features[train], labels[train], subjects[train], Transfer())
    assert (tuned.predict(features[test]) == labels[test]).mean() > 0.9
    assert fit_svm(features[train], labels[train], subjects[train], Transfer(tuning="none", C=7.0)).C == 7
    best = search(features[train], labels[train], subjects[train], Transfer(class_weights="balanced"))
    assert best.options.tuning == "none"
    assert best.options.class_weights == "balanced"
    assert isinstance(best.options.gamma, float)


def test_inner_predictions_are_those_of_scikit_learns_one_versus_rest():
    x, labels = problem(60, 30)
    matrix = kernel_values(pairwise(x, x, "rbf"), "rbf", 0.02)
    inner = list(GroupKFold(4).split(x, groups=np.arange(60) // 5))
    theirs = cross_val_predict(OneVsRestClassifier(svc_of(3.0, "balanced")), matrix, labels, cv=inner)
    assert np.array_equal(_inner_predictions(matrix, labels, inner, svc_of(3.0, "balanced")), theirs)
    alone = np.flatnonzero(labels == 1)
    assert set(_inner_predictions(matrix, labels, [(alone, np.arange(60))], svc_of(1.0, "none"))) == {1}


def test_no_fit_of_the_search_exceeds_the_limit_of_iterations(monkeypatch):
    taken = []
    fit = SVC.fit

    def counted(self, *arguments, **named):
        fitted = fit(self, *arguments, **named)
        taken.append(int(self.n_iter_.max()))
        return fitted

    monkeypatch.setattr(SVC, "fit", counted)
    features, labels = problem()
    subjects = np.arange(len(labels)) // 4
    search(features, labels, subjects, Transfer())
    assert 20 < max(taken) < inner_search.ITERATIONS / 100
    taken.clear()
    monkeypatch.setattr(inner_search, "ITERATIONS", 20)
    search(features, labels, subjects, Transfer())
    assert max(taken) == 20


def test_balanced_class_weights_favour_the_rarer_class():
    rng = np.random.default_rng(1)
    labels = np.array([0] * 40 + [1] * 8)
    features = rng.normal(0, 1, (48, 5)) + 0.8 * labels[:, None]
    found = [
        (TransferSVM(kernel="linear", C=0.1, class_weights=weights).fit(features, labels).predict(features) == 1).sum()
        for weights in ("none", "balanced")
    ]
    assert found[1] > found[0]


def test_a_class_absent_from_the_fold_is_never_chosen():
    x, y = problem(classes=3)
    keep = y != 1
    svm = TransferSVM().fit(x[keep], y[keep])
    decisions = expand_decisions(svm.decision_function(x), svm.classes_, 3)
    assert np.isneginf(decisions[:, 1]).all()
    assert set(decisions.argmax(1)) <= {0, 2}
    assert (decisions[keep].argmax(1) == y[keep]).all()
    with pytest.raises(CompanionError, match="at least 2 classes"):
        TransferSVM().fit(x[y == 0], y[y == 0])


def test_a_feature_that_hardly_varies_is_not_inflated():
    rng = np.random.default_rng(0)
    train = np.column_stack([rng.normal(0, 2, 30), rng.normal(0, 1, 30), np.zeros(30), np.ones(30)])
    train[3, 2] = 1e-9  # active in one clip, by rounding
    scaler, plain = FlooredScaler(0.01).fit(train), StandardScaler().fit(train)
    assert np.array_equal(FlooredScaler(0).fit(train).scale_, plain.scale_)
    assert scaler.scale_[:2] == pytest.approx(plain.scale_[:2])
    assert scaler.scale_[2] == pytest.approx(0.01 * train[:, 0].std())
    assert scaler.scale_[3] == 1
    test = np.array([[0.0, 0.0, 0.1, 1.0]])
    assert np.abs(plain.transform(test)).max() > 1e7
    assert np.abs(scaler.transform(test)).max() < 10
    assert scaler.get_params() == {"floor": 0.01}


def fitted_labels(svm: TransferSVM, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return svm.fit(x, y).predict(x)


@pytest.mark.parametrize("kernel", ["rbf", "linear", "polynomial"])
def test_it_is_a_scikit_learn_estimator(kernel):
    x, y = problem(60, 20)
    names = np.array(["negative", "positive", "surprise"])
    svm = clone(TransferSVM(kernel=kernel, C=10.0))
    assert svm.get_params() == {"kernel": kernel, "C": 10.0, "gamma": "scale", "standardise": True, "scale_floor": 0.01,
                                "class_weights": "none"}  # fmt: skip
    assert np.array_equal(fitted_labels(svm, x, names[y]), names[fitted_labels(clone(svm), x, y)])
    scores = cross_val_score(svm, x, y, cv=3)
    assert scores.shape == (3,)
    with pytest.raises(ValueError, match="20 features"):
        svm.predict(x[:, :5])


@parametrize_with_checks(
    [TransferSVM()],
    expected_failed_checks=lambda _: dict.fromkeys(
        ("check_classifiers_one_label", "check_fit2d_1sample"), "an SVM needs two classes, and says so"
    ),
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


def relu_features(clips: int, features: int) -> tuple[np.ndarray, np.ndarray]:
    """Half of the values are 0; the classes differ little, and some features are active by rounding errors only."""
    rng = np.random.default_rng(3)
    labels = np.arange(clips) % 3
    values = rng.normal(0, 1, (clips, features)) + rng.normal(0, 0.15, (3, features))[labels]
    values[:, :20] *= 1e-7
    values[:, 20:25] = -1
    return np.maximum(0, values).astype(np.float32), labels


def by_hand(features, labels, test_features, options):
    """Decision values of an SVM, with the textbook's formulas on whole standardised arrays."""
    rows, new = features.astype(np.float64), test_features.astype(np.float64)
    if options.standardise:
        scaler = FlooredScaler(options.scale_floor).fit(rows)
        rows, new = scaler.transform(rows), scaler.transform(new)
    pairs = {
        "rbf": lambda a: cdist(a, rows, "sqeuclidean"),
        "chi-squared": lambda a: pairwise(a, rows, "chi-squared"),
    }.get(options.kernel, lambda a: a @ rows.T)
    spread = pairs(rows).mean() if options.kernel == "chi-squared" else rows.shape[1] * rows.var()
    gamma = 1 / spread if options.gamma == "scale" else options.gamma
    gram, cross = (kernel_values(pairs(a), options.kernel, gamma) for a in (rows, new))
    machine = OneVsRestClassifier(svc_of(options.C, options.class_weights)).fit(gram, labels)
    return machine.decision_function(cross)


def test_heads_that_share_kernel_values_decide_as_if_fitted_alone():
    x, labels = relu_features(72, 5000)  # more features than a block
    train, test, y = x[:60], x[60:], labels[:60]
    subjects = np.arange(60) * 8 // 60
    heads = {
        "rbf": Transfer(),
        "linear": Transfer(kernel="linear"),
        "defaults": Transfer(tuning="none"),
        "raw": Transfer(tuning="none", standardise=False, C=3.0),
        "polynomial": Transfer(kernel="polynomial", scale_floor=0.0, class_weights="balanced"),
        "chi-squared": Transfer(kernel="chi-squared"),
        "chi-squared, defaults": Transfer(kernel="chi-squared", tuning="none", standardise=False),
    }
    found = svm_decisions_of_heads(train, y, subjects, test, heads, 3)
    assert list(found) == list(heads)
    for head, options in heads.items():
        used = search(train, y, subjects, options).options if options.tuning == "inner" else options
        expected = by_hand(train, y, test, used)
        assert np.allclose(found[head], expected, rtol=0, atol=1e-6), head
        alone = TransferSVM.from_options(used).fit(train, y).decision_function(test)
        assert np.allclose(found[head], alone, rtol=0, atol=1e-9), head
        assert np.array_equal(svm_decisions(train, y, subjects, test, options, 3), found[head])
        assert np.array_equal(fit_svm(train, y, subjects, options).decision_function(test), found[head])


def test_statistics_in_blocks_are_those_of_the_scaler():
    x, _ = relu_features(40, 5000)
    whole = FlooredScaler(0.01).fit(x.astype(np.float64))
    means, variances = column_statistics(x)
    assert np.array_equal(means, whole.mean_)
    assert np.array_equal(variances, whole.var_)
    assert np.array_equal(floored_scale(variances, 0.01), whole.scale_)


@pytest.mark.parametrize("standardise", [True, False])
@pytest.mark.parametrize("kernel", ["rbf", "linear", "polynomial"])
def test_kernel_values_of_a_fold_are_those_of_its_scaled_features(kernel, standardise):
    x, _ = relu_features(40, 5000)
    options = Transfer(kernel=kernel, tuning="none", standardise=standardise)
    rows = x.astype(np.float64)
    if standardise:
        rows = FlooredScaler(options.scale_floor).fit(rows[:30]).transform(rows)
    kernels, train = FoldKernels(x[:30], x[30:]), rows[:30]
    gamma = resolve_gamma(train, pairwise(train, train, kernel), options)
    assert kernels.gamma(options) == pytest.approx(gamma, rel=1e-12)
    gram, cross = (kernel_values(pairwise(a, train, kernel), kernel, gamma) for a in (train, rows[30:]))
    assert np.allclose(kernels.gram(options), gram, rtol=1e-10, atol=1e-10)
    assert np.allclose(kernels.cross(options), cross, rtol=1e-10, atol=1e-10)
    if kernel == "rbf":
        assert (kernels.gram(options).diagonal() == 1).all()


def test_a_fold_computes_its_products_once_for_each_scaling(monkeypatch):
    calls = []

    def counted(*arguments):
        calls.append(arguments)
        return inner_products(*arguments)

    monkeypatch.setattr(fold_kernels, "inner_products", counted)
    x, labels = relu_features(72, 100)
    heads = {"rbf": Transfer(), "linear": Transfer(kernel="linear"), "defaults": Transfer(tuning="none")}
    svm_decisions_of_heads(x[:60], labels[:60], np.arange(60) // 8, x[60:], heads, 3)
    trained = [rows for rows, columns, _ in calls if rows is columns]
    assert len(trained) == 2
    assert len(calls) <= 4


def test_a_fitted_svm_does_not_follow_changes_of_the_callers_array():
    x, labels = relu_features(60, 50)
    x = x.astype(np.float64)
    svm = TransferSVM().fit(x[:50], labels[:50])
    new = x[50:].copy()
    before = svm.decision_function(new)
    x[:] = 0
    assert np.array_equal(svm.decision_function(new), before)


def test_chi_squared_says_that_standardised_features_are_negative():
    x, labels = relu_features(30, 50)
    with pytest.raises(CompanionError, match="not negative"):
        TransferSVM(kernel="chi-squared").fit(x, labels)
