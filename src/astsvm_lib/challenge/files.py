"""The files of a challenge: a public folder for the students, and a folder of the instructor with the truth.

The truth is kept apart and not encrypted: an instructor hands out one folder, and cannot lose a passphrase. The public
folder holds the SHA-256 digest of the file with the truth, which contains random numbers that nobody can guess, so
that students can check after the grading that the truth was not changed.
"""

from __future__ import annotations

import csv
import io
import json
import secrets
import shutil
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError
from tqdm import tqdm

from astsvm_lib.challenge.design import CLASSES, ChallengeClip, Options, draw_clips
from astsvm_lib.errors import CompanionError
from astsvm_lib.parallel import ONE_THREAD, map_unordered
from astsvm_lib.rehearsal.clip_renderer import ClipRenderer
from astsvm_lib.storage import digest_file

PUBLIC, OWN = "public", "instructor"
SEALED = "sealed.json"
BASELINE = "baseline.py"
README = """# A challenge: recognise micro-expressions

All faces are rendered (rehearsal data). No real person is shown, and the result says nothing about real faces.

train/CLIP/0000.png ...  frames of the clips with labels, from onset to offset, greyscale, {size} x {size} pixels
test/CLIP/0000.png ...   frames of the clips without labels; no subject of the test part is in the training part
train.csv                clip, subject, label, frames per second, and frame numbers of onset, apex and offset
test.csv                 the same without the label
example.csv              a submission of the right form, which predicts the same class for every clip
baseline.py              optical flow and an SVM; python baseline.py CODE writes a submission

Predict one of the classes {classes} for each clip of test.csv. Write a CSV file with the columns clip
and label, one row per clip, and name it after the code that your instructor gave you, for instance 3f9a1c.csv.
Submissions are ranked by UF1 over all clips of the test part; UAR is given as well. Choose parameters on the training
part only, with whole subjects left out.

SHA-256 of the file with the true labels: {digest}
"""


class SealedClip(BaseModel):
    """What the instructor knows of a clip."""

    model_config = ConfigDict(extra="forbid")

    part: str
    subject: str
    label: str
    emotion: str
    action_units: str
    peak_px: float


class Sealed(BaseModel):
    """Content of the file with the truth.

    Attributes
    ----------
    format
        Name and version of the format.
    seed, options
        From which the challenge can be made again.
    salt
        Random text, so that the digest of the file cannot be guessed from possible labels.
    codes
        A code for each student: the name of the student's submission.
    clips
        Name of a clip -> its truth.
    """

    model_config = ConfigDict(extra="forbid")

    format: str
    seed: int
    options: Options
    salt: str
    codes: list[str]
    clips: dict[str, SealedClip]

    def part(self, name: str) -> dict[str, SealedClip]:
        """The clips of one part, ``"train"`` or ``"test"``."""
        return {key: clip for key, clip in self.clips.items() if clip.part == name}


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def _render(clip: ChallengeClip, folder: Path) -> tuple[str, int, int]:
    """Write the frames of a clip; its name, the frame number of its apex, and its number of frames."""
    renderer = ClipRenderer(clip.spec)
    target = folder / clip.part / clip.name
    target.mkdir(parents=True)
    count = 0
    for number, frame in enumerate(renderer.iterate()):
        grey = frame if frame.ndim == 2 else frame[..., 0]
        _, encoded = cv2.imencode(".png", np.ascontiguousarray(grey))
        (target / f"{number:04d}.png").write_bytes(encoded.tobytes())
        count += 1
    return clip.name, int(renderer.apex), count


def make_challenge(folder: Path, students: int, options: Options, seed: int | None = None, jobs: int = 1) -> Path:
    """Render a challenge and write its files; after an error or an interruption, nothing is left.

    Parameters
    ----------
    folder
        Folder to create.
    students
        Number of students, each of whom gets a code.
    options
        Size and difficulty.
    seed
        Of people, clips and names. By default a random number of 63 bits. Whoever knows the seed can render the
        challenge with its labels, and a small seed can be guessed.
    jobs
        Number of clips rendered in parallel.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    CompanionError
        If the folder exists, or too few faces are detected.
    """
    if folder.exists():
        raise CompanionError(f"challenge: expected a folder that does not exist, found {folder}; choose another --out")
    if students < 1:
        raise CompanionError(f"challenge: expected at least 1 student, found {students}")
    seed = secrets.randbits(63) if seed is None else seed
    clips = draw_clips(options, seed)
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        public, own = part / PUBLIC, part / OWN
        public.mkdir(parents=True)
        own.mkdir()
        work = [(clip, public) for clip in clips]
        drawn = map_unordered(_render, work, jobs, ONE_THREAD) if jobs > 1 else (_render(*item) for item in work)
        seen = {name: (apex, count) for name, apex, count in tqdm(drawn, "clips", len(work), disable=None, leave=False)}
        _write_tables(clips, seen, students, options, seed, public, own)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def _write_tables(
    clips: list[ChallengeClip], seen: dict[str, tuple[int, int]], students: int, options: Options, seed: int,
    public: Path, own: Path,
) -> None:  # fmt: skip
    columns = {c.name: (options.fps, 0, seen[c.name][0], seen[c.name][1] - 1) for c in clips}
    train, test = ([c for c in clips if c.part == part] for part in ("train", "test"))
    moments = ("fps", "onset", "apex", "offset")
    rows: list[tuple[Any, ...]] = [(c.name, c.subject, c.label, *columns[c.name]) for c in train]
    (public / "train.csv").write_text(_table(("clip", "subject", "label", *moments), rows), encoding="utf-8")
    rows = [(c.name, c.subject, *columns[c.name]) for c in test]
    (public / "test.csv").write_text(_table(("clip", "subject", *moments), rows), encoding="utf-8")
    (public / "example.csv").write_text(
        _table(("clip", "label"), [(c.name, CLASSES[0]) for c in test]), encoding="utf-8"
    )
    codes: list[str] = []
    while len(codes) < students:
        code = secrets.token_hex(3)
        if code not in codes:
            codes.append(code)
    sealed = Sealed(
        format="astsvm-challenge-1", seed=seed, options=options, salt=secrets.token_hex(16), codes=codes,
        clips={
            c.name: SealedClip(part=c.part, subject=c.subject, label=c.label, emotion=c.emotion,
                               action_units=c.action_units, peak_px=round(c.spec.peak_px, 3))
            for c in clips
        },
    )  # fmt: skip
    (own / SEALED).write_text(json.dumps(sealed.model_dump(), indent=1) + "\n", encoding="utf-8")
    (own / "students.csv").write_text(_table(("student", "code"), [("", code) for code in codes]), encoding="utf-8")
    text = README.format(size=options.size, classes=", ".join(CLASSES), digest=digest_file(own / SEALED))
    (public / "README.md").write_text(text, encoding="utf-8")
    baseline = files("astsvm_lib.challenge").joinpath("assets", BASELINE).read_bytes()
    (public / BASELINE).write_bytes(baseline)


def read_sealed(folder: Path) -> Sealed:
    """The truth of a challenge.

    Parameters
    ----------
    folder
        Folder written by :func:`make_challenge`.

    Raises
    ------
    CompanionError
        If the file is missing or damaged, or is not the one whose digest the students have.
    """
    path = folder / OWN / SEALED
    try:
        sealed = Sealed.model_validate_json(path.read_bytes())
    except OSError:
        raise CompanionError(
            f"challenge {folder}: expected {OWN}/{SEALED}, found none; name the folder that astsvm challenge new wrote"
        ) from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise CompanionError(f"challenge {folder}: {OWN}/{SEALED}: {where}: {first['msg']}") from None
    readme = folder / PUBLIC / "README.md"
    if readme.exists() and digest_file(path) not in readme.read_text(encoding="utf-8"):
        raise CompanionError(
            f"challenge {folder}: {OWN}/{SEALED} was changed: its digest is not the one that the students have in "
            f"{PUBLIC}/README.md"
        )
    return sealed
