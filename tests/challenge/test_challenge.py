"""A challenge is made, submitted to and graded."""

import csv
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from astsvm_lib.challenge.design import CLASSES, Options, draw_clips
from astsvm_lib.challenge.files import make_challenge, read_sealed
from astsvm_lib.challenge.grading import grade
from astsvm_lib.challenge.leaderboard import leaderboard_csv, leaderboard_page
from astsvm_lib.cli import main
from astsvm_lib.errors import CompanionError

SMALL = Options(train_subjects=3, test_subjects=4, clips=4, size=160, fps=50)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return make_challenge(tmp_path_factory.mktemp("class") / "challenge", 3, SMALL, seed=7)


@pytest.fixture
def truth(made: Path) -> dict[str, str]:
    return {clip: known.label for clip, known in read_sealed(made).part("test").items()}


def submit(folder: Path, name: str, labels: dict[str, str] | list[tuple[str, str]]) -> Path:
    path = folder / f"{name}.csv"
    rows = labels.items() if isinstance(labels, dict) else labels
    path.write_text("clip,label\n" + "".join(f"{clip},{label}\n" for clip, label in rows))
    return path


def table(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.open()))


def test_the_public_part_has_frames_and_labels_of_the_training_part_only(made: Path):
    train, test = table(made / "public" / "train.csv"), table(made / "public" / "test.csv")
    assert {row["label"] for row in train} == set(CLASSES)
    assert "label" not in test[0]
    assert not {row["subject"] for row in train} & {row["subject"] for row in test}
    for part, rows in (("train", train), ("test", test)):
        assert {row["clip"] for row in rows} == {path.name for path in (made / "public" / part).iterdir()}
        for row in rows:
            frames = sorted((made / "public" / part / row["clip"]).iterdir())
            assert len(frames) == int(row["offset"]) + 1 > int(row["apex"]) > int(row["onset"]) == 0
            assert cv2.imread(str(frames[0]), cv2.IMREAD_UNCHANGED).shape == (160, 160)


def test_nothing_public_names_the_truth(made: Path, truth: dict[str, str]):
    sealed = json.loads((made / "instructor" / "sealed.json").read_text())
    for path in (made / "public").glob("*.*"):
        text = path.read_text()
        assert sealed["salt"] not in text
        assert not any(code in text for code in sealed["codes"])
        assert not any(emotion in text for emotion in ("disgust", "happiness", "repression"))
    assert {row["label"] for row in table(made / "public" / "example.csv")} == {CLASSES[0]}
    digest = hashlib.sha256((made / "instructor" / "sealed.json").read_bytes()).hexdigest()
    assert digest in (made / "public" / "README.md").read_text()


def test_a_seed_gives_the_same_clips_and_another_seed_other_people():
    first, again, other = (draw_clips(SMALL, seed) for seed in (7, 7, 8))
    assert first == again
    assert not {clip.spec.subject for clip in first} & {clip.spec.subject for clip in other}


def test_submissions_are_ranked_and_those_alike_are_pointed_out(made: Path, truth: dict[str, str], tmp_path: Path):
    first, second, _ = read_sealed(made).codes
    same = dict.fromkeys(truth, "negative")
    files = [submit(tmp_path, first, truth), submit(tmp_path, second, same), submit(tmp_path, "stranger", same)]
    best, *others = grade(read_sealed(made), files, draws=200)
    assert (best.name, best.rank, best.tied, best.remarks) == (first, 1, False, [])
    assert best.scores is not None
    assert best.scores.uf1 == best.scores.uar == 1
    assert [(r.rank, r.tied) for r in others] == [(2, True), (2, True)]
    by_name = {r.name: r.remarks for r in others}
    assert by_name[second] == ["identical to stranger (predicts one class for all clips)"]
    assert by_name["stranger"][0] == "its name is not one of the codes"
    page = leaderboard_page([best, *others], len(truth), 4)
    assert "1.000 (1.000 to 1.000)" in page
    assert "identical" not in page
    assert "identical to stranger" in leaderboard_csv([best, *others])


def test_a_broken_submission_is_not_graded_and_each_mistake_named(made: Path, truth: dict[str, str], tmp_path: Path):
    clips = sorted(truth)
    rows = [(clip, "happy") for clip in clips[:-1]] + [(clips[0], "positive"), ("test9999", "positive")]
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    named = tmp_path / "columns.csv"
    named.write_text("name,class\n")
    results = grade(read_sealed(made), [submit(tmp_path, "broken", rows), empty, named])
    found = {result.name: "; ".join(result.problems) for result in results}
    assert found["broken"] == (
        f"expected each clip once, found {clips[0]} more than once; expected the clips of test.csv, found test9999; "
        f"expected all {len(clips)} test clips, 1 missing: {clips[-1]}; "
        "expected the labels negative, positive, surprise, found 'happy'"
    )
    assert found["empty"].startswith("not a readable CSV table")
    assert found["columns"] == "expected the columns clip and label, found name, class"
    assert all(result.rank is None for result in results)
    assert "Not graded: expected each clip once" in leaderboard_page(results, len(clips), 4)


def test_a_changed_truth_is_refused(made: Path, tmp_path: Path):
    copy = tmp_path / "copy"
    shutil.copytree(made, copy)
    path = copy / "instructor" / "sealed.json"
    path.write_text(path.read_text().replace('"label": "positive"', '"label": "negative"', 1))
    with pytest.raises(CompanionError, match=r"sealed.json was changed"):
        read_sealed(copy)
    path.write_text("{}")
    with pytest.raises(CompanionError, match=r"format: Field required"):
        read_sealed(copy)
    with pytest.raises(CompanionError, match=r"expected instructor/sealed.json, found none"):
        read_sealed(tmp_path)


def test_the_commands(made: Path, truth: dict[str, str], tmp_path: Path, capsys):
    main(["challenge", "grade", str(made), str(submit(tmp_path, "one", truth)), "--out", str(tmp_path / "board")])
    assert "UF1 1.000 (1.000 to 1.000)" in capsys.readouterr().out
    assert (tmp_path / "board" / "leaderboard.html").exists()
    for arguments, message in (
        (["--out", str(made), "--students", "2"], "expected a folder that does not exist"),
        (["--out", str(tmp_path / "x"), "--students", "2", "--motion", "9"], "--motion: Input should be less than"),
    ):
        with pytest.raises(SystemExit):
            main(["challenge", "new", *arguments])
        assert message in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_the_baseline_writes_a_submission_that_is_graded(made: Path, tmp_path: Path):
    shutil.copytree(made / "public", tmp_path / "public")
    done = subprocess.run(
        [sys.executable, "baseline.py", "base"], cwd=tmp_path / "public", capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("UF1 on the training part"), done.stderr
    (result,) = grade(read_sealed(made), [tmp_path / "public" / "base.csv"], draws=200)
    assert result.problems == []


def test_an_interrupted_challenge_leaves_nothing(tmp_path: Path, monkeypatch):
    def fail(clip, folder):
        raise CompanionError("disk full")

    monkeypatch.setattr("astsvm_lib.challenge.files._render", fail)
    with pytest.raises(CompanionError, match="disk full"):
        make_challenge(tmp_path / "new", 1, SMALL, seed=1)
    assert not list(tmp_path.iterdir())
