from pathlib import Path

import pytest

from astsvm_lib import configuration
from astsvm_lib.configuration import configured_folder
from astsvm_lib.errors import CompanionError


def test_an_argument_comes_before_a_variable_and_that_before_the_project(tmp_path: Path, monkeypatch):
    monkeypatch.delenv("ASTSVM_RESULTS", raising=False)
    (tmp_path / "pyproject.toml").write_text('[tool.astsvm]\nresults = "kept/results"\n')
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert configured_folder("results") == tmp_path / "kept" / "results"
    monkeypatch.setenv("ASTSVM_RESULTS", "elsewhere")
    assert configured_folder("results") == Path("elsewhere")
    assert configured_folder("results", Path("here")) == Path("here")
    assert configured_folder("book") is None


def test_outside_a_project_nothing_is_configured(tmp_path: Path, monkeypatch):
    monkeypatch.delenv("ASTSVM_RESULTS", raising=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pyproject.toml").write_text("[tool.other]\n")
    monkeypatch.setattr(configuration, "PACKAGE", tmp_path / "site-packages" / "astsvm_lib")
    assert configured_folder("results") is None


def test_outside_a_project_the_checkout_that_is_installed_is_used(tmp_path: Path, monkeypatch):
    monkeypatch.delenv("ASTSVM_RESULTS", raising=False)
    checkout, elsewhere = tmp_path / "checkout", tmp_path / "elsewhere"
    (checkout / "src" / "astsvm_lib").mkdir(parents=True)
    (checkout / "pyproject.toml").write_text('[tool.astsvm]\nresults = "kept"\n')
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    monkeypatch.setattr(configuration, "PACKAGE", checkout / "src" / "astsvm_lib")
    assert configured_folder("results") == checkout / "kept"


@pytest.mark.parametrize(("text", "words"), [("results = 3", "name of a folder, found 3"), ("results = ", "not valid")])
def test_a_wrong_configuration_is_refused(tmp_path: Path, monkeypatch, text: str, words: str):
    monkeypatch.delenv("ASTSVM_RESULTS", raising=False)
    (tmp_path / "pyproject.toml").write_text(f"[tool.astsvm]\n{text}\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CompanionError, match=words):
        configured_folder("results")
