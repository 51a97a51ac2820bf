"""The loaders of the real databases, on made-up ones in each real layout, with every known quirk and error.

One file of more than 400 lines, because all tests change copies of the same mock databases.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from openpyxl import load_workbook

from astsvm_lib.datasets import Dataset, inspect, load, load_manifest
from astsvm_lib.datasets.recordings import find_span, number_files
from astsvm_lib.errors import CompanionError
from astsvm_lib.rehearsal.layout import COUNTERPARTS, Naming, rows_of, sheet_of, write_layout

SHEETS = {"casme2": "CASME2-coding-20140508.xlsx", "samm": "SAMM_Micro_FACS_Codes_v2.xlsx"}


def tiny_film(subject: str) -> list[bytes]:
    """Four images of 16 x 12 pixels that differ from subject to subject."""
    rng = np.random.default_rng(int("".join(c for c in subject if c.isdigit())))
    images = [rng.integers(0, 255, (12, 16, 3), np.uint8) for _ in range(4)]
    return [cv2.imencode(".jpg", image)[1].tobytes() for image in images]


@pytest.fixture(scope="session")
def good(tmp_path_factory) -> dict[str, Path]:
    """The three databases, whole, side by side below one folder."""
    root = tmp_path_factory.mktemp("databases")
    return {name: write_layout(name, root / name, film=tiny_film) for name in COUNTERPARTS}


@pytest.fixture
def copy(good: dict[str, Path], tmp_path: Path) -> Callable[[str], Path]:
    """A database of one's own to damage: files are links, so that what is written must be a new file."""

    def make(name: str) -> Path:
        shutil.copytree(good[name], tmp_path / name, copy_function=os.link)
        return tmp_path / name

    return make


def edit_sheet(path: Path, change: Callable) -> None:
    """Let ``change`` work on the active sheet of a workbook, and put the result in the place of the old file."""
    book = load_workbook(path)
    change(book.active)
    path.unlink()
    book.save(path)


def clips_of(root: Path, pattern: str) -> list[Path]:
    return sorted(path for path in root.glob(pattern) if path.is_dir())


def one_line(data: Dataset, *words: str) -> str:
    """The one deviation that has all these words."""
    found = [line for line in data.deviations() if all(word in line for word in words)]
    assert len(found) == 1, data.deviations()
    return found[0]


# --- whole databases


@pytest.mark.parametrize(("name", "clips", "subjects", "classes"), [
    ("casme2", 145, 24, [88, 32, 25]),
    ("smic-hs", 164, 16, [70, 51, 43]),
    ("samm", 133, 28, [92, 26, 15]),
])  # fmt: skip
def test_a_whole_database_gives_exactly_the_papers_clips(good, name, clips, subjects, classes):
    data = inspect(name, good[name], read_frames=True)
    assert data.deviations() == []
    assert (len(data), len(data.groups)) == (clips, subjects)
    assert [sum(clip.label == label for clip in data) for label in data.classes] == classes
    clip = data.clips[0]
    assert clip.load_frames().shape == (clip.length, 12, 16, 3)
    assert clip.load_frames([0, clip.middle]).shape[0] == 2
    assert data.manifest.rehearsal
    assert data.manifest.heading.endswith("layout (rehearsal data)")


def test_the_union_has_442_clips_from_one_folder_or_from_three_variables(good, monkeypatch):
    root = good["samm"].parent
    union = load("megc2019", root)
    assert (len(union), len(union.groups)) == (442, 68)
    assert [sum(clip.label == label for clip in union) for label in union.classes] == [250, 109, 83]
    assert len({clip.key for clip in union}) == 442 > len({clip.name for clip in union})
    assert {clip.dataset for clip in union} == set(COUNTERPARTS)
    for name, path in good.items():
        monkeypatch.setenv(str(load_manifest(name).root), str(path))
    assert load("megc2019").fingerprint == union.fingerprint
    for name in good:
        monkeypatch.delenv(str(load_manifest(name).root))
    monkeypatch.setenv("ASTSVM_DATA_ROOT", str(root))
    assert load("megc2019").fingerprint == union.fingerprint
    assert "rehearsal data" in union.manifest.heading


def test_the_sheets_have_the_real_counts():
    rows = rows_of("casme2")
    counts = {emotion: sum(row.emotion == emotion for row in rows) for emotion in load_manifest("casme2").labels}
    assert len(rows) == 255
    assert counts == {
        "others": 99,
        "disgust": 63,
        "happiness": 32,
        "repression": 27,
        "surprise": 25,
        "sadness": 7,
        "fear": 2,
    }
    assert len(rows_of("samm")) == 159
    assert sheet_of("samm", rows_of("samm")).iloc[13, 0] == "Subject"  # the header is on row 14


def test_known_faults_of_casme2_are_mended_by_clip(good):
    data = inspect("casme2", good["casme2"])
    left_out = {("sub04", "EP12_01f"), ("sub05", "EP09_05f")}
    assert left_out <= {(clip.subject, clip.name) for clip in data.unscored}
    assert not left_out & {(clip.subject, clip.name) for clip in data}
    for subject, name in (("sub05", "EP16_04f"), ("sub12", "EP09_06"), ("sub20", "EP16_01"), ("sub25", "EP18_04f")):
        clip = data[f"casme2/{subject}/{name}"]
        assert clip.apex is None
        assert clip.middle == clip.offset // 2
    assert sum(clip.apex is None for clip in data) == 4


def test_every_form_of_casme2s_clip_names_is_found(good, copy):
    unusual = {("sub07", "EP06_02_01"), ("sub07", "EP06_02_02"), ("sub09", "EP09f")}
    data = inspect("casme2", good["casme2"])
    assert unusual <= {(clip.subject, clip.name) for clip in data}
    assert not [line for line in data.deviations() + list(data.notes) if "EP06_02" in line or "EP09f" in line]
    root = copy("casme2")
    clip = next(root.glob("**/sub07/EP06_02_01"))
    clip.rename(clip.with_name("EP06_02_03"))
    one_line(inspect("casme2", root), "casme2/sub07/EP06_02_01", "expected a folder for row")


def test_the_sheet_decides_what_a_clip_is_called(tmp_path):
    row = rows_of("casme2")[0]
    odd = replace(row, clip="take 3 (final)", folder=f"{row.subject}/take 3 (final)")
    root = write_layout("casme2", tmp_path / "root", rows=[odd, *rows_of("casme2")[1:]], film=tiny_film)
    assert inspect("casme2", root)[f"casme2/{row.subject}/take 3 (final)"].length == row.length


def test_smic_has_no_apex_and_says_so(good):
    data = inspect("smic-hs", good["smic-hs"])
    assert all(clip.apex is None for clip in data)
    assert any("no apex is annotated; the middle of each clip is used" in note for note in data.notes)


def test_the_fingerprint_is_that_of_the_frames_and_of_no_path(good, copy):
    second_root = copy("samm")
    first, second = inspect("samm", good["samm"]), inspect("samm", second_root)
    assert first.fingerprint == second.fingerprint
    clip = second.clips[0]
    first_frame = sorted((second_root / clip.subject / clip.name).iterdir())[0]
    image = first_frame.read_bytes()
    first_frame.unlink()
    first_frame.write_bytes(image[:-1] + b"x")
    assert inspect("samm", second_root).fingerprint != first.fingerprint


# --- quirks of distributions


QUIRKS = {
    "cropped frames": ("casme2", Naming(frame="reg_img{number}.jpg", below="Cropped")),
    "padded numbers": ("casme2", Naming(frame="img{number:05d}.jpg")),
    "upper case endings": ("casme2", Naming(frame="IMG{number}.JPG")),
    "numbered from 0": ("casme2", Naming(first=0)),
    "numbered from 1": ("samm", Naming(first=1)),
    "bmp": ("smic-hs", Naming(frame="image{number}.bmp")),
    "png": ("samm", Naming(frame="{subject}_{number}.png")),
    "one folder deeper": ("samm", Naming(below="SAMM/SAMM")),
    "three folders deeper": ("smic-hs", Naming(below="SMIC/SMIC_all_raw/HS")),
    "folders without the final letter": ("casme2", Naming(folder=lambda row: row.folder.rstrip("f"))),
    "clips without a zero": ("smic-hs", Naming(folder=lambda row: row.folder.replace("s0", "s"))),
    "a newer sheet": ("casme2", Naming(sheet="CASME2-coding-20190701.xlsx")),
    "a dated sheet": ("samm", Naming(sheet="SAMM_20181215_Micro_FACS_Codes_v2.xlsx")),
    "no sheet, SMIC": ("smic-hs", Naming(sheet="")),
}


@pytest.mark.parametrize("quirk", QUIRKS)
def test_what_differs_between_distributions_changes_nothing(quirk, tmp_path):
    name, naming = QUIRKS[quirk]
    data = inspect(name, write_layout(name, tmp_path / "root", film=tiny_film, naming=naming), read_frames=True)
    assert data.deviations() == []
    assert {clip.key for clip in data} == scored_keys(name)


def scored_keys(name: str) -> set[str]:
    """Keys of the scored clips, from the rows that the layout is written from."""
    manifest = load_manifest(name)
    rows = [row for row in rows_of(name) if manifest.labels[row.emotion] is not None]
    kept = [row for row in rows if (fix := manifest.fix(row.subject, row.clip)) is None or fix.action != "leave out"]
    return {f"{name}/{row.subject}/{row.clip}" for row in kept}


def test_renumbered_frames_are_taken_in_order_with_a_note(tmp_path):
    root = write_layout("casme2", tmp_path / "root", film=tiny_film, naming=Naming(first=0))
    data = inspect("casme2", root)
    assert any("other frame numbers than the sheet, but the same number of frames" in note for note in data.notes)
    clip = data.clips[0]
    folder = next(root.rglob(f"{clip.subject}/{clip.name}"))
    ninth = cv2.imread(str(folder / "img9.jpg"))[..., ::-1]  # img9 lies before img10
    assert np.array_equal(clip.load_frames([9])[0], ninth)


def test_a_clip_never_takes_the_folder_of_another(copy):
    root = copy("casme2")
    first, second = clips_of(root, "*/sub01/EP*")[:2]

    def rename(sheet):
        for row in sheet.iter_rows(min_row=2):
            if (row[0].value, row[1].value) == ("01", second.name):
                row[1].value = first.name.rstrip("f")

    edit_sheet(root / SHEETS["casme2"], rename)
    data = inspect("casme2", root)
    one_line(data, f"casme2/sub01/{first.name.rstrip('f')}: expected a folder for row", "found none")
    assert f"casme2/sub01/{first.name}" in {clip.key for clip in data}


def test_emotions_are_read_with_and_without_their_s_and_case(copy):
    root = copy("casme2")

    def respell(sheet):
        for row in sheet.iter_rows(min_row=2):
            row[8].value = "Other" if row[8].value == "others" else row[8].value.upper()

    edit_sheet(root / SHEETS["casme2"], respell)
    assert inspect("casme2", root).deviations() == []


def test_stray_files_are_left_alone(copy):
    root = copy("casme2")
    for folder in (root, root / "CASME2_RAW_selected", *clips_of(root, "*/sub01/EP*")[:2]):
        for stray in ("Thumbs.db", ".DS_Store", "._img46.jpg", "desktop.ini"):
            (folder / stray).write_bytes(b"stray")
    (root / "__MACOSX").mkdir()
    (root / "readme.txt").write_text("read me")
    (root / "CASME2_RAW_selected" / "~$CASME2-coding-20140508.xlsx").write_bytes(b"lock")
    assert inspect("casme2", root, read_frames=True).deviations() == []


def test_a_row_that_stands_twice_is_a_note_if_equal_and_a_fault_if_not(copy):
    root = copy("casme2")

    def repeat(sheet):
        sheet.append([cell.value for cell in sheet[2]])

    edit_sheet(root / SHEETS["casme2"], repeat)
    data = inspect("casme2", root)
    assert data.deviations() == []
    assert any("identical duplicate in the sheet (rows 2 and 257)" in note for note in data.notes)
    assert any("the sheet has 256 rows instead of 255" in note for note in data.notes)

    def differ(sheet):
        sheet.cell(257, 5).value = sheet.cell(257, 5).value + 1

    edit_sheet(root / SHEETS["casme2"], differ)
    one_line(inspect("casme2", root), "expected one row in the sheet, found rows 2 and 257 with different values")


def test_raw_frames_are_preferred_to_cropped_ones_and_hs_to_other_cameras(good, tmp_path):
    shutil.copytree(good["casme2"] / "CASME2_RAW_selected", tmp_path / "c" / "CASME2_RAW", copy_function=os.link)
    shutil.copytree(good["casme2"] / "CASME2_RAW_selected", tmp_path / "c" / "Cropped", copy_function=os.link)
    os.link(good["casme2"] / SHEETS["casme2"], tmp_path / "c" / SHEETS["casme2"])
    data = inspect("casme2", tmp_path / "c")
    assert data.deviations() == []
    assert "casme2: frames are taken from CASME2_RAW, not from Cropped" in data.notes
    for camera in ("HS", "VIS", "NIR"):
        shutil.copytree(good["smic-hs"] / "HS", tmp_path / "s" / "SMIC_all_raw" / camera, copy_function=os.link)
    assert inspect("smic-hs", tmp_path / "s").deviations() == []


def test_several_expressions_in_a_row_of_smic_and_rows_that_lack(copy):
    root = copy("smic-hs")

    def change(sheet):
        first, last = sheet.cell(2, 3).value, sheet.cell(2, 4).value
        sheet.cell(2, 3).value, sheet.cell(2, 4).value = first - 90, first - 70
        sheet.cell(2, 5).value, sheet.cell(2, 6).value = first, last
        sheet.cell(3, 4).value += 5
        sheet.delete_rows(10, 3)

    edit_sheet(root / "SMIC-HS-E_annotation.xlsx", change)
    data = inspect("smic-hs", root)
    assert data.deviations() == []
    assert sum("the folder is used" in note for note in data.notes) == 1
    assert any("the sheet has no row for 3 clips" in note for note in data.notes)


# --- faults, each with the clip's key and what to do


def test_missing_frames(copy):
    root = copy("casme2")
    folder = clips_of(root, "*/sub01/EP*")[0]
    for frame in sorted(folder.glob("*.jpg"))[3:5]:
        frame.unlink()
    line = one_line(inspect("casme2", root), f"casme2/sub01/{folder.name}: expected", "2 are missing")
    assert line.endswith("unpack the clip again")
    smic = copy("smic-hs")
    folder = clips_of(smic, "HS/s01/micro/*/s01*")[0]
    sorted(folder.iterdir())[4].unlink()
    one_line(inspect("smic-hs", smic), f"smic-hs/s01/{folder.name}", "without a gap", "1 are missing")


def test_a_missing_sheet(copy):
    root = copy("samm")
    (root / SHEETS["samm"]).unlink()
    data = inspect("samm", root)
    one_line(data, "annotation sheet: expected SAMM", "found none")
    assert len(data) == 0
    with pytest.raises(CompanionError, match="the data is not as declared"):
        load("samm", root)


@pytest.mark.parametrize("name", ["casme2", "samm"])
def test_a_wrong_sheet(copy, good, name):
    root = copy(name)
    other = "samm" if name == "casme2" else "casme2"
    (root / SHEETS[name]).unlink()
    shutil.copyfile(good[other] / SHEETS[other], root / SHEETS[name])
    one_line(inspect(name, root), f"{SHEETS[name]}: expected clips of this database in the sheet", "another database")

    def other_columns(sheet):
        for row in sheet.iter_rows(max_row=20):
            for cell in row:
                cell.value = f"x{cell.column}"

    edit_sheet(root / SHEETS[name], other_columns)
    one_line(inspect(name, root), "expected a header row with Subject, Filename", "found x1, x2")
    (root / SHEETS[name]).unlink()
    (root / SHEETS[name]).write_bytes(b"not a workbook")
    one_line(inspect(name, root), "found an unreadable file")
    (root / SHEETS[name]).rename(root / Path(SHEETS[name]).with_suffix(".xls").name)
    data = inspect(name, root)
    assert len(data) == 0
    assert any("save it as .xlsx" in line or "found none" in line for line in data.deviations())


def test_a_row_without_a_folder_and_a_folder_without_a_row(copy):
    root = copy("samm")
    folder = clips_of(root, "*/*_*_*")[0]
    shutil.rmtree(folder)
    one_line(inspect("samm", root), f"samm/{folder.parent.name}/{folder.name}: expected a folder for row")
    root = copy("casme2")
    gone = []

    def remove(sheet):
        gone.extend(sheet.cell(2, column).value for column in (1, 2))
        sheet.delete_rows(2)

    edit_sheet(root / SHEETS["casme2"], remove)
    one_line(inspect("casme2", root), f"sub{gone[0]}/{gone[1]}: folder without a row in the sheet")
    smic = copy("smic-hs")
    folder = clips_of(smic, "HS/s02/micro/*/s02*")[0]
    shutil.rmtree(folder)
    one_line(inspect("smic-hs", smic), f"smic-hs/s02/{folder.name}: expected a folder for row")


def test_a_row_of_an_unscored_clip_without_a_folder_is_only_a_note(copy):
    root = copy("samm")
    other = next(row for row in rows_of("samm") if row.emotion == "other")
    shutil.rmtree(root / other.folder)
    data = inspect("samm", root)
    assert data.deviations() == []
    assert any(other.clip in note and "found none" in note for note in data.notes)


def test_a_corrupt_and_an_empty_image(copy):
    root = copy("samm")
    first, second = clips_of(root, "006/006_*")[:2]
    last = sorted(first.iterdir())[-1]
    last.unlink()
    last.write_bytes(b"half a picture")
    one_line(inspect("samm", root, read_frames=True), f"samm/006/{first.name}, {last.name}: not a readable image")
    assert load("samm", root)  # without --root's full check the frame is found when it is read
    middle = sorted(second.iterdir())[5]
    middle.unlink()
    middle.write_bytes(b"")
    one_line(inspect("samm", root), f"samm/006/{second.name}: frame {middle.name} is empty; unpack it again")


def test_an_unreadable_folder(copy, monkeypatch):
    root = copy("casme2")
    closed = clips_of(root, "*/sub02/EP*")[0]
    listed = Path.iterdir

    def iterdir(path: Path):
        if path == closed:
            raise PermissionError(13, "Permission denied")
        return listed(path)

    monkeypatch.setattr(Path, "iterdir", iterdir)
    data = inspect("casme2", root)
    one_line(data, f"sub02/{closed.name}: folder cannot be read (Permission denied)")
    one_line(data, f"casme2/sub02/{closed.name}: expected", "no images")


@pytest.mark.parametrize("name", ["casme2", "samm"])
def test_a_subject_that_was_read_as_a_number(copy, name):
    root = copy(name)

    def to_numbers(sheet):
        for cell in sheet["A"]:
            if isinstance(cell.value, str) and cell.value.isdigit():
                cell.value = int(cell.value)

    edit_sheet(root / SHEETS[name], to_numbers)
    data = inspect(name, root)
    assert data.deviations() == []
    assert {clip.key for clip in data} == scored_keys(name)
    assert any("subjects are numbers in the sheet" in note for note in data.notes)


def test_two_roots(good, tmp_path):
    for part in ("a", "b"):
        shutil.copytree(good["samm"], tmp_path / "twice" / part, copy_function=os.link)
    one_line(inspect("samm", tmp_path / "twice"), "expected one folder with the subjects, found a and b")
    shutil.copytree(good["samm"], tmp_path / "mixed", copy_function=os.link)
    for subject in clips_of(good["casme2"], "*/sub*"):
        shutil.copytree(subject, tmp_path / "mixed" / subject.name, copy_function=os.link)
    one_line(inspect("samm", tmp_path / "mixed"), "expected only its own subjects in the root folder", "casme2")


def test_two_kinds_of_frame_in_one_folder(copy):
    root = copy("casme2")
    folder = clips_of(root, "*/sub03/EP*")[0]
    for frame in list(folder.iterdir()):
        os.link(frame, frame.with_name(f"reg_{frame.name}"))
    one_line(inspect("casme2", root), f"casme2/sub03/{folder.name}", "one kind", "'img...', 'reg_img...'")


def test_smic_classes_must_agree_in_path_and_name(copy):
    root = copy("smic-hs")
    folder = clips_of(root, "HS/*/micro/negative/*")[0]
    surprise = folder.parents[1] / "surprise"
    surprise.mkdir(exist_ok=True)
    folder.rename(surprise / folder.name)
    one_line(inspect("smic-hs", root), f"{folder.name}: expected the same class in path and name")


def test_frame_numbers_out_of_order_and_emotions_unheard_of(copy):
    root = copy("casme2")

    def damage(sheet):
        sheet.cell(2, 5).value = sheet.cell(2, 6).value + 9
        sheet.cell(3, 4).value = sheet.cell(3, 6).value + 1
        sheet.cell(4, 9).value = "boredom"

    edit_sheet(root / SHEETS["casme2"], damage)
    data = inspect("casme2", root)
    one_line(data, "expected onset <= apex <= offset", "in row 2")
    one_line(data, "expected onset < offset in row 3")
    one_line(data, "expected one of the emotions disgust", "found 'boredom' in row 4")


def test_nothing_there_says_how_to_ask_and_where_to_put_it(tmp_path, monkeypatch):
    for name in ("casme2", "smic-hs", "samm", "megc2019"):
        with pytest.raises(
            CompanionError, match=r"distributed under a licence. How to request it:[\s\S]*export ASTSVM_\w+_ROOT=FOLDER"
        ):
            inspect(name)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CompanionError, match="levels below; found none"):
        inspect("casme2", tmp_path / "empty")
    with pytest.raises(CompanionError, match="found none at --root"):
        inspect("casme2", tmp_path / "nowhere")
    monkeypatch.setenv("ASTSVM_SAMM_ROOT", str(tmp_path / "gone"))
    with pytest.raises(CompanionError, match="found none at ASTSVM_SAMM_ROOT"):
        load("samm")


def test_frames_are_found_by_number_not_by_order():
    files = [Path(f"img{n}.jpg") for n in (3, 1, 2, 10)]
    numbered = number_files(files, "clip")
    assert [path.name for path in find_span(numbered, 2, 3, "clip").files] == ["img2.jpg", "img3.jpg"]
    with pytest.raises(
        CompanionError, match=r"expected 10 frames, 1 to 10; the folder contains 1 to 10, 6 are missing \(4-9\)"
    ):
        find_span(numbered, 1, 10, "clip")
    with pytest.raises(CompanionError, match="one file per frame, found 'img2.jpg' and 'img02.jpg'"):
        number_files([*files, Path("img02.jpg")], "clip")
    with pytest.raises(CompanionError, match="a frame number in each file's name, found 'img.jpg'"):
        number_files([Path("img.jpg")], "clip")


def test_a_layout_is_written_into_an_empty_folder_only(good, tmp_path):
    with pytest.raises(CompanionError, match="expected an empty folder"):
        write_layout("samm", good["samm"], film=tiny_film)
    with pytest.raises(CompanionError, match="no rendered counterpart; expected one of casme2, smic-hs, samm"):
        write_layout("casme3", tmp_path / "x", film=tiny_film)
    few = [replace(row, folder=row.folder) for row in rows_of("samm")[:3]]
    assert len(list(write_layout("samm", tmp_path / "few", few, tiny_film).rglob("*.jpg"))) == sum(
        r.length for r in few
    )
