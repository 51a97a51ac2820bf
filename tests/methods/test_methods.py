from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from astsvm_lib.cache import Cache
from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.loso import Fold
from astsvm_lib.experiments import PROFILES, Profile, evaluate, plan
from astsvm_lib.methods import METHODS, method_named
from astsvm_lib.methods.method import FitConfig
from astsvm_lib.methods.onset_apex_network import stretched
from astsvm_lib.recipe import Recipe
from astsvm_lib.results.store import Store
from astsvm_lib.stages import STAGES

TINY = Profile("tiny", 1, 0.002, None, None, "for tests")
BIBLIOGRAPHY = Path(__file__).parents[2] / "book" / "references.bib"
COMPARED = [name for name in METHODS if name != "ast-svmnet"]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_says_what_it_is(name):
    method = METHODS[name]
    assert method.name == name
    assert method.settings.called in (name, "settings")  # those without settings share a class
    assert not method.paper or f"{{{method.paper}," in BIBLIOGRAPHY.read_text()
    assert method.title
    assert method.inputs
    assert set(method.sections) <= set(Recipe.model_fields)
    assert method.stage in STAGES
    assert all(field.description for field in method.settings.fields())


@pytest.mark.parametrize("name", METHODS)
def test_settings_go_to_yaml_and_back(name, tmp_path):
    settings = METHODS[name].settings()
    path = tmp_path / "settings.yaml"
    path.write_text(settings.to_yaml())
    assert METHODS[name].settings.from_yaml(path) == settings


@pytest.mark.parametrize("name", COMPARED)
def test_every_method_tests_every_clip_once_and_again_the_same(name, small_dataset, cache, tmp_path):
    run = plan(small_dataset, profile=TINY, seed=1, method=name)
    record = evaluate(run, store=Store(tmp_path / "a"), cache=cache, progress=False)
    assert sorted(clip.key for clip in record.clips) == sorted(clip.key for clip in small_dataset)
    assert record.heads == list(run.method.heads)
    assert record.method == name
    assert set(record.recipe) == set(run.method.sections)
    again = evaluate(run, 1, Store(tmp_path / "b"), cache, progress=False)
    for a, b in zip(record.clips, again.clips, strict=True):
        for head, result in a.heads.items():
            assert list(result.scores.values()) == pytest.approx(list(b.heads[head].scores.values()), abs=1e-3)


@pytest.mark.parametrize("name", COMPARED)
def test_the_left_out_subject_changes_nothing_in_what_is_fitted(name, small_dataset, cache):
    run = plan(small_dataset, profile=TINY, method=name)
    arrays = run.method.extract(small_dataset.clips, run.recipe, run.settings, cache, 1, False)
    labels = np.array([small_dataset.classes.index(clip.label) for clip in small_dataset])
    train, test = np.arange(5), np.array([5, 6, 7])

    def scores_of(rows: dict) -> dict:
        config = FitConfig(2, run.recipe, run.settings, 2, 0)
        (found,) = run.method.fit_folds(rows, labels, [Fold("left out", train, test)], config)
        return found.heads

    plain = scores_of(arrays)
    changed = {key: np.concatenate([value[:5], value[[7, 5, 6]]]) for key, value in arrays.items()}
    for head, scores in scores_of(changed).items():
        assert np.allclose(scores, plain[head][[2, 0, 1]], atol=1e-4)


@pytest.mark.parametrize("name", COMPARED)
def test_a_method_reads_only_the_sections_of_the_recipe_that_it_declares(name, small_dataset, tmp_path):
    method, recipe = METHODS[name], Recipe()
    for section in set(Recipe.model_fields) - set(method.sections):
        del recipe.__dict__[section]  # reading it is an AttributeError now
    with pytest.raises(AttributeError):
        recipe.naming  # noqa: B018 - no method depends on it
    clips = [replace(clip, apex=None) for clip in small_dataset.clips[:2]]
    arrays = method.extract(clips, recipe, method.settings(), Cache(tmp_path), 1, False)
    assert all(len(array) == 2 for array in arrays.values())


def test_choices_that_a_method_does_not_depend_on_make_no_other_record(small_dataset):
    louder = Recipe().replace(magnification={"alpha": 8.0})
    assert plan(small_dataset, louder, method="bi-woof").name == plan(small_dataset, method="bi-woof").name
    assert plan(small_dataset, louder, method="lbp-top").name != plan(small_dataset, method="lbp-top").name
    settings = METHODS["bi-woof"].settings.from_dict({"descriptor": {"blocks": 8}})
    assert settings.descriptor.bins == 8
    assert settings.transfer == METHODS["bi-woof"].settings().transfer
    assert plan(small_dataset, method="bi-woof", settings=settings).name != plan(small_dataset, method="bi-woof").name


def test_profiles_shorten_a_peers_own_epochs(small_dataset):
    assert plan(small_dataset, profile="paper", method="ststnet").epochs == 800
    assert plan(small_dataset, profile="smoke", method="ststnet").epochs == 40
    assert plan(small_dataset, profile="paper", method="lbp-top").epochs == 0
    assert plan(small_dataset, profile="paper").epochs == PROFILES["paper"].epochs


def test_stretched_maps_go_from_0_to_1():
    maps = np.dstack([np.arange(4.0).reshape(2, 2) - 7, np.full((2, 2), 3.0)])
    assert stretched(maps)[..., 0].ravel() == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert not stretched(maps)[..., 1].any()


def test_wrong_names_and_settings_are_refused():
    with pytest.raises(
        CompanionError, match="unknown method 'lbp'; expected one of ast-svmnet, untrained, kernels, mean-attention"
    ):
        method_named("lbp")
    bi_woof = METHODS["bi-woof"].settings
    with pytest.raises(CompanionError, match="bi-woof: unknown section 'flow'; expected one of motion, descriptor"):
        bi_woof.from_dict({"flow": {}})
    with pytest.raises(
        CompanionError, match=r"bi-woof\.motion\.flow: found 'farneback'; allowed: tv-l1, dis, lucas-kan"
    ):
        bi_woof.from_dict({"motion": {"flow": "farneback"}})
    with pytest.raises(CompanionError, match="settings: unknown section 'svm'; it has no settings"):
        METHODS["ast-svmnet"].settings.from_dict({"svm": {}})
