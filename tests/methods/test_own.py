"""A class from outside the package is evaluated like the library's methods, and cannot read what it must predict."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from astsvm_lib import datasets
from astsvm_lib.cli import main
from astsvm_lib.errors import CompanionError
from astsvm_lib.methods import method_named
from astsvm_lib.methods.contract import check_method
from astsvm_lib.results.store import Store

SOURCE = '''
import numpy as np


class Nearest:
    """Nearest class mean on made-up features."""

    def __init__(self, random_state=0):
        self.rng = np.random.default_rng(random_state)

    def features(self, clips):
        return np.array([[int(clip.subject), clip.offset - clip.onset] for clip in clips], float)

    def fit(self, X, y, groups):
        assert len(groups) == len(y)
        self.classes_ = np.unique(y)
        self.means = np.stack([X[y == label].mean(0) for label in self.classes_])
        return self

    def decision_function(self, X):
        return -((X[:, None] - self.means) ** 2).sum(2)


class ReadsLabels(Nearest):
    def features(self, clips):
        return np.array([[len(clip.label)] for clip in clips], float)


class ReadsEmotions(Nearest):
    def features(self, clips):
        return np.array([[len(clip.emotion)] for clip in clips], float)


class TooFewRows(Nearest):
    def features(self, clips):
        return np.zeros((1, 3))


class NotANumber(Nearest):
    def features(self, clips):
        return np.full((len(clips), 2), np.nan)


class Position(Nearest):
    def features(self, clips):
        return np.arange(len(clips), dtype=float)[:, None]


class Random(Nearest):
    def decision_function(self, X):
        return np.random.default_rng().normal(size=(len(X), len(self.classes_)))


class Transductive(Nearest):
    def decision_function(self, X):
        return super().decision_function(X - X.mean(0))


class WrongShape(Nearest):
    def decision_function(self, X):
        return np.zeros((len(X), 7))


class NoFit:
    def predict(self, X):
        return X
'''


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch):
    (tmp_path / "own_for_test.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield
    sys.modules.pop("own_for_test", None)


def checked(name: str) -> list[str]:
    data = datasets.load("rehearsal-mini")
    return list(check_method(method_named(f"own_for_test:{name}"), data.clips, data.classes))


def test_a_class_is_evaluated_stored_and_put_into_a_table(tmp_path: Path, capsys):
    assert len(checked("Nearest")) == 5
    out = str(tmp_path / "results")
    arguments = ["evaluate", "--dataset", "rehearsal-mini", "--method", "own_for_test:Nearest", "--out", out]
    main([*arguments, "--json"])
    first = json.loads(capsys.readouterr().out)
    main(arguments)
    assert "already stored" in capsys.readouterr().out
    (record,) = Store(Path(out)).records()
    assert (record.method, record.heads, record.outdated) == ("own_for_test:Nearest", ["own"], [])
    assert ":" not in record.name
    main(["table", "4", "--dataset", "rehearsal-mini", "--results", out, "--with", "own_for_test:Nearest"])
    assert f"| Nearest * | {first['own']['uar']:.3f} |" in capsys.readouterr().out.replace("\N{NO-BREAK SPACE}", " ")


def test_a_changed_class_makes_its_results_outdated(tmp_path: Path):
    out = str(tmp_path / "results")
    main(["evaluate", "--dataset", "rehearsal-mini", "--method", "own_for_test:Nearest", "--out", out])
    (tmp_path / "own_for_test.py").write_text(SOURCE + "\n# changed\n")
    method_named("own_for_test:Nearest")
    (record,) = Store(Path(out)).records()
    assert record.outdated[0].startswith("method/own_for_test:Nearest ")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ReadsLabels", "features\\(\\) read 'label' of rehearsal-mini/01"),
        ("ReadsEmotions", "features\\(\\) read 'emotion'"),
        ("TooFewRows", "one row per clip, found \\(1, 3\\)"),
        ("NotANumber", "expected features that are finite numbers"),
        ("Position", "do not depend on the order of the clips"),
        ("Random", "expected equal scores for equal random_state"),
        ("Transductive", "do not depend on the other test clips"),
        ("WrongShape", "decision_function: expected scores of shape"),
        ("NoFit", "expected a class with fit"),
        ("Absent", "expected a class 'Absent' in the module own_for_test"),
    ],
)
def test_a_class_that_breaks_the_contract_is_refused(name: str, message: str):
    with pytest.raises(CompanionError, match=message):
        checked(name)


def test_a_missing_module_and_an_unknown_name_are_named():
    with pytest.raises(CompanionError, match="no module 'not_there'"):
        method_named("not_there:Method")
    with pytest.raises(CompanionError, match="unknown method 'nothing'; expected one of .*or module:Class"):
        method_named("nothing")


def test_labels_can_be_predicted_directly():
    method = method_named("own_for_test:Nearest")
    model = type("Model", (), {"predict": staticmethod(lambda rows: np.zeros(len(rows), int))})()
    assert method._scores(model, np.zeros((4, 2)), 3).argmax(1).tolist() == [0, 0, 0, 0]
    model = type("Model", (), {"predict": staticmethod(lambda rows: np.full(len(rows), 5))})()
    with pytest.raises(CompanionError, match="expected 4 class numbers from 0 to 2"):
        method._scores(model, np.zeros((4, 2)), 3)


def test_the_template_keeps_the_contract(tmp_path: Path, capsys, monkeypatch):
    main(["method", "new", "SmileNet"])
    assert "astsvm method check smile_net:SmileNet" in capsys.readouterr().out
    folder = tmp_path / "smile_net"
    assert {path.name for path in folder.iterdir()} == {
        "README.md",
        "pyproject.toml",
        "smile_net.py",
        "test_smile_net.py",
    }
    for path in folder.iterdir():
        assert not {"CLASSNAME", "MODULE", "PROJECT"} & set(
            path.read_text().replace('"', " ").replace(":", " ").split()
        )
    monkeypatch.syspath_prepend(str(folder))
    main(["method", "check", "smile_net:SmileNet"])
    assert capsys.readouterr().out.count("passed: ") == 5
    with pytest.raises(SystemExit):
        main(["method", "new", "SmileNet"])
    with pytest.raises(SystemExit):
        main(["method", "new", "smile net"])
