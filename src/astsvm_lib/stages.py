"""Computation stages and their versions, which determine whether cache entries and stored results are still valid.

Each stage declares ``VERSION = n`` in its module. A golden test (``tests/golden``) compares its output on a small
fixed input with a stored fingerprint. The code may be changed freely as long as the output stays the same; if the
output changes, the test fails until the version is increased. Only that one line of the source is read, and no
module is imported, so that the versions of Keras models are available where Keras is not installed.
"""

from __future__ import annotations

import pkgutil
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Protocol

from astsvm_lib.errors import CompanionError

#: Native libraries whose floating-point results may differ between versions: name -> packages that provide it.
NATIVE = {
    "opencv": ("opencv-contrib-python-headless", "opencv-contrib-python", "opencv-python-headless", "opencv-python"),
    "dlib": ("dlib-bin", "dlib"),
    "numpy": ("numpy",),
    "numba": ("numba",),
}


@dataclass(frozen=True)
class Stage:
    """One stage of the computation.

    Attributes
    ----------
    name
        Name in cache keys, records and messages.
    module
        Module below ``astsvm_lib`` that declares its ``VERSION``.
    needs
        Stages whose output it uses.
    sections
        Sections of the recipe that it reads.
    network
        Whether it is computed by the Keras backend.
    number
        Version of a stage whose module is not part of this package; None if its module declares it.
    """

    name: str
    module: str
    needs: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    network: bool = False
    number: int | None = None


STAGES = {
    stage.name: stage
    for stage in (
        Stage("rendering", "rehearsal.clip_renderer"),
        Stage("detection", "preprocessing.detection"),
        Stage("registration", "preprocessing.registration", ("detection",), ("registration",)),
        Stage("magnification", "preprocessing.magnification", ("registration",), ("magnification",)),
        Stage("interpolation", "preprocessing.interpolation", ("magnification",), ("interpolation",)),
        Stage("preparation", "preprocessing.pipeline", ("interpolation",)),
        Stage("optical-flow", "features.optical_flow", (), ("flow",)),
        Stage("idsf", "features.idsf", (), ("difference",)),
        Stage("features", "features.pipeline", ("preparation", "optical-flow", "idsf")),
        Stage("binary-patterns", "features.binary_patterns"),
        Stage("apex-spotting", "features.apex_spotting", ("registration", "binary-patterns")),
        Stage("strain", "features.strain"),
        Stage("onset-apex", "features.onset_apex", ("registration", "optical-flow", "apex-spotting")),
        Stage("lbp-top", "descriptors.lbp_top", ("preparation", "binary-patterns")),
        Stage("stlbp-ip", "descriptors.stlbp_ip", ("preparation", "binary-patterns")),
        Stage("bi-woof", "descriptors.bi_woof", ("onset-apex", "strain")),
        Stage("initialisation", "models.initialisation"),
        Stage("fusion-attention", "models.fusion_attention", (), ("attention",)),
        Stage("inception", "models.inception", (), ("inception",)),
        Stage("ast-network", "models.ast_network", ("fusion-attention", "inception"), ("head",), network=True),
        Stage("off-apexnet", "models.off_apexnet", network=True),
        Stage("ststnet", "models.ststnet", network=True),
        Stage("trainer-keras", "models.training.keras_trainer", ("initialisation",)),
        Stage("trainer-fast", "models.training.fast.engine", ("initialisation",)),
        Stage("trainer-batched", "models.training.batched_trainer", ("initialisation",)),
        Stage("mean-attention", "models.mean_attention", network=True),
        Stage("svm", "models.svm_transfer"),
        Stage("folds", "evaluation.loso"),
        Stage("scores", "evaluation.scores"),
        Stage("inner-search", "models.inner_search", ("svm", "folds", "scores")),
        Stage(
            "method/ast-svmnet",
            "methods.ast_svmnet",
            ("features", "ast-network", "inner-search", "folds"),
            ("transfer", "training"),
        ),
        Stage("method/untrained", "methods.untrained", ("method/ast-svmnet",)),
        Stage(
            "method/kernels",
            "methods.kernels",
            ("features", "ast-network", "inner-search", "folds"),
            ("transfer", "training"),
        ),
        Stage("method/mean-attention", "methods.mean_attention", ("method/ast-svmnet", "mean-attention")),
        Stage(
            "method/pooled-svm",
            "methods.pooled_svm",
            ("features", "inner-search", "folds"),
            ("inception", "transfer", "training"),
        ),
        Stage("method/lbp-top", "methods.lbp_top", ("lbp-top", "inner-search", "folds")),
        Stage("method/stlbp-ip", "methods.stlbp_ip", ("stlbp-ip", "inner-search", "folds")),
        Stage("method/bi-woof", "methods.bi_woof", ("bi-woof", "inner-search", "folds")),
        Stage("method/off-apexnet", "methods.off_apexnet", ("onset-apex", "strain", "off-apexnet", "folds")),
        Stage("method/ststnet", "methods.ststnet", ("onset-apex", "strain", "ststnet", "folds")),
        Stage("method/megc-baseline", "methods.megc_baseline", ("onset-apex", "strain", "folds")),
        Stage("method/maps-svm", "methods.maps_svm", ("onset-apex", "strain", "inner-search", "folds")),
        Stage("method/majority", "methods.majority", ("folds",)),
    )
}


class Sections(Protocol):
    """Settings in sections, such as a :class:`~astsvm_lib.recipe.Recipe`."""

    def to_dict(self, *sections: str) -> dict[str, Any]: ...


def stage_named(name: str) -> Stage:
    """The stage with this name.

    Raises
    ------
    CompanionError
        If there is no such stage; the message lists the names.
    """
    if name not in STAGES:
        if name.startswith("method/"):
            raise CompanionError(f"unknown stage '{name}': add its entry to STAGES in astsvm_lib/stages.py")
        raise CompanionError(f"unknown stage '{name}'; expected one of {', '.join(STAGES)}")
    return STAGES[name]


def register(stage: Stage) -> None:
    """Add a stage whose module is not part of this package, such as a method of one's own."""
    STAGES[stage.name] = stage


def stage_version(name: str) -> int:
    """Version of a stage, as declared in its module.

    Raises
    ------
    CompanionError
        If the stage is unknown, or its module declares no version.
    """
    stage = stage_named(name)
    return _declared(name, stage.module) if stage.number is None else stage.number


@lru_cache
def _declared(name: str, module: str) -> int:
    """The version that a module of this package declares."""
    source = pkgutil.get_data("astsvm_lib", f"{module.replace('.', '/')}.py") or b""
    found = re.search(rb"^VERSION = (\d+)$", source, re.MULTILINE)
    if found is None:
        raise CompanionError(f"stage {name}: expected a line 'VERSION = n' in astsvm_lib.{module}, found none")
    return int(found[1])


def upstream(names: Iterable[str]) -> tuple[str, ...]:
    """These stages and all stages that they depend on, in the order of :data:`STAGES`."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += stage_named(name).needs
    return tuple(name for name in STAGES if name in found)


def stage_versions(names: Iterable[str]) -> dict[str, int]:
    """Version of each of these stages and of all stages that they depend on."""
    return {name: stage_version(name) for name in upstream(names)}


def sections_of(names: Iterable[str]) -> tuple[str, ...]:
    """Sections of the recipe read by these stages and by all stages that they depend on."""
    return tuple(dict.fromkeys(section for name in upstream(names) for section in STAGES[name].sections))


def uses_network(names: Iterable[str]) -> bool:
    """Whether one of these stages, or a stage that they depend on, is computed by the Keras backend."""
    return any(STAGES[name].network for name in upstream(names))


def outdated_stages(versions: dict[str, int]) -> list[str]:
    """Differences between the versions that a result states and the current ones.

    Parameters
    ----------
    versions
        Version of each stage that the result depends on, when it was computed.

    Returns
    -------
    list of str
        ``name 1 -> 2`` for a stage whose version has changed, ``name 1 -> removed`` for a stage that no longer exists,
        and ``name new -> 1`` for a stage that these stages depend on now but did not before.
    """
    current = stage_versions(name for name in versions if name in STAGES)
    found = [
        f"{name} {stored} -> {current.get(name, 'removed')}"
        for name, stored in versions.items()
        if current.get(name) != stored
    ]
    return found + [f"{name} new -> {version}" for name, version in current.items() if name not in versions]


@lru_cache
def native_versions() -> dict[str, str]:
    """Version of each library in :data:`NATIVE`; ``"none"`` if it is not installed."""
    found = {}
    for library, packages in NATIVE.items():
        found[library] = "none"
        for package in packages:
            try:
                found[library] = version(package)
                break
            except PackageNotFoundError:
                continue
    return found


def cache_key(stage: str, recipe: Sections, **inputs: Any) -> dict[str, Any]:
    """Cache key of the output of a stage.

    Parameters
    ----------
    stage
        Name of the stage.
    recipe
        The key contains only the sections that are read by the stage and by the stages it depends on.
    **inputs
        All other values that the output depends on, such as ``content=clip.content``; serialisable as JSON.

    Returns
    -------
    dict
        For :meth:`astsvm_lib.cache.Cache.get`.

    Raises
    ------
    CompanionError
        If the stage is unknown.
    """
    sections = sections_of([stage])
    return {
        "stages": stage_versions([stage]),
        "libraries": native_versions(),
        "recipe": recipe.to_dict(*sections) if sections else {},
        **inputs,
    }
