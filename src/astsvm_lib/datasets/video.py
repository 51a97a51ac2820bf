"""The user's own clips, from a video file or a folder of images."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import cv2
import numpy as np

from astsvm_lib.datasets.clip import Clip
from astsvm_lib.datasets.images import IMAGE_ENDINGS, by_number, is_image, read_image, stack_images
from astsvm_lib.errors import CompanionError
from astsvm_lib.storage import digest_arrays


def _read_folder(folder: Path) -> list[np.ndarray]:
    paths = sorted((p for p in folder.iterdir() if is_image(p)), key=by_number)
    if not paths:
        raise CompanionError(f"{folder}: expected a folder of images ({', '.join(sorted(IMAGE_ENDINGS))}), found none")
    return [read_image(path) for path in paths]


def _read_video(path: Path) -> tuple[list[np.ndarray], float]:
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise CompanionError(f"{path}: not a video that OpenCV can open; use a folder of frames instead")
    declared = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    fps = float(capture.get(cv2.CAP_PROP_FPS))
    frames = []
    while True:
        more, frame = capture.read()
        if not more:
            break
        frames.append(frame[..., ::-1].copy())
    capture.release()
    if len(frames) < declared:
        raise CompanionError(
            f"{path}: the file declares {declared} frames, but only {len(frames)} can be read; "
            "it is truncated or damaged: copy it again, or extract its frames into a folder"
        )
    return frames, fps


def read_clip(path: Path, onset: int = 0, offset: int | None = None, fps: float | None = None) -> Clip:
    """A clip from a video file or a folder of frames.

    Parameters
    ----------
    path
        Video file, or folder of images in the order of the numbers in their names.
    onset, offset
        First and last frame, both included, counted from 0; by default those of the recording.
    fps
        Frames per second; required for a folder, read from the file by default for a video.

    Returns
    -------
    Clip
        Its frames are (T, H, W, 3) uint8 in RGB order, or (T, H, W) grey, from onset to offset.

    Raises
    ------
    CompanionError
        If the path does not exist, the recording is truncated or unreadable, frames differ in size, the frame rate
        is missing or not positive, or onset and offset are out of range or the same frame.
    """
    path = Path(path)
    if not path.exists():
        raise CompanionError(f"{path}: no such file or folder; expected a video file or a folder of frames")
    if path.is_dir():
        frames = _read_folder(path)
        if fps is None:
            raise CompanionError(f"{path}: a folder of frames has no frame rate; give --fps")
    else:
        frames, declared_fps = _read_video(path)
        fps = declared_fps if fps is None else fps
    if not fps or fps <= 0 or not np.isfinite(fps):
        raise CompanionError(f"{path}: expected a positive frame rate, found {fps}; give --fps")
    last = len(frames) - 1 if offset is None else offset
    if not 0 <= onset <= last < len(frames):
        raise CompanionError(
            f"{path}: expected 0 <= onset <= offset <= {len(frames) - 1}, found onset {onset} and offset {last}"
        )
    stack = stack_images(frames[onset : last + 1], str(path))
    if onset == last:
        raise CompanionError(f"{path}: expected at least 2 frames from onset to offset, found 1")
    return Clip(
        dataset="own",
        subject="own",
        name=path.stem,
        label="",
        fps=float(fps),
        onset=0,
        apex=None,
        offset=len(stack) - 1,
        hash_frames=partial(digest_arrays, {"frames": stack}),
        load_frames=lambda chosen=None: stack if chosen is None else stack[list(chosen)],
    )
