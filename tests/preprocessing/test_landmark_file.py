import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from astsvm_lib.cache import Cache
from astsvm_lib.datasets import Dataset
from astsvm_lib.errors import CompanionError
from astsvm_lib.preprocessing import pipeline, prepare
from astsvm_lib.preprocessing.landmark_file import export_landmarks, import_landmarks
from astsvm_lib.recipe import Recipe

FRAMES = Recipe().replace(registration={"scope": "frame"})


@pytest.fixture
def few(small_dataset: Dataset) -> Dataset:
    return replace(small_dataset, clips=small_dataset.clips[:3])


@pytest.fixture
def exported(few: Dataset, tmp_path: Path, cache: Cache) -> Path:
    assert export_landmarks(few, Recipe(), tmp_path / "landmarks.json", cache=cache) == 3
    return tmp_path / "landmarks.json"


def test_landmarks_travel_to_a_machine_without_a_detector(few, exported, cache, tmp_path, monkeypatch):
    here = prepare(few.clips[1], Recipe(), cache)
    monkeypatch.setattr(pipeline, "find_landmarks", lambda *a: pytest.fail("the detector was asked"))
    other = Cache(tmp_path / "other")
    assert import_landmarks(few, Recipe(), exported, other) == 3
    there = prepare(few.clips[1], Recipe(), other)
    assert np.array_equal(here.landmarks, there.landmarks)
    assert np.array_equal(here.frames, there.frames)


def test_landmarks_of_every_frame_travel_too(few, tmp_path, cache):
    two = replace(few, clips=few.clips[:1])
    export_landmarks(two, FRAMES, tmp_path / "all.json", cache=cache)
    other = Cache(tmp_path / "other")
    import_landmarks(two, FRAMES, tmp_path / "all.json", other)
    found = pipeline.detect(two.clips[0], FRAMES, other)
    assert found.shape == (14, 68, 2)
    assert np.array_equal(found, pipeline.detect(two.clips[0], FRAMES, cache))
    with pytest.raises(CompanionError, match="of the onset, as the recipe requires; found those of every frame"):
        import_landmarks(two, Recipe(), tmp_path / "all.json", other)


@pytest.mark.parametrize(("change", "words"), [
    (lambda f: f.update(dataset="samm"), "expected landmarks of small, found those of samm"),
    (lambda f: f.update(detector="0"), "of the detection stage, found version 0; export them again"),
    (lambda f: f.update(format="astsvm-landmarks-9"), "what astsvm data export-landmarks writes; format"),
    (lambda f: f["clips"].pop("small/01/c2"), "every clip of small; small/01/c2 is missing"),
    (lambda f: f["clips"]["small/01/c1"].update(content="x"), "/c1: the landmarks were detected in other frames"),
    (lambda f: f["clips"]["small/01/c1"]["landmarks"][0].pop(), r"68 landmarks in 1 frames, found \[67\] in 1"),
    (lambda f: f["clips"]["small/01/c1"].update(landmarks=[]), r"68 landmarks in 1 frames, found \[\] in 0"),
])  # fmt: skip
def test_a_file_that_does_not_fit_is_refused_as_a_whole(change, words, few, exported, tmp_path):
    content = json.loads(exported.read_text())
    change(content)
    exported.write_text(json.dumps(content))
    other = Cache(tmp_path / "other")
    with pytest.raises(CompanionError, match=words):
        import_landmarks(few, Recipe(), exported, other)
    assert not list((tmp_path / "other").rglob("*.npz"))


def test_what_is_no_landmark_file_is_refused(few, tmp_path, cache):
    (tmp_path / "text.json").write_text("not JSON")
    with pytest.raises(CompanionError, match="expected what astsvm data export-landmarks writes"):
        import_landmarks(few, Recipe(), tmp_path / "text.json", cache)
    with pytest.raises(CompanionError, match="cannot be read"):
        import_landmarks(few, Recipe(), tmp_path / "none.json", cache)
