"""Fingerprints of arrays: few numbers, from which any change of the array shows, compared within a tolerance."""

from __future__ import annotations

import numpy as np

SAMPLES, PROJECTIONS = 16, 4
Fingerprint = dict[str, object]


def fingerprint(array: np.ndarray) -> Fingerprint:
    """Shape, evenly spaced values, and projections on random signs, which every value enters."""
    flat = np.nan_to_num(np.asarray(array, np.float64).ravel(), neginf=-99.0)
    places = np.linspace(0, len(flat) - 1, min(SAMPLES, len(flat))).round().astype(int)
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (PROJECTIONS, len(flat)))
    return {
        "shape": list(np.shape(array)),
        "scale": float(f"{np.abs(flat).max():.6g}"),
        "values": [float(f"{v:.6g}") for v in flat[places]],
        "projections": [float(f"{v:.6g}") for v in signs @ flat / np.sqrt(len(flat))],
    }


def differences(now: dict[str, Fingerprint], then: dict[str, Fingerprint], tolerance: float) -> list[str]:
    """Names of the arrays in which a sampled value differs by more than ``tolerance`` times the largest value.

    A projection may differ by four times as much: it sums the rounding errors of all values, divided by the root of
    their number.
    """
    found = sorted(set(now) ^ set(then))
    for name in sorted(set(now) & set(then)):
        a, b = now[name], then[name]
        if a["shape"] != b["shape"]:
            found.append(name)
            continue
        limit = tolerance * max(float(b["scale"]), 1e-12)
        for part, allowed in (("values", limit), ("projections", 4 * limit)):
            if any(abs(x - y) > allowed for x, y in zip(a[part], b[part], strict=True)):
                found.append(name)
                break
    return found
