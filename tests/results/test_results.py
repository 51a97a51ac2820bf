"""Records as tables: there and back, tampered with, and as data frames."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from astsvm_lib import configuration, results
from astsvm_lib.errors import CompanionError
from astsvm_lib.evaluation.scores import score
from astsvm_lib.results.files import COLUMNS
from astsvm_lib.results.record import ClipResult, FoldResult, HeadResult, Record, RunKey
from astsvm_lib.results.reruns import Rerun, add_reruns, read_reruns
from astsvm_lib.results.store import Store
from astsvm_lib.stages import stage_versions

CLASSES = ["negative", "positive"]
TRUTH = {"a/1/x": "negative", "a/1/y": "positive", "a/2/x": "negative", "other/3/z": "positive"}


def clip(key: str, prediction: str) -> ClipResult:
    svm = HeadResult(prediction=prediction, scores={"negative": 0.123456, "positive": None})
    softmax = HeadResult(prediction=TRUTH[key], scores={"negative": 0.25, "positive": 0.75})
    return ClipResult(key=key, subject=key.rsplit("/", 1)[0], truth=TRUTH[key], heads={"svm": svm, "softmax": softmax})


def record(seed: int = 0, prediction: str = "negative", **changes) -> Record:
    epochs = [{"epoch": 1.0, "loss": 1.23456789, "accuracy": 0.5}, {"epoch": 30.0, "loss": 1e-5, "accuracy": 1.0}]
    folds = [
        FoldResult(name=subject, epochs=epochs, trainer="trainer-fast", seconds=1.0,
                   clips=[clip(key, prediction) for key in TRUTH if key.startswith(f"{subject}/")])
        for subject in ("a/1", "a/2", "other/3")
    ]  # fmt: skip
    values = {
        "key": RunKey(
            dataset="a", method="ast-svmnet", profile="paper", epochs=30, seed=seed, choices="0123456789abcdef"
        ),
        "heading": "a (rehearsal data)",
        "rehearsal": True,
        "classes": CLASSES,
        "recipe": {"flow": {"component": "u"}},
        "settings": {},
        "differs": "flow.component = u",
        "data": "d",
        "stages": stage_versions(["method/ast-svmnet", "trainer-fast"]),
        "libraries": {"numpy": "2.0", "python": "3.12"},
        "backend": "tensorflow",
        "device": "CPU",
        "processor": "P, 2 cores",
        "threads": 2,
        "commit": "abc",
        "seconds": 3.04,
        "folds": folds,
    }
    return Record(**{**values, **changes})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    kept = Store(tmp_path)
    for seed in (0, 1):
        kept.write(record(seed))
    return kept


def test_a_record_there_and_back(store: Store):
    back, was = store.read(record().name), record()
    assert [c.key for c in back.clips] == list(TRUTH)
    assert back.clips[0].heads["svm"].scores == {"negative": 0.123, "positive": None}
    assert back.folds[0].epochs == [
        {"epoch": 1.0, "loss": 1.235, "accuracy": 0.5},
        {"epoch": 30.0, "loss": 1e-5, "accuracy": 1.0},
    ]
    for name in ("key", "heading", "rehearsal", "classes", "recipe", "differs", "stages", "libraries", "threads"):
        assert getattr(back, name) == getattr(was, name)
    assert back.scores("svm").matrix.tolist() == score(list(TRUTH.values()), ["negative"] * 4, CLASSES).matrix.tolist()
    assert back.outdated == []


def test_the_files_can_be_read_by_a_person(store: Store):
    lines = (store.folder / "predictions" / f"{record().name}.csv").read_text().splitlines()
    assert lines[0] == "clip,truth,svm,svm:negative,svm:positive,softmax,softmax:negative,softmax:positive"
    assert lines[1] == "1/x,negative,negative,0.123,,negative,0.250,0.750"
    assert lines[4].startswith("other/3/z,positive,")  # the key in full where a clip is of another data set
    rows = list(csv.DictReader((store.folder / "runs.csv").open()))
    assert [row["seed"] for row in rows] == ["0", "1"]
    assert rows[0]["differs"] == "flow.component = u"
    assert '"component":"u"' in rows[0]["recipe"]


def test_recording_the_same_again_changes_no_file(store: Store):
    before = {path: path.read_bytes() for path in store.folder.rglob("*.csv")}
    store.write(record(0, seconds=99.0, commit="def"))
    assert {path: path.read_bytes() for path in store.folder.rglob("*.csv")} == before
    store.write(record(0, "positive"))
    changed = {path.name for path in before if path.read_bytes() != before[path]}
    assert changed == {"runs.csv", f"{record().name}.csv"}


def test_a_record_that_was_changed_by_hand_is_refused(store: Store):
    path = store.folder / "predictions" / f"{record().name}.csv"
    path.write_text(path.read_text().replace("1/y,positive,negative", "1/y,positive,positive"))
    with pytest.raises(CompanionError, match=r"do not match runs\.csv"):
        store.read(record().name)
    with pytest.warns(UserWarning, match="damaged record"):
        assert store.find(record().key, "d") is None
    assert store.find(record(1).key, "d") is not None


def test_recording_again_repairs_damaged_files(store: Store):
    path = store.folder / "predictions" / f"{record().name}.csv"
    good = path.read_bytes()
    for damage in (lambda: path.write_text("broken"), path.unlink):
        damage()
        with pytest.warns(UserWarning, match="damaged record"):
            assert [r.seed for r in store.records()] == [1]  # the others remain readable
        store.write(record(0, seconds=99.0))
        assert path.read_bytes() == good
    assert [r.seed for r in store.records()] == [0, 1]


def test_a_damaged_field_is_an_error_of_its_record(store: Store):
    runs = store.folder / "runs.csv"
    runs.write_text(runs.read_text().replace("paper,30,0,", "paper,thirty,0,"))
    with pytest.raises(CompanionError, match=r"seed0_.*runs\.csv or its tables are damaged .*thirty"):
        store.read(record().name)
    assert store.read(record(1).name).seed == 1


def test_results_of_an_installed_package_are_read_only(store: Store, monkeypatch):
    monkeypatch.setattr("astsvm_lib.results.store._PACKAGED", store.folder)
    with pytest.raises(CompanionError, match="name a folder for new ones with --out FOLDER or ASTSVM_RESULTS"):
        store.write(record(2))


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CompanionError, match="results: cannot create the folder .*file/here"):
        Store(tmp_path / "file" / "here").write(record())


def test_a_table_with_other_columns_or_short_rows_is_refused(store: Store):
    runs = store.folder / "runs.csv"
    text = runs.read_text()
    runs.write_text(text.replace("run,dataset", "name,dataset"))
    with pytest.raises(CompanionError, match="expected the columns run, dataset"):
        store.rows()
    runs.write_text(text + text.splitlines()[1] + "\n")  # as after a wrong merge
    with pytest.raises(CompanionError, match="expected one row per run, found two of a_ast-svmnet_paper_seed0"):
        store.rows()
    runs.write_text(text + "half,a row\n")
    with pytest.raises(CompanionError, match=f"line 4: expected {len(COLUMNS)} fields, found 2"):
        store.rows()


def test_several_processes_write_into_one_folder(tmp_path: Path):
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from astsvm_lib.results import Record, Store\n"
        "Store(Path(sys.argv[1])).write(Record.model_validate_json(Path(sys.argv[2]).read_text()))\n"
    )
    processes = []
    for seed in range(4):
        path = tmp_path / f"{seed}.json"
        path.write_text(record(seed).model_dump_json())
        processes.append(subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "store"), str(path)]))
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    assert [r.seed for r in Store(tmp_path / "store").records()] == [0, 1, 2, 3]


def test_records_of_other_data_or_versions_are_not_found(store: Store):
    assert store.find(record().key, "other data") is None
    assert [r.seed for r in store.seeds(record().key, "d")] == [0, 1]
    old = {**record().stages, "idsf": 0}
    store.write(record(1, stages=old))
    assert [r.seed for r in store.seeds(record().key, "d")] == [0]
    assert [r.seed for r in store.seeds(record().key, "d", outdated=True)] == [0, 1]
    more = record().key.model_copy(update={"epochs": 60})  # the profile of this name now has more epochs
    assert store.find(record().key, "d") is not None
    assert store.find(more, "d") is None


def test_a_stage_that_was_added_or_removed_makes_a_record_outdated():
    now = record().stages
    fewer = {name: version for name, version in now.items() if name != "idsf"}
    assert record(stages=fewer).outdated == ["idsf new -> 1"]
    assert record(stages={**now, "sharpening": 2}).outdated == ["sharpening 2 -> removed"]


def test_all_results_as_data_frames(store: Store):
    table = results.load(store.folder)
    assert len(table) == 2 * 2 * 4  # runs, heads, clips
    assert set(table.columns) >= {"run", "dataset", "method", "head", "subject", "clip", "truth", "prediction", "seed"}
    assert table["score_positive"].isna().sum() == 8
    scores = results.scores(store.folder)
    assert len(scores) == 4
    assert (scores.loc[scores["head"] == "softmax", "uf1"] == 1).all()
    assert set(results.runs(store.folder)["seed"]) == {0, 1}


def test_without_a_folder_it_says_how_to_name_one(tmp_path: Path, monkeypatch):
    monkeypatch.delenv("ASTSVM_RESULTS", raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(configuration, "PACKAGE", tmp_path)
    with pytest.raises(CompanionError, match="name one with --results FOLDER, as an argument or with ASTSVM_RESULTS"):
        results.results_folder()
    with pytest.raises(CompanionError, match="found none at nowhere"):
        results.results_folder(Path("nowhere"))


def test_reruns_replace_earlier_ones_of_the_same(tmp_path: Path):
    first = Rerun("r", "svm", 2, 10, 1, 0.25, 0.5, 0.6, "P", 2)
    add_reruns(tmp_path, [first, Rerun("r", "softmax", 2, 10, 0, 0.0, 0.5, 0.5, "P", 2)])
    add_reruns(tmp_path, [Rerun("r", "svm", 2, 10, 0, 0.0, 0.5, 0.5, "P", 2)])
    table = read_reruns(tmp_path)
    assert list(table["head"]) == ["softmax", "svm"]
    assert list(table["changed"]) == [0, 0]
