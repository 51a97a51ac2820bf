import pytest

from astsvm_lib import stages
from astsvm_lib.errors import CompanionError
from astsvm_lib.recipe import Recipe
from astsvm_lib.stages import (
    STAGES,
    cache_key,
    native_versions,
    outdated_stages,
    sections_of,
    stage_version,
    stage_versions,
    upstream,
)


@pytest.fixture
def raised(monkeypatch):
    """Let stages have other versions than their modules state."""

    def change(**versions: int) -> None:
        now = {name.replace("_", "-"): version for name, version in versions.items()}
        monkeypatch.setattr(stages, "stage_version", lambda name: now.get(name, stage_version(name)))

    return change


@pytest.mark.parametrize("name", STAGES)
def test_every_stage_states_its_version_and_needs_stages_before_it(name: str):
    assert stage_version(name) >= 1
    before = list(STAGES)[: list(STAGES).index(name)]
    assert set(STAGES[name].needs) <= set(before)
    assert set(STAGES[name].sections) <= set(Recipe.model_fields)


def test_a_stage_comes_with_everything_that_it_needs():
    assert upstream(["preparation"]) == ("detection", "registration", "magnification", "interpolation", "preparation")
    assert set(upstream(["onset-apex"])) >= {"binary-patterns", "apex-spotting", "optical-flow", "detection"}
    assert sections_of(["onset-apex"]) == ("registration", "flow")
    assert sections_of(["method/majority"]) == ()
    with pytest.raises(CompanionError, match="unknown stage 'flow'; expected one of rendering, detection"):
        stage_versions(["flow"])


def test_a_key_changes_with_a_version_upstream_and_with_nothing_downstream(raised):
    before = {name: cache_key(name, Recipe(), clip="x") for name in ("onset-apex", "features", "preparation")}
    raised(binary_patterns=2)
    assert cache_key("onset-apex", Recipe(), clip="x") != before["onset-apex"]
    assert cache_key("features", Recipe(), clip="x") == before["features"]
    raised(idsf=2)
    assert cache_key("features", Recipe(), clip="x") != before["features"]
    assert cache_key("preparation", Recipe(), clip="x") == before["preparation"]


def test_a_key_holds_the_sections_that_matter_and_the_native_libraries():
    key = cache_key("preparation", Recipe(), clip="x")
    assert set(key["recipe"]) == {"registration", "magnification", "interpolation"}
    assert key["libraries"] == native_versions()
    assert set(native_versions()) == {"opencv", "dlib", "numpy", "numba"}
    assert cache_key("preparation", Recipe().replace(flow={"component": "u"}), clip="x") == key
    assert cache_key("preparation", Recipe().replace(magnification={"alpha": 8.0}), clip="x") != key


def test_outdated_stages_are_named():
    assert outdated_stages(stage_versions(["features"])) == []
    assert outdated_stages({"idsf": 0, "blur": 3}) == ["idsf 0 -> 1", "blur 3 -> removed"]
    assert outdated_stages({"bi-woof": 1, "strain": 1})[0] == "detection new -> 1"
