"""Try settings of the rehearsal corpus's difficulty with the public baseline, and with nothing else.

    python tools/calibrate_corpus.py

writes ``book/results/calibration/rehearsal-v1.json``: the settings in the order they were tried, and the
baseline's UF1 for each. The last must be what the designs say; the corpus was fixed with it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, replace

from astsvm_lib.datasets import Dataset, load_manifest
from astsvm_lib.methods.megc_baseline import evaluate_baseline
from astsvm_lib.recipe import Recipe
from astsvm_lib.rehearsal.corpus import draw_entries, make_clip
from astsvm_lib.rehearsal.design import DESIGNS, Difficulty
from astsvm_lib.results import provenance, results_folder
from astsvm_lib.storage import write_atomically

BAND, REAL = (0.66, 0.78), 0.718  # where the composite must land; the baseline on the real composite
TRIES = (
    Difficulty(1.0, 0.5, 0.35, 0.2, 0.35, 0.5, 0.1, 0.1, 0.6),
    Difficulty(0.8, 0.55, 0.45, 0.3, 0.5, 0.8, 0.2, 0.2, 0.9),
    Difficulty(0.75, 0.55, 0.45, 0.3, 0.55, 0.8, 0.2, 0.2, 0.9),
    Difficulty(),
)


def composite(difficulty: Difficulty) -> Dataset:
    """The composite as it would be with this difficulty."""
    clips = []
    for part in load_manifest("rehearsal-megc").parts:
        design = replace(DESIGNS[part], difficulty=difficulty)
        clips += [make_clip(load_manifest(part), design, entry) for entry in draw_entries(design)]
    return Dataset(load_manifest("rehearsal-megc"), tuple(clips))


def main() -> None:
    tries = []
    for difficulty in TRIES:
        scores = evaluate_baseline(composite(difficulty), Recipe(), jobs=2)
        uf1 = {name: round(result.uf1, 4) for name, result in scores.items()}
        print(asdict(difficulty), uf1, flush=True)
        tries.append({"difficulty": asdict(difficulty), "uf1": uf1})
    found = {
        "band": BAND,
        "real": REAL,
        "tries": tries,
        "processor": provenance.processor(),
        "versions": provenance.library_versions(),
    }
    path = results_folder() / "calibration" / "rehearsal-v1.json"
    write_atomically(path, (json.dumps(found, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
