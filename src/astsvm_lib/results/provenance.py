"""Provenance of a result: versions of libraries, processor, device and commit."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from astsvm_lib.parallel import quiet_stderr, thread_count
from astsvm_lib.results.record import Environment
from astsvm_lib.stages import native_versions

PACKAGES = ("jax", "keras", "scikit-image", "scikit-learn", "scipy", "tensorflow", "tensorflow-cpu", "torch")
#: Instruction sets by which native libraries select their code.
INSTRUCTIONS = ("avx2", "fma", "avx512f", "avx512_bf16", "amx_tile")


def library_versions() -> dict[str, str]:
    """Version of Python and of each installed library that can affect a result."""
    found = {"python": platform.python_version()}
    found |= {name: number for name, number in native_versions().items() if number != "none"}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return dict(sorted(found.items()))


def commit() -> str | None:
    """Commit of the checkout, with ``+changes`` if the library or the manifests have uncommitted changes.

    None if this file is not under version control, for instance in an installed package.
    """
    file = Path(__file__)

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=file.parent, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    try:
        git("ls-files", "--error-unmatch", file.name)
        head = git("rev-parse", "--short=12", "HEAD")
        changed = git("status", "--porcelain", "--", ":/src", ":/data_manifest")
    except (OSError, subprocess.CalledProcessError):
        return None
    return head + ("+changes" if changed else "")


def processor() -> str:
    """The processor: name, family, model, stepping, instruction sets, and number of cores of this process.

    The name alone is not sufficient: on processors with the same name, native libraries may select different code.
    """
    name, exact = platform.processor() or platform.machine(), ""
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text(errors="replace").split("\n\n")[0].splitlines()
        fields = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
        name = fields.get("model name", name)
        numbers = [f"{key} {fields[key]}" for key in ("cpu family", "model", "stepping") if key in fields]
        flags = [flag for flag in INSTRUCTIONS if flag in fields.get("flags", "").split()]
        exact = f" ({', '.join(numbers)}; {' '.join(flags)})" if numbers else ""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{name}{exact}, {cores} cores"


def onednn() -> bool:
    """Whether oneDNN is enabled for TensorFlow on a CPU, which affects predictions."""
    return os.environ.get("TF_ENABLE_ONEDNN_OPTS", "1") == "1"


def device() -> str:
    """Device of the active Keras backend; imports the backend."""
    with quiet_stderr():
        import keras

        import astsvm_lib.models  # noqa: F401  (sets environment variables of TensorFlow)

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
    if gpus:
        return f"GPU: {', '.join(gpus)}"
    return f"CPU, oneDNN {'on' if onednn() else 'off'}" if backend == "tensorflow" else "CPU"


def current_environment(network: bool) -> Environment:
    """Hardware, number of threads and libraries of the current process.

    Parameters
    ----------
    network
        Whether a Keras network is computed; if so, the Keras backend is imported.
    """
    return Environment(
        device=device() if network else "CPU",
        processor=processor(),
        threads=thread_count(),
        libraries=library_versions(),
    )
