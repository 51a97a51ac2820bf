"""Statements of the chapter "Motion laboratory", checked against the stored measurements."""

import json

import numpy as np

from astsvm_lib.results import results_folder


def stored(name: str) -> tuple[dict, np.ndarray]:
    found = json.loads((results_folder() / "measurements" / f"{name}.json").read_text(encoding="utf-8"))
    return found["key"]["inputs"], np.array(found["value"])


def test_flow_is_better_than_a_flow_of_zero_down_to_a_tenth_of_a_pixel():
    inputs, (noisy, calm) = stored("motion-peak")
    error = dict(zip(inputs["peaks"], zip(noisy[:, 0], calm[:, 0], strict=True), strict=True))
    assert all(with_noise < 1 for with_noise, _ in error.values())
    assert error[0.3][0] < 0.5
    assert 1.7 < error[0.1][0] / error[0.1][1] < 2.1  # sensor noise nearly doubles the error
    assert all(a - b < 0.05 for peak, (a, b) in error.items() if peak >= 0.5)  # and hardly matters here


def test_magnification_improves_the_direction_only_where_noise_dominates():
    inputs, sums = stored("motion-alpha-clips")
    assert inputs["peaks"] == [0.1, 2.0]
    total = sums.sum(2)
    (off, on), (large_off, large_on) = total[..., 0] / np.sqrt(total[..., 1] * total[..., 2])
    assert on > off + 0.05
    assert large_on < large_off - 0.02
    inputs, found = stored("motion-alpha")
    four = inputs["alphas"].index(4)
    assert abs(found[0, four, 1] - found[0, 0, 1]) < 0.01  # at 0.3 px
    assert np.all(found[:, four, 2] > 2 * found[:, 0, 2])


def test_faces_wider_than_the_crop_add_little():
    _, found = stored_size()
    assert found["quality"][0][0] - found["quality"][3][0] > 0.1
    assert found["quality"][3][0] - found["quality"][-1][0] < 0.05
    assert 180 < found["widths"][3] < 200


def stored_size() -> tuple[dict, dict]:
    found = json.loads((results_folder() / "measurements" / "motion-size.json").read_text(encoding="utf-8"))
    return found["key"], found["value"]
