import json
from pathlib import Path

import cv2
import numpy as np
import pytest


def test_help_names_every_command(astsvm):
    result = astsvm("--help")
    assert result.returncode == 0
    for name in ("baseline", "book", "chapter", "data", "evaluate", "network", "preprocess", "recipe", "score"):
        assert f"\n  {name} " in result.stdout


def test_data_list_and_check(astsvm):
    (row,) = [r for r in json.loads(astsvm("data", "list", "--json").stdout) if r["id"] == "rehearsal-mini"]
    assert (row["subjects"], row["clips"]) == (8, 48)
    assert row["classes"] == {"negative": 24, "positive": 12, "surprise": 12}
    checked = astsvm("data", "check", "rehearsal-mini", "--json")
    assert checked.returncode == 0
    assert json.loads(checked.stdout)["deviations"] == []


def test_network_summary(astsvm):
    rows = json.loads(astsvm("network", "summary", "--json").stdout)
    assert set(rows[0]) == {"name", "output_shape", "parameters"}
    counts = [row["parameters"] for row in rows if "conv" in row["name"]]
    assert sorted(counts) == sorted(2 * [32, 160, 416, 448, 1216, 2368])


def test_score_prints_json_that_is_right(astsvm, tmp_path: Path):
    (tmp_path / "log.csv").write_text("truth,guess,who,set\na,a,1,x\na,b,1,x\nb,b,2,y\nb,b,3,y\n")
    result = astsvm("score", "log.csv", "--truth", "truth", "--prediction", "guess", "--subject", "who",
                    "--group", "set", "--json")  # fmt: skip
    scores = json.loads(result.stdout)
    assert scores["uar"] == pytest.approx(0.75)
    assert scores["uf1"] == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert scores["per_group"]["y"]["uar"] == 1
    assert scores["fold_mean_uar"] == pytest.approx((0.5 + 1 + 1) / 3)
    plain = astsvm("score", "log.csv", "--truth", "truth", "--prediction", "guess", "--subject", "who")
    assert "Not to be reported" in plain.stdout


def test_errors_are_one_message_and_no_traceback(astsvm):
    for arguments, words in (
        (["evaluate", "--dataset", "casme9"], "unknown data set 'casme9'"),
        (["score", "none.csv", "--truth", "a", "--prediction", "b"], "no such file"),
        (["preprocess", "none.mp4", "--out", "x.npz"], "no such file or folder"),
        (["chapter", "run", "nothing"], "unknown chapter 'nothing'"),
        (["chapter", "run", "readings", "-p", "colour", "red"], "unknown parameter colour; it takes recipe"),
        (["recipe", "none.yaml"], "cannot be read"),
    ):
        result = astsvm(*arguments)
        assert result.returncode == 2
        assert "error: " in result.stderr
        assert words in result.stderr
        assert "Traceback" not in result.stderr


def test_a_recipe_can_be_printed_changed_and_checked(astsvm, tmp_path: Path):
    text = astsvm("recipe").stdout
    (tmp_path / "mine.yaml").write_text(text.replace("reference: adjacent", "reference: onset"))
    assert json.loads(astsvm("recipe", "mine.yaml", "--json").stdout)["flow"]["reference"] == "onset"
    (tmp_path / "mine.yaml").write_text(text.replace("reference: adjacent", "reference: before"))
    wrong = astsvm("recipe", "mine.yaml")
    assert wrong.returncode == 2
    assert "recipe.flow.reference: found 'before'; allowed: adjacent, onset" in wrong.stderr


def test_preprocess_your_own_frames(astsvm, tmp_path: Path, smile_frames: np.ndarray):
    folder = tmp_path / "frames"
    folder.mkdir()
    for i, frame in enumerate(smile_frames[:16]):
        cv2.imwrite(str(folder / f"{i:03d}.png"), frame[..., ::-1])
    result = astsvm("preprocess", "frames", "--out", "clip.npz", "--fps", "100", "--onset", "1", "--offset", "14")
    assert result.returncode == 0, result.stderr
    with np.load(tmp_path / "clip.npz") as data:
        assert data["frames"].shape == data["flow"].shape == data["idsf"].shape == (10, 192, 192)
        assert data["landmarks"].shape == (68, 2)
    refused = astsvm("preprocess", "frames", "--out", "clip.txt", "--fps", "100")
    assert "ends in .npz" in refused.stderr


def test_smoke_evaluation_writes_a_record(astsvm, tmp_path: Path):
    result = astsvm("evaluate", "--dataset", "rehearsal-mini", "--profile", "smoke", "--seed", "7")
    assert result.returncode == 0, result.stderr
    assert "rehearsal data" in result.stdout
    assert result.stdout.count("UAR") == 2
    (path,) = (tmp_path / "results").glob("*.json")
    assert len([clip for fold in json.loads(path.read_text())["folds"] for clip in fold["clips"]]) == 16


def test_the_baseline_prints_scores_that_fit_its_confusion_matrix(astsvm):
    result = json.loads(astsvm("baseline", "--dataset", "rehearsal-mini", "--jobs", "2", "--json").stdout)
    matrix = np.array(result["rehearsal-mini"]["confusion_matrix"])
    assert matrix.sum(1).tolist() == [24, 12, 12]
    assert result["rehearsal-mini"]["uar"] == pytest.approx((matrix.diagonal() / matrix.sum(1)).mean())
