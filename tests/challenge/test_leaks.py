"""The leaks that are planted are leaks, the evaluation without one is not, and answers are graded."""

from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest

from astsvm_lib.challenge.leaks import KINDS, grade_leaks, leak_cells, leak_features, make_leaks, read_leaks
from astsvm_lib.cli import main
from astsvm_lib.errors import CompanionError

LEFT_OUT = "s01"  # the first fold, whose random numbers do not depend on the labels of other folds


def predictions(kind: str | None, table: pd.DataFrame, folder: Path, seed: int) -> np.ndarray:
    """Predictions of the clips of the left-out subject, by clip."""
    table.to_csv(folder / "features.csv", index=False)
    space: dict = {}
    source = "\n".join(leak_cells(kind, np.random.default_rng(seed)))
    exec(source.replace('"features.csv"', repr(str(folder / "features.csv"))), space)
    by_clip = dict(zip(space["order"], space["predictions"], strict=True))
    return np.array([by_clip[i] for i in np.flatnonzero(table["subject"] == LEFT_OUT)])


def peeks(kind: str | None, folder: Path, seed: int) -> bool:
    """Whether predictions of a subject depend on its labels, or those of a clip on the features of its other clips."""
    table = leak_features(np.random.default_rng(seed), subjects=6, clips=8, width=30, strength=0.3)
    before = predictions(kind, table, folder, seed)
    own = np.flatnonzero(table["subject"] == LEFT_OUT)
    other_labels = table.copy()
    other_labels.loc[own, "label"] = "surprise"
    other_clip = table.copy()
    other_clip.loc[own[1:], [f"f{i}" for i in range(15)]] *= 40.0
    if (predictions(kind, other_labels, folder, seed) != before).any():
        return True
    return bool(predictions(kind, other_clip, folder, seed)[0] != before[0])


@pytest.mark.parametrize("seed", range(3))
def test_the_correct_forms_do_not_use_the_left_out_subject(tmp_path: Path, seed: int):
    assert not peeks(None, tmp_path, seed)


@pytest.mark.parametrize("kind", KINDS)
def test_each_leak_uses_the_left_out_subject(tmp_path: Path, kind: str):
    assert any(peeks(kind, tmp_path, seed) for seed in range(8))


def test_a_class_gets_all_kinds_and_its_answers_are_graded(tmp_path: Path, capsys):
    folder = tmp_path / "leaks"
    main(["challenge", "leaks", "--students", "7", "--seed", "5", "--out", str(folder)])
    key = read_leaks(folder)
    assert set(key.kinds.values()) == set(KINDS)
    texts = {path.stem: path.read_text() for path in (folder / "public").glob("*.ipynb")}
    assert set(texts) == set(key.kinds)
    assert len(set(texts.values())) == 7
    answers = tmp_path / "answers.csv"
    codes = list(key.kinds)
    wrong = next(kind for kind in KINDS if kind != key.kinds[codes[1]])
    answers.write_text(f"code,kind\n{codes[0]},{key.kinds[codes[0]]}\n{codes[1]},{wrong}\n")
    graded = grade_leaks(key, [answers])
    assert graded["right"].tolist() == [True] + [False] * 6
    capsys.readouterr()
    main(["challenge", "grade-leaks", str(folder), str(answers)])
    shown = capsys.readouterr().out
    assert "1 of 7" in shown
    assert codes[6] in shown


def test_a_notebook_runs(tmp_path: Path):
    make_leaks(tmp_path / "leaks", 1, seed=2)
    (path,) = (tmp_path / "leaks" / "public").glob("*.ipynb")
    notebook = nbformat.read(path, as_version=4)
    source = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    space: dict = {}
    exec(source.replace('"features.csv"', repr(str(path.parent / "features.csv"))), space)
    assert len(space["predictions"]) >= 144


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("code,kind\nffffff,tuning\n", "code 'ffffff' is not one of this class"),
        ("code,kind\n{code},peeking\n", "expected one of scaling"),
        ("code,kind\n{code},tuning\n{code},tuning\n", "has two answers"),
        ("name,kind\na,tuning\n", "expected the columns code and kind, found name, kind"),
    ],
)
def test_a_wrong_answer_file_is_named(tmp_path: Path, text: str, message: str):
    key = read_leaks(make_leaks(tmp_path / "leaks", 2, seed=1))
    path = tmp_path / "answers.csv"
    path.write_text(text.format(code=next(iter(key.kinds))))
    with pytest.raises(CompanionError, match=message):
        grade_leaks(key, [path])


def test_nothing_is_overwritten(tmp_path: Path):
    with pytest.raises(CompanionError, match="expected a folder that does not exist"):
        make_leaks(tmp_path, 2)
    with pytest.raises(CompanionError, match="expected instructor/leaks.json, found none"):
        read_leaks(tmp_path)
