import json
import subprocess
import sys
from pathlib import Path

import click
import cv2
import numpy as np
import pytest

from astsvm_lib import results
from astsvm_lib.cli import COMMANDS, command
from astsvm_lib.cli.options import part_of
from astsvm_lib.errors import CompanionError
from astsvm_lib.results import Store

PROJECT = Path(__file__).parents[2]


def test_help_names_every_command(astsvm):
    result = astsvm("--help")
    assert result.returncode == 0
    for name in (
        "attainable",
        "book",
        "chapter",
        "data",
        "evaluate",
        "methods",
        "network",
        "preprocess",
        "recipe",
        "results",
        "run",
        "score",
        "table",
    ):
        assert f"\n  {name} " in result.stdout


def test_each_command_has_the_line_that_the_help_shows():
    context = click.Context(command)
    for name, (_, line) in COMMANDS.items():
        assert command.get_command(context, name).get_short_help_str(200) == line, name


def test_help_is_quick_and_imports_nothing_heavy():
    code = (
        "import sys\nfrom astsvm_lib.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "print(sorted({'numpy', 'pandas', 'cv2', 'numba', 'sklearn', 'keras', 'pydantic'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_data_list_and_check(astsvm):
    (row,) = [r for r in json.loads(astsvm("data", "list", "--json").stdout) if r["id"] == "rehearsal-mini"]
    assert (row["subjects"], row["clips"]) == (8, 48)
    assert row["classes"] == {"negative": 24, "positive": 12, "surprise": 12}
    checked = astsvm("data", "check", "rehearsal-mini", "--json")
    assert checked.returncode == 0
    assert json.loads(checked.stdout)["deviations"] == []


def test_data_check_of_a_practice_database_good_and_broken(astsvm, tmp_path: Path):
    done = astsvm("data", "mock-layout", "smic-hs", "--out", "deep/SMIC")
    assert done.returncode == 0, done.stderr
    good = astsvm("data", "check", "smic-hs", "--root", "deep")
    assert good.returncode == 0, good.stdout + good.stderr
    assert (
        "164 clips of 11 to 58 frames, 16 subjects (70 negative, 51 positive, 43 surprise): as declared" in good.stdout
    )
    clip = next(path for path in sorted((tmp_path / "deep").rglob("s03_*")) if path.is_dir())
    sorted(clip.iterdir())[3].unlink()
    broken = astsvm("data", "check", "smic-hs", "--root", "deep", "--json")
    assert broken.returncode == 1
    told = json.loads(broken.stdout)
    assert (told["clips"], told["expected"]["clips"], told["expected"]["frames"]) == (163, 164, [11, 58])
    assert sum(line.startswith(f"smic-hs/s03/{clip.name}: ") for line in told["deviations"]) == 1
    assert "(rehearsal data)" in told["heading"]
    refused = astsvm("evaluate", "--dataset", "smic-hs", "--profile", "smoke", "--root", "deep")
    assert refused.returncode == 2
    assert "the data is not as declared" in refused.stderr
    again = astsvm("data", "mock-layout", "smic-hs", "--out", "deep")
    assert again.returncode == 2
    assert "expected an empty folder" in again.stderr


def test_a_database_that_is_not_there_says_how_to_get_it(astsvm):
    result = astsvm("data", "check", "samm")
    assert result.returncode == 2
    for words in ("distributed under a licence", "How to request it", "export ASTSVM_SAMM_ROOT=FOLDER", "006_1_2"):
        assert words in result.stderr
    needless = astsvm("chapter", "run", "data", "--root", ".")
    assert needless.returncode == 2
    assert "--root: expected a data set that is read from disk, found rehearsal-mini" in needless.stderr


def test_landmarks_go_out_and_come_in(astsvm, tmp_path: Path):
    out = astsvm("data", "export-landmarks", "rehearsal-mini", "--out", "points.json", "--jobs", "2")
    assert out.returncode == 0, out.stderr
    assert "landmarks of 48 clips" in out.stdout
    back = astsvm("data", "import-landmarks", "rehearsal-mini", "points.json", ASTSVM_CACHE=str(tmp_path / "elsewhere"))
    assert back.returncode == 0, back.stderr
    assert len(list((tmp_path / "elsewhere" / "landmarks").rglob("*.npz"))) == 48


def test_croissant_is_json(astsvm):
    document = json.loads(astsvm("data", "croissant", "casme2").stdout)
    assert document["@type"] == "sc:Dataset"
    assert document["citeAs"] == "https://doi.org/10.1371/journal.pone.0086041"


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
        (["methods", "lbp"], "unknown method 'lbp'; expected one of ast-svmnet, untrained, kernels, mean-attention"),
        (["evaluate", "--dataset", "rehearsal-mini", "--method", "off"], "unknown method 'off'"),
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
    assert result.stdout.count("UAR") == 4
    (record,) = Store(tmp_path / "results").records()
    assert len(record.clips) == 16


def test_another_method_runs_with_settings_of_its_own(astsvm, tmp_path: Path):
    assert "bi-woof: Bi-WOOF; onset and apex" in astsvm("methods").stdout
    (tmp_path / "mine.yaml").write_text(astsvm("methods", "bi-woof").stdout.replace("blocks: 5", "blocks: 8"))
    common = ("evaluate", "--dataset", "rehearsal-mini", "--method", "bi-woof", "--profile", "smoke", "--json")
    result = astsvm(*common, "--settings", "mine.yaml", "--jobs", "2")
    assert result.returncode == 0, result.stderr
    shown = json.loads(result.stdout)
    assert np.array(shown["svm"]["confusion_matrix"]).sum() == 16
    record = Store(tmp_path / "results").read(shown["record"])
    assert record.settings["descriptor"]["blocks"] == 8
    assert record.differs == "descriptor.blocks = 8"
    assert set(record.recipe) == {"registration", "flow"}
    (tmp_path / "mine.yaml").write_text("descriptor: {block: 8}")
    refused = astsvm(*common, "--settings", "mine.yaml")
    assert "bi-woof.descriptor: unknown field 'block'; expected one of bins, blocks" in refused.stderr


def test_a_table_is_run_and_shown(astsvm, tmp_path: Path):
    refused = astsvm("run", "--table", "3", "--dataset", "rehearsal-mini")
    assert refused.returncode == 2
    assert "no table 3; expected one of 4, 5" in refused.stderr
    assert "--seeds: expected whole numbers" in astsvm("run", "--dataset", "rehearsal-mini", "--seeds", "a").stderr
    asked = ("run", "--table", "12", "--dataset", "rehearsal-mini", "--profile", "smoke")
    planned = astsvm(*asked, "--dry-run")
    assert planned.returncode == 0, planned.stderr
    assert planned.stdout.startswith("5 runs, 0 of them stored in results")
    done = astsvm(*asked)
    assert done.returncode == 0, done.stderr
    assert "5 of 5, about 0 min left: rehearsal-mini_majority_smoke_seed0_" in done.stdout
    assert len(Store(tmp_path / "results").rows()) == 5
    assert astsvm(*asked).stdout == "5 runs, 5 of them stored in results\n"
    shown = astsvm(
        "table", "12", "--dataset", "rehearsal-mini", "--profile", "smoke", "--results", "results", "--format", "json"
    )
    rows = json.loads(shown.stdout)
    assert {row["block"] for row in rows} == {"companion"}
    assert [len(row["records"]) for row in rows] == [1] * 8


def test_the_committed_tables_have_their_blocks(astsvm):
    for number in ("4", "8", "12"):
        blocks = {"published", "companion"} | ({"companion, real derived flow"} if number == "4" else set())
        rows = json.loads(astsvm("table", number, "--dataset", "rehearsal-casme2", "--format", "json").stdout)
        assert {row["block"] for row in rows} == blocks
        ran = [row for row in rows if row["uar"] is not None]
        assert {row["block"] for row in ran} == blocks, number
        assert all(0 < row["uar"] <= 1 and 0 < row["uf1"] <= 1 for row in ran), number
        stored = results.scores(PROJECT / "book/results").set_index("run")
        for row in ran:
            if row["block"] == "companion":
                assert row["profile"] == "paper"
                assert row["current"]
                assert row["epochs"] == stored.loc[row["records"][0], "epochs"].max()
                assert row["seeds"] == sorted(set(row["seeds"]))
                found = stored.loc[row["records"]]
                own = found.groupby("head")[["uar", "uf1"]].mean()
                assert any(row["uar"] == pytest.approx(u) and row["uf1"] == pytest.approx(f) for u, f in own.values)


def test_attainable_answers(astsvm):
    told = astsvm("attainable", "--sizes", "70,51,43", "--uar", "0.600", "--uf1", "0.580")
    assert told.returncode == 0
    assert "UAR 0.600 and UF1 0.580 with classes of 70,51,43 clips: possible" in told.stdout
    answer = json.loads(astsvm("attainable", "--sizes", "70,51,43", "--uar", "0.528", "--uf1", "0.2", "--json").stdout)
    assert answer["possible"] is False
    assert answer["confusion_matrix"] is None
    assert answer["uf1_range"][0] > 0.2


def test_stored_results_are_listed_and_verified(astsvm, tmp_path: Path):
    done = astsvm("evaluate", "--dataset", "rehearsal-mini", "--profile", "smoke", "--method", "bi-woof")
    assert done.returncode == 0, done.stderr
    (name,) = Store(tmp_path / "results").rows()
    listed = astsvm("results", "list", "--results", "results")
    assert listed.stdout.startswith(f"{name} (nothing: the default recipe): svm UAR ")
    verified = astsvm("results", "verify", name, "--folds", "2", "--keep", "--results", "results")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert "svm: 0 of 8 predictions changed" in verified.stdout
    assert "2 folds computed again: agrees with the record" in verified.stdout
    assert (tmp_path / "results" / "reruns.csv").read_text().count("\n") == 2
    record = Store(tmp_path / "results").read(name)
    first, *rest = record.folds
    other = next(c for c in record.classes if c != first.clips[0].heads["svm"].prediction)
    changed = first.clips[0].heads["svm"].model_copy(update={"prediction": other})
    clip = first.clips[0].model_copy(update={"heads": {"svm": changed}})
    fold = first.model_copy(update={"clips": [clip, *first.clips[1:]]})
    Store(tmp_path / "results").write(record.model_copy(update={"folds": [fold, *rest]}))
    found = astsvm("results", "verify", name, "--folds", "1", "--results", "results")
    assert found.returncode == 1
    assert "svm: 1 of 4 predictions changed" in found.stdout
    assert astsvm("results", "verify", "nothing", "--results", "results").returncode == 2


def test_a_missing_library_names_the_extra_that_installs_it(astsvm, monkeypatch):
    monkeypatch.setitem(sys.modules, "keras", None)
    monkeypatch.delitem(sys.modules, "astsvm_lib.models.ast_network", raising=False)
    result = astsvm("network", "summary")
    assert result.returncode == 2
    assert "pip install 'astsvm-lib[train]'" in result.stderr


def test_a_folder_that_cannot_be_written_is_named_without_a_traceback(astsvm, tmp_path):
    (tmp_path / "file").write_text("")
    arguments = ("evaluate", "--dataset", "rehearsal-mini", "--method", "majority", "--profile", "smoke", "--out")
    told = astsvm(*arguments, str(tmp_path / "file" / "x"))
    assert told.returncode == 2
    assert told.stderr.startswith("error: results: cannot create the folder")
    told = astsvm("data", "mock-layout", "smic-hs", "--out", str(tmp_path / "file" / "x"))
    assert told.returncode == 2
    assert told.stderr.startswith(f"error: {tmp_path / 'file'}")


def test_the_parts_of_a_list_of_runs_give_all_of_it_once():
    items = list(range(11))
    assert [part_of(items, f"{k}/3") for k in (1, 2, 3)] == [[0, 1, 2], [3, 4, 5, 6], [7, 8, 9, 10]]
    assert part_of(items, "1/1") == items
    for wrong in ("0/2", "3/2", "1", "a/b"):
        with pytest.raises(CompanionError, match="--part: expected K/N"):
            part_of(items, wrong)
