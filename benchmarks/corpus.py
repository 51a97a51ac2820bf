"""Rendering and preprocessing of a whole rendered data set: minutes, memory, share of time.

python benchmarks/corpus.py [ID] [--jobs N]
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from astsvm_lib import datasets
from astsvm_lib.cache import Cache
from astsvm_lib.preprocessing.pipeline import prepare, prepare_all
from astsvm_lib.recipe import Recipe
from astsvm_lib.rehearsal import ClipRenderer, spec_of
from astsvm_lib.results import provenance


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", nargs="?", default="rehearsal-megc")
    parser.add_argument("--jobs", type=int, default=2)
    arguments = parser.parse_args()
    dataset, recipe = datasets.load(arguments.dataset), Recipe()
    frames = sum(clip.length for clip in dataset)

    print(f"{provenance.processor()}; {dataset.id}: {len(dataset)} clips, {frames} frames, {arguments.jobs} jobs")
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        prepare_all(dataset.clips, recipe, Cache(Path(folder)), arguments.jobs)
        seconds = time.perf_counter() - start
        kept = sum(path.stat().st_size for path in Path(folder).rglob("*.npz"))
    # Linux counts in kilobytes: this process, and the largest of its workers.
    own, worker = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    each = 1000 * seconds * arguments.jobs / frames
    print(f"  rendered and prepared in {seconds / 60:.1f} min, {each:.0f} ms a frame and core")
    print(f"  memory {own:.0f} MB + {arguments.jobs} x at most {worker:.0f} MB; kept {kept / 1e6:.0f} MB")

    for name in dict.fromkeys(clip.dataset for clip in dataset):
        clip = next(clip for clip in dataset if clip.dataset == name)
        renderer = ClipRenderer(spec_of(clip))
        renderer.frames([0])
        start = time.perf_counter()
        rendered = renderer.frames()
        rendering = time.perf_counter() - start
        with tempfile.TemporaryDirectory() as folder:
            start = time.perf_counter()
            prepare(clip, recipe, Cache(Path(folder)))
            whole = time.perf_counter() - start
        assert np.isfinite(rendered).all()
        each, share = 1000 * rendering / clip.length, rendering / whole
        print(f"  {name}: rendering {each:.0f} ms a frame, {share:.0%} of a clip's time")


if __name__ == "__main__":
    main()
