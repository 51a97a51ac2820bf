from pathlib import Path

import pytest

from astsvm_lib.errors import CompanionError
from astsvm_lib.paper.assumptions import READINGS
from astsvm_lib.recipe import Recipe


def test_every_reading_has_a_field_and_a_text():
    expected = [f"R{i}" for i in range(1, 16)]
    assert [reading.id for reading in READINGS] == expected
    # R14 and R15 are the same for every recipe: pooled scores, and the clips of MEGC2019
    assert {field.reading for field in Recipe.fields()} == set(expected) - {"R14", "R15"}
    assert all(field.description for field in Recipe.fields())


def test_yaml_there_and_back(tmp_path: Path):
    recipe = Recipe().replace(flow={"reference": "onset"}, transfer={"tuning": "none", "gamma": 0.5, "C": 3.0})
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe.to_yaml())
    assert Recipe.from_yaml(path) == recipe
    path.write_text("")
    assert Recipe.from_yaml(path) == Recipe()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"flw": {}}, ["unknown section 'flw'", "flow"]),
        ({"flow": {"referenc": "onset"}}, ["recipe.flow", "'referenc'", "reference"]),
        ({"flow": {"reference": "previous"}}, ["recipe.flow.reference", "'previous'", "adjacent, onset"]),
        ({"magnification": {"alpha": 0.5}}, ["recipe.magnification.alpha", "0.5", ">= 1"]),
        ({"training": {"batch_size": "many"}}, ["recipe.training.batch_size", "'many'", "an integer"]),
        ({"flow": 3}, ["recipe.flow", "mapping", "3"]),
        ({"transfer": {"C": 3.0}}, ["recipe.transfer: C would not be used", "set tuning to none"]),
    ],
)
def test_wrong_fields_and_values_are_refused_by_name(values, words):
    with pytest.raises(CompanionError) as error:
        Recipe.from_dict(values)
    assert all(word in str(error.value) for word in words)


def test_digest_depends_on_what_is_asked_for():
    plain, other = Recipe(), Recipe().replace(transfer={"kernel": "linear"})
    assert plain.digest() != other.digest()
    assert plain.digest("flow", "difference") == other.digest("flow", "difference")


def test_a_recipe_cannot_be_changed():
    with pytest.raises(Exception, match="frozen"):
        Recipe().flow.levels = 3
