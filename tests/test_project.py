"""Facts about the project's own files."""

import re
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import yaml

import astsvm_lib

PROJECT = Path(__file__).parents[1]
LOCK = (PROJECT / "requirements.lock").read_text()


def locked() -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9._-]+)==([^ ;\\]+)", LOCK, re.M))


def test_the_lock_is_hashed_and_names_no_host_or_path():
    blocks = re.split(r"^(?=[a-z0-9])", LOCK, flags=re.M)[1:]
    assert len(blocks) > 50
    assert all("--hash=sha256:" in block for block in blocks)
    assert not re.search(r"https?:|file:|@ |(^|\s)/", LOCK)


def test_the_lock_holds_what_the_package_needs():
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    needs = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {re.split(r"[<>=!;\[ ]", need)[0].lower() for need in needs} - {"astsvm-lib"}
    assert names <= {name.lower() for name in locked()}
    extras = project["optional-dependencies"]
    assert set(extras) == {"train", "landmarks", "book", "course", "cluster", "jax", "torch", "dev"}
    for extra in ("train", "landmarks", "book", "course", "cluster", "jax"):
        assert {re.split(r"[<>=!;\[ ]", need)[0].lower() for need in extras[extra]} <= {*locked(), "tensorflow"}


def test_the_version_is_stated_once():
    assert astsvm_lib.__version__ == version("astsvm-lib")
    for name in ("pyproject.toml", "CITATION.cff"):
        assert not re.search(r"^version\b", (PROJECT / name).read_text(), re.MULTILINE)


def test_conda_installs_the_same_lock():
    environment = yaml.safe_load((PROJECT / "environment.yml").read_text())
    (pip,) = [part["pip"] for part in environment["dependencies"] if isinstance(part, dict)]
    assert pip == ["--require-hashes", "-r requirements.lock"]
    names = [part for part in environment["dependencies"] if isinstance(part, str)]
    (python,) = [part.split("=")[1] for part in names if part.startswith("python=")]
    low, high = re.findall(
        r"3\.\d+", tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["requires-python"]
    )
    assert int(low[2:]) <= int(python[2:]) < int(high[2:])
    assert {part.split("=")[0] for part in names} == {"python", "make", "git", "pip"}  # all else is in the lock


def test_the_paper_is_cited_first():
    citation = yaml.safe_load((PROJECT / "CITATION.cff").read_text())
    assert citation["preferred-citation"]["doi"] == "10.1109/ACCESS.2024.3395116"


def test_the_readme_has_its_two_commands_and_ci_calls_them():
    readme, ci = (PROJECT / "README.md").read_text(), (PROJECT / ".ci/run").read_text()
    for command in ("make book", "make test"):
        assert command in readme
        assert command in ci


def test_contributing_explains_every_package_and_every_target():
    contributing, makefile = (PROJECT / "CONTRIBUTING.md").read_text(), (PROJECT / "Makefile").read_text()
    parts = {path.stem for path in (PROJECT / "src/astsvm_lib").iterdir() if path.suffix == ".py" or path.is_dir()}
    for part in parts - {"__init__", "__pycache__", "py"}:
        assert f"`{part}`" in contributing, part
    targets = set(re.findall(r"`make ([a-z-]+)", contributing))
    assert targets <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert {"test", "book", "golden", "lock"} <= targets


def test_the_hooks_before_a_commit_are_those_of_make_test():
    hooks = yaml.safe_load((PROJECT / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    makefile = (PROJECT / "Makefile").read_text()
    for hook in hooks:
        words = [word for word in hook["entry"].split() if word != "--force-exclude"]
        assert "\t" + " ".join(words).replace(".venv/bin", "$(BIN)") in makefile, hook["entry"]


def test_no_committed_file_names_a_path_of_some_machine():
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=False)
    found = []
    for name in listed.stdout.splitlines():
        path = PROJECT / name
        if path.suffix in {".npz", ".npy", ".png", ".lock"} or "mathjax" in name or not path.is_file():
            continue
        if re.search(r"(?<![\w.])/(work|root|tmp|home)/\w", path.read_text(encoding="utf-8")):
            found.append(name)
    assert found == []
