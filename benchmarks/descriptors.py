"""Descriptors: the compiled form against the plain loops, on one core.

python benchmarks/descriptors.py
"""

from __future__ import annotations

import numpy as np
from common import compare, reference_descriptors

from astsvm_lib import datasets
from astsvm_lib.descriptors import BiWoof, LbpTop, StlbpIp, bi_woof, lbp_top, stlbp_ip
from astsvm_lib.features import lucas_kanade
from astsvm_lib.features.strain import optical_strain
from astsvm_lib.preprocessing import prepare
from astsvm_lib.recipe import Recipe


def main() -> None:
    plain = reference_descriptors()
    frames = prepare(datasets.load("rehearsal-mini").clips[0], Recipe()).frames
    clip = np.clip(np.round(frames), 0, 255).astype(np.uint8)
    print(f"LBP-TOP of {'x'.join(map(str, clip.shape))}, 8x8 blocks; at most 150 ms are allowed")
    options = LbpTop()
    compare({"compiled": lambda: lbp_top(clip, options)}, 1, "clip")
    print("LBP-TOP of 10x48x48, 8x8 blocks (the plain loops take minutes on the whole)")
    small = np.ascontiguousarray(clip[:, 72:120, 72:120])
    assert np.array_equal(lbp_top(small, options), plain.plain_lbp_top(small, options))
    runs = {"plain loops": lambda: plain.plain_lbp_top(small, options), "compiled": lambda: lbp_top(small, options)}
    compare(runs, 1, "clip", rounds=3)
    print("STLBP-IP of the whole clip, 5x5 blocks")
    lines = StlbpIp()
    assert np.array_equal(stlbp_ip(clip, lines), plain.plain_stlbp_ip(clip, lines))
    compare(
        {"plain loops": lambda: plain.plain_stlbp_ip(clip, lines), "vectorised": lambda: stlbp_ip(clip, lines)},
        1, "clip", rounds=3,
    )  # fmt: skip
    print("Bi-WOOF of a flow of 192x192, 5x5 blocks")
    flow = lucas_kanade(frames[0], frames[5])
    strain, weights = optical_strain(flow.astype(np.float64)), BiWoof()
    assert np.allclose(bi_woof(flow, weights), plain.plain_bi_woof(flow.astype(np.float64), strain, weights))
    compare(
        {
            "plain loops": lambda: plain.plain_bi_woof(flow, strain, weights),
            "vectorised": lambda: bi_woof(flow, weights),
        },
        1, "flow", rounds=3,
    )  # fmt: skip


if __name__ == "__main__":
    main()
