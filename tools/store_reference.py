"""Store what rehearsal v1 looks like, for the test that it does not change.

    python tools/store_reference.py

writes ``tests/rehearsal/reference.json``: means over patches of 15 x 15 pixels of the onset and the apex of
one clip of each database. Run it for a new version of the corpus, and for nothing else.
"""

from __future__ import annotations

import json
from pathlib import Path

from astsvm_lib import datasets
from astsvm_lib.rehearsal import Performance, script_of

TESTS = Path(__file__).parents[1] / "tests/rehearsal"
DATASETS = ("rehearsal-casme2", "rehearsal-smic", "rehearsal-samm")
CLIP = 10
PATCH = 15


def main() -> None:
    found = {}
    for name in DATASETS:
        clip = datasets.load(name).clips[CLIP]
        performance = Performance(script_of(clip))
        frames = performance.frames([0, performance.apex]).astype(float)
        grey = frames.mean(-1) if frames.ndim == 4 else frames
        side = grey.shape[1] // PATCH
        means = grey[:, : side * PATCH, : side * PATCH].reshape(2, side, PATCH, side, PATCH).mean((2, 4))
        found[clip.key] = means.round(2).tolist()
    lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(values)}" for key, values in found.items())
    (TESTS / "reference.json").write_text("{\n" + lines + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
