"""Statements of the chapters on data, checked against manifests, specifications and stored files."""

import json

import numpy as np

from astsvm_lib.datasets import load_manifest
from astsvm_lib.rehearsal import entries
from astsvm_lib.rehearsal.head import unit_cosine
from astsvm_lib.results import results_folder


def test_the_numbers_of_coded_clips():
    assert [load_manifest(name).annotation.rows for name in ("casme2", "samm", "smic-hs")] == [255, 159, 164]


def test_the_median_peak_of_the_corpus_is_below_a_pixel():
    parts = load_manifest("rehearsal-megc").parts
    peaks = [entry.spec.peak_px for part in parts for entry in entries(part)]
    assert len(peaks) == 442
    assert 0.6 < np.median(peaks) < 0.75
    assert min(peaks) >= 0.3
    assert max(peaks) <= 3


def test_three_of_four_settings_of_the_difficulty_are_inside_the_target():
    found = json.loads((results_folder() / "calibration" / "rehearsal-v1.json").read_text(encoding="utf-8"))
    low, high = found["band"]
    uf1 = [t["uf1"]["rehearsal-megc"] for t in found["tries"]]
    assert [low <= value <= high for value in uf1] == [False, True, True, True]
    assert min(uf1, key=lambda value: abs(value - found["real"])) == uf1[-1]


def test_dimpler_and_lip_pressor_are_not_a_smile():
    assert unit_cosine("14", "12") < 0.3
    assert unit_cosine("24", "12") < 0.3


def test_warping_by_the_true_flow_gives_the_onset_again():
    file = results_folder() / "measurements" / "corpus-residual.json"
    plain, warped = np.array(json.loads(file.read_text(encoding="utf-8"))["value"]).T
    assert warped.mean() < 0.6 * plain.mean()
    assert np.mean(warped < 0.5) > 0.9
