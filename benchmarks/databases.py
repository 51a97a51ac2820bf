"""Checking and preparing databases of the real sizes: minutes for each, memory.

python benchmarks/databases.py [--clips 8] [--jobs 2] [--out book/results/times/databases.json]

Rendered faces stand in frames as large as the real ones, in the real layouts. A few clips of each
database are prepared; the minutes for the whole are those of its frames at the same pace.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.datasets import inspect, load_manifest
from astsvm_lib.preprocessing.pipeline import prepare_all
from astsvm_lib.recipe import Recipe
from astsvm_lib.rehearsal.layout import COUNTERPARTS, Film, counterpart_film, rows_of, write_layout
from astsvm_lib.results import provenance
from astsvm_lib.storage import write_atomically


def as_large(film: Film, width: int, height: int) -> Callable[[str], list[bytes]]:
    """The same films in frames of another size: scaled to its height, the sides filled up."""

    def enlarged(subject: str) -> list[bytes]:
        found = []
        for data in film(subject):
            frame = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_ANYCOLOR)
            square = cv2.resize(frame, (height, height), interpolation=cv2.INTER_CUBIC)
            left = (width - height) // 2
            sides = (0, 0, left, width - height - left)
            found.append(cv2.imencode(".jpg", cv2.copyMakeBorder(square, *sides, cv2.BORDER_REPLICATE))[1].tobytes())
        return found

    return enlarged


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, help="Also write what the book shows, as JSON.")
    arguments = parser.parse_args()
    times: dict[str, dict[str, Any]] = {}
    print(f"{provenance.processor()}; {arguments.clips} clips of each, {arguments.jobs} jobs")
    for name in COUNTERPARTS:
        manifest = load_manifest(name)
        assert manifest.width is not None
        assert manifest.height is not None
        size = (manifest.width, manifest.height)
        left_out = {(fix.subject, fix.clip) for fix in manifest.fixes if fix.action == "leave out"}
        scored = [
            row for row in rows_of(name) if manifest.labels[row.emotion] and (row.subject, row.clip) not in left_out
        ]
        frames = sum(row.length for row in scored)
        with tempfile.TemporaryDirectory() as folder:
            root = write_layout(
                name, Path(folder) / name, scored[: arguments.clips], as_large(counterpart_film(name), *size)
            )
            start = time.perf_counter()
            found = inspect(name, root, read_frames=True)
            checking = time.perf_counter() - start
            start = time.perf_counter()
            prepare_all(found.clips, Recipe(), Cache(Path(folder) / "cache"), arguments.jobs)
            preparing = time.perf_counter() - start
        here = sum(clip.length for clip in found)
        times[name] = {
            "frame": list(size),
            "clips": len(scored),
            "frames": frames,
            "check_seconds": round(checking / len(found) * len(scored), 1),
            "prepare_seconds": round(preparing / here * frames, 1),
        }
        each = 1000 * preparing * arguments.jobs / here
        print(
            f"  {name}: {size[0]}x{size[1]}; checked in {1000 * checking / len(found):.0f} ms a clip, prepared in "
            f"{each:.0f} ms a frame and core; all {len(scored)} clips of {frames} frames: "
            f"{times[name]['check_seconds']:.0f} s and {times[name]['prepare_seconds'] / 60:.1f} min"
        )
    # Linux counts in kilobytes: the largest of the workers.
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"  memory of a worker: at most {memory:.0f} MB")
    if arguments.out:
        told = {
            "device": f"CPU: {provenance.processor()}",
            "jobs": arguments.jobs,
            "clips": arguments.clips,
            "worker_megabytes": round(memory),
            "databases": times,
        }
        write_atomically(arguments.out, (json.dumps(told, indent=2) + "\n").encode())


if __name__ == "__main__":
    main()
