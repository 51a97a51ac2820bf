"""Measurements of chapters: read if they are current, computed otherwise."""

import json
from pathlib import Path

import pytest

from astsvm_lib.book import chapters, folders
from astsvm_lib.book.chapters import requirements_of
from astsvm_lib.errors import CompanionError
from astsvm_lib.results import measurements
from astsvm_lib.results.measurements import STORE, measured
from astsvm_lib.stages import stage_versions


@pytest.fixture
def folder(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setattr(measurements, "results_folder", lambda: tmp_path)
    return tmp_path


def refuse() -> None:
    pytest.fail("computed again")


def test_a_stored_measurement_is_computed_again_only_if_its_inputs_or_stages_change(folder, monkeypatch):
    make = lambda: {"a": (1, 2)}  # noqa: E731
    assert measured("m", {"data": "x"}, ["scores"], make) == {"a": [1, 2]}
    assert not list(folder.rglob("*.json"))  # nothing is stored unless asked for
    monkeypatch.setenv(STORE, "1")
    assert measured("m", {"data": "x"}, ["scores"], make) == {"a": [1, 2]}
    monkeypatch.delenv(STORE)
    assert measured("m", {"data": "x"}, ["scores"], refuse) == {"a": [1, 2]}
    assert measured("m", {"data": "y"}, ["scores"], lambda: 3) == 3
    assert measured("m", {"data": "x"}, ["strain"], lambda: 4) == 4
    monkeypatch.setattr(measurements, "stage_versions", lambda names: {"scores": 99})
    assert measured("m", {"data": "x"}, ["scores"], lambda: 5) == 5


def test_a_damaged_file_is_computed_again_and_a_value_must_fit_into_json(folder):
    (folder / "measurements").mkdir()
    (folder / "measurements" / "m.json").write_text("{")
    assert measured("m", {}, ["scores"], lambda: 1) == 1
    with pytest.raises(CompanionError, match="measurement m: expected a value for JSON"):
        measured("m", {}, ["scores"], lambda: {1, 2})


def test_the_stored_measurements_are_current_and_declared_by_a_chapter():
    files = sorted((folders.project_folder() / "book" / "results" / "measurements").glob("*.json"))
    declared = {path for name in chapters.chapters() for path in requirements_of(name).files()}
    assert files
    for path in files:
        stages = json.loads(path.read_text())["key"]["stages"]
        assert stages == stage_versions(stages), f"{path.stem}: outdated; astsvm chapter run CHAPTER --store"
        assert path.relative_to(folders.project_folder()).as_posix() in declared
