"""Build the two small landmark assets from rendered identities and dlib.

    python tools/build_landmarks.py

writes ``rehearsal/assets/landmarks.npy`` (which mesh vertex each of the 68 landmarks is) and
``preprocessing/assets/shape_model.npz`` (the point distribution model). dlib's own markup decides
both, so that a rendered face and a real one are described in the same terms.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from tqdm import tqdm

from astsvm_lib.errors import CompanionError
from astsvm_lib.preprocessing.detection import find_landmarks
from astsvm_lib.preprocessing.shape_model import ShapeModel
from astsvm_lib.rehearsal.capture import Capture, expose
from astsvm_lib.rehearsal.head import SKIN, load_head
from astsvm_lib.rehearsal.scene import Pose, Scene
from astsvm_lib.rehearsal.subject import make_subject

PACKAGE = Path(__file__).parents[1] / "src/astsvm_lib"
IDENTITIES = 240
FIRST_SEED = 10_000  # none of the corpora's own subjects
SIZE = 480
TURN = np.deg2rad([5.0, 8.0, 4.0])  # standard deviation of the extra pitch, yaw and roll
HIDDEN = 0.5  # a vertex hidden in more than this share of the faces is no landmark


def main() -> None:
    head = load_head()
    candidates = np.flatnonzero((head.part == SKIN) & (head.template[:, 2] > 0.0) & (head.template[:, 1] > 6.0))
    shapes, distances = [], []
    for seed in tqdm(range(FIRST_SEED, FIRST_SEED + IDENTITIES)):
        rng = np.random.default_rng(seed)
        subject = make_subject(seed)
        scene = Scene(subject, SIZE)
        pose = Pose(turn=rng.normal(0, TURN) * (seed % 2))  # every second one at rest
        image = expose(scene.frame(pose), Capture(), rng)
        try:
            shape = find_landmarks(image, f"identity {seed}").astype(np.float64)
        except CompanionError as error:
            tqdm.write(str(error))
            continue
        shapes.append(shape)
        if seed % 2 == 0:
            points = subject.project(scene.positions(pose), SIZE)[candidates, :2] - 0.5
            seen = scene.see(pose)
            shown = np.zeros(len(head.mean), bool)
            shown[head.triangles[seen.triangle[seen.triangle >= 0]]] = True
            distance = np.linalg.norm(shape[:, None] - points[None], axis=2)
            distances.append(np.where(shown[candidates], distance, np.nan))
    stack = np.stack(distances)
    shown_often = np.isnan(stack).mean((0, 1)) <= HIDDEN
    candidates, typical = candidates[shown_often], np.nanmedian(stack[..., shown_often], 0)
    vertices = candidates[typical.argmin(1)].astype(np.int32)
    np.save(PACKAGE / "rehearsal/assets/landmarks.npy", vertices)
    model = ShapeModel.from_shapes(np.stack(shapes))
    np.savez_compressed(
        PACKAGE / "preprocessing/assets/shape_model.npz",
        mean=model.mean.astype(np.float32),
        modes=model.modes.astype(np.float32),
        deviations=model.deviations.astype(np.float32),
    )
    print(f"{len(shapes)} shapes, {len(model.modes)} modes")
    print(f"landmark to vertex: median {typical.min(1).mean():.2f} px at {SIZE} px")


if __name__ == "__main__":
    main()
