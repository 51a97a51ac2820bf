"""The loader of published flow maps, on made-up maps in the layout of their repository."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from astsvm_lib.datasets import Dataset, inspect, load
from astsvm_lib.datasets.motion_maps import COLUMNS, FOLDER, SHEET, check_order
from astsvm_lib.errors import CompanionError
from astsvm_lib.features.onset_apex import clip_maps
from astsvm_lib.recipe import Recipe

CLIPS = [
    *(("casme2", f"sub{i // 4 + 1:02d}", f"EP02_{i:02d}f", i % 3) for i in range(20)),
    *(("smic", f"s{i // 4 + 1:02d}", f"s{i // 4 + 1:02d}_ne_{i:02d}", i % 3) for i in range(20)),
    ("samm", "006", "006_1_2", 0),
]


def maps_of(number: int) -> np.ndarray:
    """Smooth u and v, and their optical strain, each stretched to 0..255; (28, 28, 3) in RGB order."""
    rng = np.random.default_rng(number)
    u, v = (cv2.GaussianBlur(rng.standard_normal((28, 28)), (0, 0), 3) for _ in range(2))
    uy, ux = np.gradient(u)
    vy, vx = np.gradient(v)
    maps = np.dstack([u, v, np.sqrt(ux**2 + vy**2 + 0.5 * (uy + vx) ** 2)])
    low, high = maps.min((0, 1)), maps.max((0, 1))
    return np.rint(255 * (maps - low) / (high - low)).astype(np.uint8)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    root = tmp_path / "HTNet"
    (root / FOLDER).mkdir(parents=True)
    write_sheet(root, [dict(zip(COLUMNS, map(str, clip), strict=True)) for clip in CLIPS])
    for number, (_, subject, name, _) in enumerate(CLIPS):
        write_image(root, f"{subject}_{name}", maps_of(number))
    return root


def write_sheet(root: Path, rows: list[dict[str, str]]) -> None:
    with (root / SHEET).open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def write_image(root: Path, name: str, rgb: np.ndarray) -> None:
    cv2.imwrite(str(root / FOLDER / f"{name} .png"), rgb[..., ::-1] if rgb.ndim == 3 else rgb)


def own_errors(data: Dataset) -> list[str]:
    """Deviations, except for the counts of the real data set."""
    return [line for line in data.deviations() if not line.startswith("megc2019-flow: expected ")]


def test_maps_have_the_keys_labels_and_channels_of_the_repository(clone):
    for root in (clone, clone.parent):  # also the folder in which it was cloned
        data = inspect("megc2019-flow", root)
        assert own_errors(data) == []
        assert [data.clips[i].key for i in (0, 20, 40)] == [
            "casme2/sub01/EP02_00f",
            "smic-hs/s01/s01_ne_00",
            "samm/006/006_1_2",
        ]
        assert [clip.label for clip in data.clips[:3]] == ["negative", "positive", "surprise"]
    maps = clip_maps(data.clips[5], Recipe())
    np.testing.assert_allclose(maps, maps_of(5) / 255, atol=1e-6)
    assert np.isnan(data.table().milliseconds).all()
    again = inspect("megc2019-flow", clone)
    assert again.fingerprint == data.fingerprint
    write_image(clone, "006_006_1_2", maps_of(999))
    assert inspect("megc2019-flow", clone).fingerprint != data.fingerprint


def test_an_incomplete_clone_is_not_evaluated(clone):
    with pytest.raises(CompanionError, match="expected 442 clips, found 41"):
        load("megc2019-flow", clone)


def test_frames_are_refused_by_name(clone):
    clip = inspect("megc2019-flow", clone).clips[0]
    with pytest.raises(CompanionError, match="casme2/sub01/EP02_00f: .* maps only, no frames; .* maps-svm"):
        clip.load_frames([0])


@pytest.mark.parametrize("order", [(1, 0, 2), (2, 1, 0), (0, 2, 1), (1, 2, 0)])
def test_a_wrong_order_of_the_channels_is_refused(clone, order):
    for number, (_, subject, name, _) in enumerate(CLIPS):
        write_image(clone, f"{subject}_{name}", maps_of(number)[..., order])
    (error,) = own_errors_with_order(inspect("megc2019-flow", clone))
    names = ("u", "v", "strain")
    assert f"found {', '.join(names[channel] for channel in order)}, whose strain agrees better" in error


def own_errors_with_order(data: Dataset) -> list[str]:
    return [line for line in data.deviations() if "channels" in line]


def test_the_order_cannot_be_checked_on_a_few_clips():
    with pytest.raises(CompanionError, match="expected at least 30 clips with motion .* found 12"):
        check_order(np.stack([maps_of(i) for i in range(12)]), "few")


def test_errors_name_what_was_expected_and_found(clone, tmp_path):
    rows = [dict(zip(COLUMNS, map(str, clip), strict=True)) for clip in CLIPS]
    (clone / FOLDER / "sub01_EP02_00f .png").unlink()
    write_image(clone, "sub01_EP02_01f", np.zeros((32, 28, 3), np.uint8))
    write_image(clone, "sub01_EP02_02f", np.zeros((28, 28), np.uint8))
    write_image(clone, "sub99_EP01_01", maps_of(0))
    (clone / FOLDER / "sub01_EP02_03f .png").write_bytes(b"no image")
    rows[5] |= {"label": "7"}
    rows[6] |= {"dataset": "casme3"}
    write_sheet(clone, [*rows, rows[10]])
    found = "\n".join(own_errors(inspect("megc2019-flow", clone)))
    for line in (
        "casme2/sub01/EP02_00f: expected the image 'sub01_EP02_00f .png', found none; clone the repository again",
        "casme2/sub01/EP02_01f: expected an image of 28 x 28 pixels in colour, found 32 x 28 x 3",
        "casme2/sub01/EP02_02f: expected an image of 28 x 28 pixels in colour, found 28 x 28",
        "casme2/sub01/EP02_03f, sub01_EP02_03f .png: not a readable image",
        "casme2/sub02/EP02_05f: expected a label of 0, 1, 2, found '7'",
        "casme3/sub02/EP02_06f: expected one of the databases casme2, smic, samm, found 'casme3'",
        f"casme2/sub03/EP02_10f: expected one row in {SHEET}, found 2",
        f"sub99_EP01_01 .png: image without a row in {SHEET}",
    ):
        assert line in found
    write_sheet(clone, [{"clip": "1"}])
    with pytest.raises(CompanionError, match="expected the columns dataset, sub, filename_o, label in .* found clip"):
        inspect("megc2019-flow", clone)
    (clone / SHEET).unlink()
    with pytest.raises(CompanionError, match=r"expected a clone of https://github.com/.* found none in"):
        inspect("megc2019-flow", clone)
    (tmp_path / "other" / "x").mkdir(parents=True)
    (tmp_path / "other" / SHEET).write_text("dataset\n")
    with pytest.raises(CompanionError, match="expected the folder datasets/STSNet_whole_norm_u_v_os in the clone"):
        inspect("megc2019-flow", tmp_path / "other")
