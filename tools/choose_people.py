"""Choose the people of the rehearsal data sets: far apart, in equal parts of skin, age and sex.

    python tools/choose_people.py

renders candidates, keeps those in whom dlib finds exactly one face, describes each by dlib's face
embedding, and picks one after the other the candidate farthest from all chosen before, as long as its
sex, skin and age still have a place. It writes ``rehearsal/assets/people.json``: subject seeds by data set.
"""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import dlib
import face_recognition_models
import numpy as np
from tqdm import tqdm

from astsvm_lib.errors import CompanionError
from astsvm_lib.preprocessing.detection import find_box
from astsvm_lib.processes import run_each
from astsvm_lib.rehearsal.capture import Capture, expose
from astsvm_lib.rehearsal.scene import Pose, Scene
from astsvm_lib.rehearsal.subject import OLDEST, YOUNGEST, make_subject

OUTPUT = Path(__file__).parents[1] / "src/astsvm_lib/rehearsal/assets/people.json"
CANDIDATES = 500
SIZE = 300
SKINS, AGES = 5, 3  # equal steps of skin tone and of age
SIZES = {"rehearsal-samm": 28, "rehearsal-casme2": 24, "rehearsal-smic": 16, "rehearsal-mini": 8}


@lru_cache
def _models() -> tuple[Any, Any]:
    return (
        dlib.shape_predictor(face_recognition_models.pose_predictor_model_location()),
        dlib.face_recognition_model_v1(face_recognition_models.face_recognition_model_location()),
    )


def describe(seed: int) -> tuple[int, np.ndarray | None, tuple[bool, int, int], float]:
    """Embedding (128,) of a candidate, None where there is not exactly one face; its strata and age."""
    subject = make_subject(seed)
    step = int(subject.tone * SKINS), int((subject.age - YOUNGEST) / (OLDEST - YOUNGEST) * AGES)
    strata = subject.male, *step
    image = expose(Scene(subject, SIZE).frame(Pose()), Capture(), np.random.default_rng(seed))
    try:
        box = find_box(image, f"candidate {seed}")
    except CompanionError:
        return seed, None, strata, subject.age
    predictor, encoder = _models()
    shape = predictor(image, dlib.rectangle(*box))
    return seed, np.array(encoder.compute_face_descriptor(image, shape)), strata, subject.age


def main() -> None:
    found = list(tqdm(run_each(describe, [(seed,) for seed in range(CANDIDATES)], 2), total=CANDIDATES))
    found = sorted((item for item in found if item[1] is not None), key=lambda item: item[0])
    print(f"{len(found)} of {CANDIDATES} candidates have exactly one face")
    wanted = sum(SIZES.values())
    embedding = np.stack([item[1] for item in found])
    room = [
        dict.fromkeys((False, True), int(np.ceil(wanted / 2))),
        dict.fromkeys(range(SKINS), int(np.ceil(wanted / SKINS))),
        dict.fromkeys(range(AGES), int(np.ceil(wanted / AGES))),
    ]
    chosen: list[int] = []
    nearest = np.linalg.norm(embedding - embedding.mean(0), axis=1)
    while len(chosen) < wanted:
        free = [
            i not in chosen and all(r[s] > 0 for r, s in zip(room, found[i][2], strict=True)) for i in range(len(found))
        ]
        if not any(free):
            raise SystemExit(f"only {len(chosen)} of {wanted} people fit: raise CANDIDATES")
        best = int(np.argmax(np.where(free, nearest, -1)))
        chosen.append(best)
        for places, stratum in zip(room, found[best][2], strict=True):
            places[stratum] -= 1
        distance = np.linalg.norm(embedding - embedding[best], axis=1)
        nearest = distance if len(chosen) == 1 else np.minimum(nearest, distance)
    apart = np.linalg.norm(embedding[chosen][:, None] - embedding[chosen][None], axis=2)[np.triu_indices(wanted, 1)]
    print(f"embedding distance between two: smallest {apart.min():.2f}, median {np.median(apart):.2f}")

    by_age = sorted(chosen, key=lambda i: found[i][3])
    samm = by_age[:: round(wanted / SIZES["rehearsal-samm"])][: SIZES["rehearsal-samm"]]
    rest = [i for i in by_age if i not in samm]
    while len(samm) < SIZES["rehearsal-samm"]:  # the steps were a little too long
        samm.append(rest.pop(len(rest) // 2))
    casme2, rest = rest[: SIZES["rehearsal-casme2"]], rest[SIZES["rehearsal-casme2"] :]
    mini = rest[1::3]
    smic = [i for i in rest if i not in mini]
    groups = {"rehearsal-samm": samm, "rehearsal-casme2": casme2, "rehearsal-smic": smic, "rehearsal-mini": mini}
    assert {name: len(group) for name, group in groups.items()} == SIZES
    seeds = {name: sorted(found[i][0] for i in group) for name, group in sorted(groups.items())}
    lines = ",\n".join(f'  "{name}": {json.dumps(group)}' for name, group in seeds.items())
    OUTPUT.write_text(f"{{\n{lines}\n}}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
