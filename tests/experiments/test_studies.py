"""The studies on the development data, and the multiverse of readings."""

from collections import Counter

import matplotlib.pyplot as plt
import numpy as np
import pytest

from astsvm_lib import report
from astsvm_lib.errors import CompanionError
from astsvm_lib.experiments import PROFILES
from astsvm_lib.experiments.multiverse import (
    FACTORS,
    FEATURE_FACTORS,
    GROUPS,
    PER_GROUP,
    factor_effects,
    share_of_recipes,
    specifications,
)
from astsvm_lib.experiments.studies import DATASET, STUDIES, epochs_needed, study_named
from astsvm_lib.experiments.variants import VARIANTS
from astsvm_lib.paper.tables import REHEARSALS
from astsvm_lib.recipe import Recipe
from astsvm_lib.results.record import FoldResult
from astsvm_lib.results.store import Store


def test_no_study_of_choices_uses_a_data_set_of_the_tables():
    assert DATASET not in REHEARSALS
    studies = [study for study in STUDIES.values() if not study.name.startswith("real-motion")]
    assert [study.name for study in studies] == ["convergence", "development", "multiverse"]
    for study in studies:
        runs = study.runs(0)
        assert {run.dataset.id for run in runs} == {DATASET}
        assert {run.profile.name for run in runs} == {study.profile}
        assert len({run.name for run in runs}) == len(runs)
    with pytest.raises(CompanionError, match="unknown study 'tuning'; expected one of convergence, development"):
        study_named("tuning")


def test_every_variant_changes_its_own_reading():
    readings = {f"{field.section}.{field.name}": field.reading for field in Recipe.fields()}
    assert len({Recipe().replace(**variant.changes).digest() for variant in VARIANTS}) == len(VARIANTS)
    for variant in VARIANTS:
        assert Recipe().replace(**variant.changes) != Recipe()
        assert {readings[f"{s}.{f}"] for s, fields in variant.changes.items() for f in fields} == {variant.reading}


def test_the_design_has_the_default_first_and_every_level_as_often_as_its_weight_requires():
    default, *sampled = specifications()
    assert default.recipe == Recipe()
    assert len(sampled) == GROUPS * PER_GROUP >= 100
    assert len({specification.recipe.digest() for specification in specifications()}) > 100
    for factor in FACTORS:
        counts = Counter(specification.levels[factor.name] for specification in sampled)
        wanted = GROUPS * PER_GROUP * factor.shares
        assert [counts[level] for level in factor.levels] == pytest.approx(wanted, abs=PER_GROUP)
        assert next(iter(factor.levels)) == default.levels[factor.name]
    shared = {tuple(s.levels[f.name] for f in FEATURE_FACTORS) for s in sampled}
    assert len(shared) == GROUPS
    split = next(s for s in sampled if s.recipe.inception.modules == "split")
    assert split.with_streams("idsf").inception.modules == "2d"


def test_the_share_of_a_choice_is_that_of_the_variance_which_it_causes():
    sampled = specifications()[1:]
    rng = np.random.default_rng(0)
    scores = [0.5 + 0.2 * (s.levels["component"] == "v") + 0.01 * rng.normal() for s in sampled]
    first, second, *_ = factor_effects(sampled, scores, rng)
    assert first.factor.name == "component"
    assert first.share > 0.8 > first.by_chance
    assert second.share < 0.3
    assert first.means["v"] == pytest.approx(0.7, abs=0.01)
    with pytest.raises(CompanionError, match="expected at least 8 recipes, found 5"):
        factor_effects(sampled[:5], scores[:5], rng)


def test_what_groups_explain_by_chance_is_not_taken_for_an_effect():
    """No choice has an effect, but recipes of a group have a value in common: few shares exceed those of chance."""
    sampled = specifications()[1:]
    rng = np.random.default_rng(1)
    common = rng.normal(0, 0.1, GROUPS)
    scores = [common[(s.number - 1) // PER_GROUP] + 0.1 * rng.normal() for s in sampled]
    effects = factor_effects(sampled, scores, rng, draws=100)
    assert effects[0].share > 0.05  # the largest share looks like something
    assert sum(effect.share > effect.by_chance for effect in effects) <= 4


def test_the_interval_of_a_share_respects_the_groups():
    sampled = specifications()[1:]
    rng = np.random.default_rng(2)
    whole = [(s.number - 1) // PER_GROUP % 2 == 0 for s in sampled]  # all or nothing, by group
    share, low, high = share_of_recipes(sampled, whole, rng)
    assert share == 0.5
    assert high - low > 1.5 * (2 * 1.96 * np.sqrt(0.25 / len(sampled)))


def test_the_number_of_epochs_follows_from_the_stored_study():
    runs = study_named("convergence").runs(0)
    records = [record for run in runs if (record := Store().find(run.key, run.data))]
    assert len(records) == len(runs) == 8
    assert epochs_needed(records) == PROFILES["paper"].epochs
    slow = records[0].model_copy(update={"folds": [_never(fold) for fold in records[0].folds]})
    assert epochs_needed([*records, slow]) is None


def _never(fold: FoldResult) -> FoldResult:
    return fold.model_copy(update={"epochs": [{**epoch, "accuracy": 0.5} for epoch in fold.epochs]})


def test_the_figures_of_the_multiverse_show_every_recipe_and_the_share_by_chance():
    chosen = specifications()
    rng = np.random.default_rng(3)
    svm, softmax = rng.uniform(0.3, 0.8, (2, len(chosen)))
    effects = {
        head: factor_effects(chosen[1:], values[1:], rng, 20) for head, values in (("svm", svm), ("softmax", softmax))
    }
    curve = report.specification_curve(chosen, svm, softmax, effects["svm"][:3], "rehearsal data")
    top, below = curve.axes
    shown = {line.get_label(): line.get_ydata() for line in top.lines}
    assert sorted(shown["SVM"]) == list(shown["SVM"]) == sorted(svm)
    ticks = [line for line in below.lines if line.get_marker() == "|"]
    assert sum(len(line.get_xdata()) for line in ticks) == 3 * len(chosen)
    bars = report.variance_figure(effects, "rehearsal data").axes[0]
    assert len(bars.patches) == 2 * len(FACTORS)
    plt.close("all")
