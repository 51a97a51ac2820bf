"""Export of rendered clips in standard formats: PNG frames, CSV tables, .flo flow fields."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pandas as pd
from tqdm import tqdm

from astsvm_lib.datasets.clip import Clip, Dataset
from astsvm_lib.errors import CompanionError
from astsvm_lib.parallel import ONE_THREAD, map_unordered
from astsvm_lib.rehearsal.clip_renderer import ClipRenderer
from astsvm_lib.rehearsal.corpus import spec_of
from astsvm_lib.rehearsal.design import DESIGNS
from astsvm_lib.storage import write_atomically

FlowChoice = Literal["apex", "all", "none"]
CODECS = {".mp4": "mp4v", ".avi": "MJPG"}
PARTS = ("all", "expression", "head")
README = """{id} {version}: rendered faces (rehearsal data), {licence}

annotation.csv              one row per clip: subject, clip, label, emotion, action units, onset, apex, offset
                            (frame numbers from 0), frames per second; scored: part of the experiment or not
SUBJECT/CLIP/frames         frame_0000.png ..., the onset first
SUBJECT/CLIP/truth.csv      one row per frame: time, intensity of the expression, relative light intensity, direction
                            of the light, blink, gaze (degrees), contraction of each action unit (millimetres)
SUBJECT/CLIP/landmarks.csv  one row per frame and landmark: column and row of the 68 points, in pixels
SUBJECT/CLIP/spec.json      complete specification of the clip
SUBJECT/CLIP/flow           true motion from the onset: NNNN_all.flo, NNNN_expression.flo (head at rest) and
                            NNNN_head.flo (expression as at the onset), in Middlebury's format, pixels right and
                            down; NNNN_visible.png is 255 where the surface seen at the onset is visible in frame NNNN
"""


def _bgr(frame: np.ndarray) -> np.ndarray:
    return frame if frame.ndim == 2 else frame[..., ::-1]


def truth_table(renderer: ClipRenderer) -> pd.DataFrame:
    """Ground truth, one row per frame: intensity, light, eyes, and contraction of each unit in millimetres."""
    fps, rows = renderer.spec.fps, []
    for frame, (level, gain) in enumerate(zip(renderer.curve, renderer.gain, strict=True)):
        x, y, z = renderer.light(frame)
        pose = renderer.pose(frame)
        rows.append(
            {
                "frame": frame,
                "milliseconds": 1000 * frame / fps,
                "intensity": level if renderer.spec.units else 0.0,
                "light_gain": gain,
                "light_x": x,
                "light_y": y,
                "light_z": z,
                "blink": renderer.blink[frame],
                "gaze_left": np.rad2deg(pose.gaze[0]),
                "gaze_up": np.rad2deg(pose.gaze[1]),
                **{f"AU{name}": amount for name, amount in renderer.contractions(frame).items()},
            }
        )
    return pd.DataFrame(rows).round(6)


def landmark_table(renderer: ClipRenderer) -> pd.DataFrame:
    """True landmarks, one row per frame and landmark: column and row, in pixels."""
    points = np.stack([renderer.landmarks(frame) for frame in range(len(renderer.curve))])
    frame, landmark = np.indices(points.shape[:2]).reshape(2, -1)
    column, row = points.reshape(-1, 2).T
    return pd.DataFrame({"frame": frame, "landmark": landmark, "column": column, "row": row}).round(3)


def annotation_table(dataset: Dataset) -> pd.DataFrame:
    """Annotation, one row per clip, scored and unscored."""
    scored = dataset.table().assign(scored=True)
    others = Dataset(dataset.manifest, dataset.unscored).table().assign(scored=False)
    return pd.concat([scored, others], ignore_index=True).drop(columns=["frames", "milliseconds"])


def _write_flow(renderer: ClipRenderer, frame: int, folder: Path) -> None:
    for part in PARTS:
        path = folder / f"{frame:04d}_{part}.flo"
        if not cv2.writeOpticalFlow(str(path), renderer.flow(0, frame, part)):  # type: ignore[arg-type]
            raise CompanionError(f"{path}: cannot be written; is the disk full, or the folder read-only?")
    seen = np.round(255 * renderer.visible(0, frame)).astype(np.uint8)
    _write_image(folder / f"{frame:04d}_visible.png", seen)


def _write_image(path: Path, image: np.ndarray) -> None:
    _, encoded = cv2.imencode(".png", image)
    path.write_bytes(encoded.tobytes())


def render_clip(clip: Clip, folder: Path, flow: FlowChoice = "apex") -> Path:
    """Write frames, ground truth and specification of a rendered clip, and return the clip's folder.

    A clip that already exists with the same specification is not rendered again. An interrupted call leaves no
    incomplete clip.

    Parameters
    ----------
    clip
        Clip of a rendered data set.
    folder
        Parent folder; the clip is written to ``folder/subject/name``.
    flow
        Frames for which the flow from the onset is written: the apex, all, or none.

    Raises
    ------
    CompanionError
        If the clip does not belong to a rendered data set, or a file cannot be written.
    """
    target = folder / clip.subject / clip.name
    spec = spec_of(clip)
    wanted = {"clip": clip.key, "content": clip.content, "flow": flow, "spec": asdict(spec)}
    text = json.dumps(wanted, indent=2) + "\n"
    if (target / "spec.json").exists() and (target / "spec.json").read_text(encoding="utf-8") == text:
        return target
    part = target.with_name(f".{clip.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    (part / "frames").mkdir(parents=True)
    renderer = ClipRenderer(spec)
    for number, frame in enumerate(renderer.iterate()):
        _write_image(part / "frames" / f"frame_{number:04d}.png", _bgr(frame))
    truth_table(renderer).to_csv(part / "truth.csv", index=False)
    landmark_table(renderer).to_csv(part / "landmarks.csv", index=False)
    moments = {"apex": [renderer.apex], "all": range(1, len(renderer.curve)), "none": []}[flow]
    if len(moments):
        (part / "flow").mkdir()
    for moment in moments:
        _write_flow(renderer, moment, part / "flow")
    (part / "spec.json").write_text(text, encoding="utf-8")
    shutil.rmtree(target, ignore_errors=True)
    part.replace(target)
    return target


def render_clips(clips: Sequence[Clip], folder: Path, flow: FlowChoice = "apex", jobs: int = 1) -> None:
    """:func:`render_clip` for many clips, with a progress bar.

    Parameters
    ----------
    clips
        Clips of rendered data sets.
    folder
        Parent folder; each clip is written to ``folder/dataset/subject/name``.
    flow
        Frames for which the flow from the onset is written: the apex, all, or none.
    jobs
        Number of processes.

    Raises
    ------
    CompanionError
        If a clip does not belong to a rendered data set, or a file cannot be written.
    """
    work = [(clip, folder / clip.dataset, flow) for clip in clips]
    jobs = min(jobs, len(work))
    results = map_unordered(render_clip, work, jobs, ONE_THREAD) if jobs > 1 else (render_clip(*item) for item in work)
    for _ in tqdm(results, "rendering", len(work), unit="clip", disable=None, leave=False):
        pass


def write_annotation(dataset: Dataset, folder: Path) -> None:
    """Write ``annotation.csv`` and ``README.txt`` of a rendered data set.

    Parameters
    ----------
    dataset
        Rendered data set.
    folder
        Folder to write to.
    """
    table = annotation_table(dataset)
    write_atomically(folder / "annotation.csv", table.to_csv(index=False).encode())
    manifest = dataset.manifest
    text = README.format(id=manifest.id, version=manifest.version, licence=manifest.licence)
    write_atomically(folder / "README.txt", text.encode())


def require_rendered(dataset: Dataset) -> None:
    """Raise :class:`CompanionError` unless the data set is a rendered one."""
    if any(clip.dataset not in DESIGNS for clip in dataset):
        names = ", ".join(DESIGNS)
        raise CompanionError(f"{dataset.id}: not a rendered data set; expected one of {names}, or their union")


def check_video_name(path: Path) -> None:
    """Raise :class:`CompanionError` unless the file name has the suffix of a supported video format."""
    if path.suffix not in CODECS:
        raise CompanionError(f"--video: expected a file name that ends in .mp4 or .avi, found '{path.name}'")


def write_video(frames: Iterable[np.ndarray], fps: float, path: Path) -> None:
    """Write a video; an interrupted call leaves no incomplete file.

    Parameters
    ----------
    frames
        (H, W, 3) uint8 RGB or (H, W) uint8 each.
    fps
        Frames per second.
    path
        File name that ends in ``.mp4`` or ``.avi``.

    Raises
    ------
    CompanionError
        If there is no frame, or OpenCV cannot write this format.
    """
    check_video_name(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.part{path.suffix}")
    writer = None
    try:
        for frame in frames:
            image = np.ascontiguousarray(_bgr(frame) if frame.ndim == 3 else np.dstack([frame] * 3))
            if writer is None:
                size = image.shape[1], image.shape[0]
                writer = cv2.VideoWriter(str(part), cv2.VideoWriter.fourcc(*CODECS[path.suffix]), fps, size)
                if not writer.isOpened():
                    raise CompanionError(
                        f"{path}: this OpenCV build cannot write {path.suffix} files; use the other of .mp4 and .avi"
                    )
            writer.write(image)
        if writer is None:
            raise CompanionError(f"{path}: expected at least one frame to write, found none")
        writer.release()
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def find_clip(dataset: Dataset, name: str) -> Clip:
    """The clip with a given key.

    Parameters
    ----------
    dataset
        Data set to search, scored and unscored clips.
    name
        ``subject/name``, with or without ``dataset/`` in front.

    Raises
    ------
    CompanionError
        If there is no such clip, or several; the message lists similar keys.
    """
    clips: Sequence[Clip] = (*dataset.clips, *dataset.unscored)
    found = [clip for clip in clips if clip.key == name or f"{clip.subject}/{clip.name}" == name]
    if len(found) == 1:
        return found[0]
    subject = name.split("/")[-2] if "/" in name else name
    near = [clip.key for clip in clips if clip.subject == subject][:6] or [clip.key for clip in clips[:6]]
    what = "no clip" if not found else f"{len(found)} clips"
    raise CompanionError(f"{dataset.id}: {what} '{name}'; expected SUBJECT/CLIP, such as {', '.join(near)}")
