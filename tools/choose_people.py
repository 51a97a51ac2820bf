"""Choose the people of the rehearsal data sets: far apart, in equal parts of skin, age and sex.

    python tools/choose_people.py

renders candidates, keeps those in whom dlib finds exactly one face, describes each by dlib's face
embedding, and picks one after the other the candidate farthest from all chosen before, as long as its
sex, skin and age still have a place. The people of the development data come from further candidates and are
chosen in the same way, far from everybody in the test data sets. It writes ``rehearsal/assets/people.json``:
subject seeds by data set.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import dlib
import face_recognition_models
import numpy as np
from tqdm import tqdm

from astsvm_lib.errors import CompanionError
from astsvm_lib.parallel import map_unordered
from astsvm_lib.preprocessing.detection import find_box
from astsvm_lib.rehearsal.capture import Capture, expose
from astsvm_lib.rehearsal.scene import Pose, Scene
from astsvm_lib.rehearsal.subject import OLDEST, YOUNGEST, make_subject

OUTPUT = Path(__file__).parents[1] / "src/astsvm_lib/rehearsal/assets/people.json"
CANDIDATES, FURTHER = 500, 250  # the further candidates are those of the development data
SIZE = 300
SKINS, AGES = 5, 3  # equal steps of skin tone and of age
SIZES = {"rehearsal-samm": 28, "rehearsal-casme2": 24, "rehearsal-smic": 16, "rehearsal-mini": 8}
DEVELOPMENT = {"rehearsal-dev": 24}


@dataclass(frozen=True, eq=False)
class Candidate:
    """One person who may take part: seed, age, strata (sex, skin, age), face embedding (128,)."""

    seed: int
    age: float
    strata: tuple[bool, int, int]
    embedding: np.ndarray


def describe(seeds: range) -> list[Candidate]:
    """The people with these seeds in whose image dlib finds exactly one face."""
    predictor = dlib.shape_predictor(face_recognition_models.pose_predictor_model_location())
    encoder = dlib.face_recognition_model_v1(face_recognition_models.face_recognition_model_location())
    found = []
    for seed in seeds:
        subject = make_subject(seed)
        image = expose(Scene(subject, SIZE).frame(Pose()), Capture(), np.random.default_rng(seed))
        try:
            box = find_box(image, f"candidate {seed}")
        except CompanionError:
            continue
        embedding = np.array(encoder.compute_face_descriptor(image, predictor(image, dlib.rectangle(*box))))
        age_step = int((subject.age - YOUNGEST) / (OLDEST - YOUNGEST) * AGES)
        found.append(Candidate(seed, subject.age, (subject.male, int(subject.tone * SKINS), age_step), embedding))
    return found


def distances(some: list[Candidate], others: list[Candidate]) -> np.ndarray:
    """Distances of face embeddings, (len(some), len(others))."""
    first, second = (np.stack([person.embedding for person in people]) for people in (some, others))
    return np.asarray(np.linalg.norm(first[:, None] - second[None], axis=2))


def farthest(found: list[Candidate], wanted: int, before: list[Candidate] | None = None) -> list[Candidate]:
    """As many people as are wanted, each the farthest from those before that its strata have room for."""
    embedding = np.stack([candidate.embedding for candidate in found])
    room: list[dict[int, int]] = [
        dict.fromkeys(range(count), int(np.ceil(wanted / count))) for count in (2, SKINS, AGES)
    ]
    chosen: list[int] = []
    nearest = distances(found, before).min(1) if before else np.linalg.norm(embedding - embedding.mean(0), axis=1)
    while len(chosen) < wanted:
        free = [
            i not in chosen and all(places[s] > 0 for places, s in zip(room, candidate.strata, strict=True))
            for i, candidate in enumerate(found)
        ]
        if not any(free):
            raise SystemExit(f"only {len(chosen)} of {wanted} people fit: raise CANDIDATES")
        best = int(np.argmax(np.where(free, nearest, -1)))
        for places, stratum in zip(room, found[best].strata, strict=True):
            places[stratum] -= 1
        distance = np.linalg.norm(embedding - embedding[best], axis=1)
        nearest = np.minimum(nearest, distance) if chosen or before else distance
        chosen.append(best)
    return [found[i] for i in chosen]


def main() -> None:
    total = CANDIDATES + FURTHER
    chunks: list[tuple[object, ...]] = [(range(start, min(start + 25, total)),) for start in range(0, total, 25)]
    described = tqdm(map_unordered(describe, chunks, 2), total=len(chunks))
    everybody = sorted((person for some in described for person in some), key=lambda person: person.seed)
    found = [person for person in everybody if person.seed < CANDIDATES]
    wanted = sum(SIZES.values())
    chosen = farthest(found, wanted)
    development = farthest(
        [person for person in everybody if person.seed >= CANDIDATES], sum(DEVELOPMENT.values()), chosen
    )
    apart = distances(chosen, chosen)[np.triu_indices(wanted, 1)]
    away = distances(development, chosen)
    report = {
        "candidates": CANDIDATES,
        "with one face": len(found),
        "smallest distance": round(float(apart.min()), 3),
        "median distance": round(float(np.median(apart)), 3),
        "smallest distance of the development data": round(float(away.min()), 3),
        "median distance of the development data": round(float(np.median(away)), 3),
    }

    by_age = sorted(chosen, key=lambda person: person.age)
    samm = by_age[:: round(wanted / SIZES["rehearsal-samm"])][: SIZES["rehearsal-samm"]]
    rest = [person for person in by_age if person not in samm]
    while len(samm) < SIZES["rehearsal-samm"]:  # the steps were a little too long
        samm.append(rest.pop(len(rest) // 2))
    casme2, rest = rest[: SIZES["rehearsal-casme2"]], rest[SIZES["rehearsal-casme2"] :]
    mini = rest[1::3]
    smic = [person for person in rest if person not in mini]
    groups = {"rehearsal-samm": samm, "rehearsal-casme2": casme2, "rehearsal-smic": smic, "rehearsal-mini": mini}
    assert {name: len(group) for name, group in groups.items()} == SIZES
    groups["rehearsal-dev"] = development
    seeds = {name: sorted(person.seed for person in group) for name, group in sorted(groups.items())}
    lines = ",\n".join(f'    "{name}": {json.dumps(group)}' for name, group in seeds.items())
    told = ",\n".join(f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in report.items())
    OUTPUT.write_text(f'{{\n{told},\n  "people": {{\n{lines}\n  }}\n}}\n', encoding="utf-8")
    print(told)


if __name__ == "__main__":
    main()
