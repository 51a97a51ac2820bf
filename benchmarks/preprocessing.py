"""Preprocessing and features of one rendered clip: milliseconds a clip, as a ratio of the whole.

python benchmarks/preprocessing.py
"""

from __future__ import annotations

import cv2
import numpy as np
from common import compare

from astsvm_lib.features.pipeline import from_prepared
from astsvm_lib.preprocessing import find_landmarks, magnify, prepare_frames, register
from astsvm_lib.recipe import Recipe
from astsvm_lib.rehearsal import ClipRenderer, ClipSpec, Timing


def main() -> None:
    cv2.setNumThreads(1)
    recipe = Recipe()
    renderer = ClipRenderer(ClipSpec(1, {"12": 1.0}, 1.0, Timing(110, 40, 140)))
    frames, fps = renderer.frames(), renderer.spec.fps
    landmarks = find_landmarks(frames[0])
    crops, _ = register(frames, landmarks, recipe.registration)
    prepared = prepare_frames(frames, fps, landmarks[None], recipe, "clip").frames

    def whole() -> None:
        found = find_landmarks(frames[0])
        from_prepared(prepare_frames(frames, fps, found[None], recipe, "clip").frames, recipe)

    print(f"a clip of {len(frames)} frames of {frames.shape[1]}x{frames.shape[2]}")
    compare(
        {
            "rendering it": renderer.frames,
            "landmarks of the onset": lambda: find_landmarks(frames[0]),
            "registration": lambda: register(frames, landmarks, recipe.registration),
            "magnification": lambda: magnify(crops, fps, recipe.magnification),
            "flow and IDSF": lambda: from_prepared(prepared, recipe),
            "landmarks to features, whole": whole,
        },
        1,
        "clip",
    )
    assert np.isfinite(prepared).all()


if __name__ == "__main__":
    main()
