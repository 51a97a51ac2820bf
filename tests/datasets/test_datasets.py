import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml
from jsonschema import Draft202012Validator

from astsvm_lib.datasets import Dataset, available, load, load_manifest
from astsvm_lib.datasets.croissant import croissant
from astsvm_lib.datasets.manifest import manifest_folder, schema
from astsvm_lib.datasets.video import read_clip
from astsvm_lib.errors import CompanionError

PROJECT = Path(__file__).parents[2]


def test_every_manifest_can_be_read_and_is_named_after_its_id():
    assert "rehearsal-mini" in available()
    for name in available():
        manifest = load_manifest(name)
        assert manifest.id == name
        assert ("rehearsal data" in manifest.heading) == manifest.rehearsal


def test_every_manifest_obeys_the_one_json_schema():
    written = json.loads((manifest_folder() / "schema.json").read_text())
    assert written == schema(), "make it again: json.dumps(astsvm_lib.datasets.manifest.schema(), indent=2)"
    check = Draft202012Validator(written)
    check.check_schema(written)
    for name in available():
        assert [
            e.message for e in check.iter_errors(yaml.safe_load((manifest_folder() / f"{name}.yaml").read_text()))
        ] == []
    gated = yaml.safe_load((manifest_folder() / "samm.yaml").read_text())
    for change in ({"terms": ...}, {"root": "HOME"}, {"fixes": [{"row": 3}]}, {"sha256": "0"}, {"access": "free"}):
        wrong = {key: value for key, value in (gated | change).items() if value is not ...}
        assert not check.is_valid(wrong), change


def test_manifests_say_what_a_reader_needs_and_hold_no_checksum():
    bibliography = (PROJECT / "book" / "references.bib").read_text()
    for name in available():
        manifest = load_manifest(name)
        assert set(filter(None, manifest.labels.values())) <= set(manifest.classes)
        assert not re.search(r"sha\d|md5|checksum", (manifest_folder() / f"{name}.yaml").read_text(), re.I)
        assert bool(manifest.parts) == (manifest.loader == "astsvm_lib.datasets.composite:unite")
        for part in map(load_manifest, manifest.parts):
            assert set(part.classes) == set(manifest.classes)
        if manifest.parts:
            parts = [load_manifest(part) for part in manifest.parts]
            assert manifest.subjects == sum(part.subjects for part in parts)
            assert manifest.classes == {c: sum(p.classes[c] for p in parts) for c in manifest.classes}
            assert manifest.lengths == (min(p.lengths[0] for p in parts), max(p.lengths[1] for p in parts))
        if manifest.access == "gated":
            assert not manifest.show.frames
            assert f"{{{manifest.citation}," in bibliography
            assert str(manifest.doi) in bibliography
            assert len(str(manifest.terms).strip().splitlines()) <= 2


def test_croissant_names_what_it_refers_to():
    for name in available():
        manifest = load_manifest(name)
        document = croissant(manifest)
        assert document["name"] == name
        known = {item["@id"] for item in document["distribution"]}
        for item in document["distribution"]:
            assert item.get("containedIn", {"@id": "download"})["@id"] in known
            assert not {"md5", "sha256"} & set(item)
        for records in document["recordSet"]:
            fields = {field["@id"] for field in records["field"]}
            keys = records["key"] if isinstance(records["key"], list) else [records["key"]]
            assert {key["@id"] for key in keys} <= fields
            sources = {f["source"]["fileObject"]["@id"] for f in records["field"] if "source" in f}
            assert sources <= known
            assert all(set(row) == fields for row in records.get("data", []))
        (classes,) = (records for records in document["recordSet"] if records["name"] == "classes")
        assert {row["classes/name"]: row["classes/clips"] for row in classes["data"]} == manifest.classes


def test_unknown_data_and_a_needless_root_are_refused():
    with pytest.raises(CompanionError, match="unknown data set 'casme3'; expected one of .*rehearsal-mini"):
        load("casme3")
    with pytest.raises(CompanionError, match="takes no root folder"):
        load("rehearsal-mini", Path("somewhere"))


def test_clips_are_known_by_their_keys(small_dataset: Dataset):
    clip = small_dataset["small/02/c4"]
    assert (clip.subject, clip.group, clip.label, clip.length) == ("02", "small/02", "positive", 14)
    with pytest.raises(CompanionError, match="no clip 'small/2/c4'"):
        small_dataset["small/2/c4"]
    with pytest.raises(CompanionError, match="found twice: small/01/c0"):
        Dataset(small_dataset.manifest, (small_dataset.clips[0], small_dataset.clips[0]))


def test_deviations_are_found(small_dataset: Dataset):
    assert small_dataset.deviations() == []
    longest = replace(small_dataset.clips[1], offset=120)
    strange = (replace(small_dataset.clips[0], apex=99), longest, *small_dataset.clips[2:5])
    fewer = Dataset(small_dataset.manifest, strange, errors=("something else",))
    found = "\n".join(fewer.deviations())
    assert "expected 3 subjects, found 2" in found
    assert "expected 8 clips, found 5" in found
    assert "something else" in found
    assert "small/01/c1: expected 2 to 99 frames from onset to offset, found 121" in found
    assert "small/01/c0: expected onset <= apex <= offset, found 0, 99, 13" in found


def test_the_fingerprint_follows_content_and_labels(small_dataset: Dataset):
    plain = small_dataset.fingerprint
    for change in ({"label": "positive"}, {"hash_frames": lambda: "other"}, {"apex": None}, {"fps": 25.0}):
        clips = (replace(small_dataset.clips[0], **change), *small_dataset.clips[1:])
        assert Dataset(small_dataset.manifest, clips).fingerprint != plain


@pytest.fixture
def frames() -> np.ndarray:
    rng = np.random.default_rng(0)
    base = cv2.GaussianBlur(rng.integers(0, 255, (48, 64, 3), np.uint8), (0, 0), 3)
    return np.stack([np.clip(base.astype(int) + 8 * i, 0, 255) for i in range(12)]).astype(np.uint8)


def folder_of(frames: np.ndarray, folder: Path, ending: str = "png") -> Path:
    folder.mkdir(exist_ok=True)
    for i, frame in enumerate(frames):
        cv2.imwrite(str(folder / f"img{i + 1}.{ending}"), frame[..., ::-1])  # img9 before img10
    return folder


def test_a_folder_of_frames_is_read_in_the_order_of_its_numbers(frames, tmp_path):
    folder = folder_of(frames, tmp_path / "clip")
    (folder / "Thumbs.db").write_bytes(b"stray")
    clip = read_clip(folder, 2, 10, 200)
    assert (clip.length, clip.fps, clip.offset) == (9, 200, 8)
    assert np.array_equal(clip.load_frames(), frames[2:11])


def test_a_video_is_read_and_a_truncated_one_refused(frames, tmp_path):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 50, (64, 48))
    for frame in frames:
        writer.write(frame[..., ::-1].copy())
    writer.release()
    clip = read_clip(path)
    assert clip.fps == 50
    assert np.abs(clip.load_frames().astype(int) - frames).mean() < 12  # JPEG
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(CompanionError, match=r"truncated or damaged|not a video"):
        read_clip(path)


def test_recordings_that_cannot_be_used_say_why(frames, tmp_path):
    folder = folder_of(frames, tmp_path / "clip")
    with pytest.raises(CompanionError, match="no such file or folder"):
        read_clip(tmp_path / "none.mp4")
    with pytest.raises(CompanionError, match="give --fps"):
        read_clip(folder)
    with pytest.raises(CompanionError, match="0 <= onset <= offset <= 11, found onset 3 and offset 12"):
        read_clip(folder, 3, 12, 100)
    with pytest.raises(CompanionError, match="at least 2 frames from onset to offset, found 1"):
        read_clip(folder, 3, 3, 100)
    cv2.imwrite(str(folder / "img5.png"), frames[0][:-3])
    with pytest.raises(CompanionError, match="frames of the same size and type, found 64x45, 64x48"):
        read_clip(folder, fps=100)
    (folder / "img5.png").write_bytes(b"half a picture")
    with pytest.raises(CompanionError, match=r"img5.png: not a readable image"):
        read_clip(folder, fps=100)
    (tmp_path / "text.mp4").write_text("no video")
    with pytest.raises(CompanionError, match="not a video"):
        read_clip(tmp_path / "text.mp4")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CompanionError, match="expected a folder of images"):
        read_clip(tmp_path / "empty", fps=100)


def test_an_example_has_the_units_asked_for_where_there_is_one(small_dataset):
    clips = list(small_dataset.clips)
    clips[4] = replace(clips[4], action_units="6+12")
    data = replace(small_dataset, clips=tuple(clips))
    assert data.example("positive", "12") == clips[4]
    assert data.example("positive", "1") == data.example("positive") == clips[1]
    with pytest.raises(CompanionError, match="no clip of class 'surprise'; expected one of negative, positive"):
        data.example("surprise")


def test_a_clip_without_an_apex_has_a_middle(small_dataset):
    clip = small_dataset.clips[0]
    assert clip.middle == clip.apex == 7
    assert replace(clip, apex=None).middle == 6
