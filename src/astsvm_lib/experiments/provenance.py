"""Where a result was obtained: device, versions, commit."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from astsvm_lib.processes import without_chatter

PACKAGES = (
    "astsvm-lib", "dlib-bin", "jax", "keras", "numpy", "opencv-contrib-python-headless", "scikit-learn", "tensorflow",
    "tensorflow-cpu", "torch",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Version of Python and of every package that can change a result, where it is installed."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def commit() -> str | None:
    """Commit of the checkout, with ``+changes`` if its library differs from it; None outside one."""
    folder = Path(__file__).parent
    try:
        head = subprocess.run(
            ["git", "rev-parse", "--short=12", "HEAD"], cwd=folder, capture_output=True, text=True, check=True
        ).stdout.strip()
        changed = subprocess.run(
            ["git", "status", "--porcelain", "--", str(folder.parent)],
            cwd=folder, capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + ("+changes" if changed else "")


def processor() -> str:
    """Name of the CPU and the number of cores this process may use."""
    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(errors="replace").splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}, {cores} cores"


def device() -> str:
    """What the active Keras backend computes on; imports the backend."""
    with without_chatter():
        import keras

    backend = keras.backend.backend()
    gpus: list[str] = []
    if backend == "jax":
        import jax

        gpus = [d.device_kind for d in jax.devices() if d.platform == "gpu"]
    elif backend == "torch":
        import torch

        gpus = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    else:
        import tensorflow

        for gpu in tensorflow.config.list_physical_devices("GPU"):
            details = tensorflow.config.experimental.get_device_details(gpu)
            gpus.append(str(details.get("device_name", gpu.name)))
    return f"GPU: {', '.join(gpus)}" if gpus else f"CPU: {processor()}"
