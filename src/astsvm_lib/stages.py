"""The stages that compute, each with a version: what cache entries and stored results are valid for.

Each stage states ``VERSION = n`` in its module. A golden test (``tests/golden``) holds its output on a small
fixed input. Code may be rewritten freely as long as the output stays the same; when the output changes, the
test fails until the version is raised. Nothing here looks at source text beyond that one line, and nothing is
imported: the versions of Keras models can be read where Keras is not installed.
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

#: Native libraries whose arithmetic may differ from version to version.
NATIVE = {
    "opencv": ("opencv-contrib-python-headless", "opencv-contrib-python", "opencv-python-headless", "opencv-python"),
    "dlib": ("dlib-bin", "dlib"),
    "numpy": ("numpy",),
    "numba": ("numba",),
}


@dataclass(frozen=True)
class Stage:
    """One computing stage.

    Attributes
    ----------
    name
        As keys, records and messages call it.
    module
        Module below ``astsvm_lib`` that states its ``VERSION``.
    needs
        Stages whose output it takes.
    sections
        Sections of the recipe that it reads.
    """

    name: str
    module: str
    needs: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()


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
        Stage("ast-network", "models.ast_network", ("fusion-attention", "inception"), ("head",)),
        Stage("off-apexnet", "models.off_apexnet"),
        Stage("ststnet", "models.ststnet"),
        Stage("trainer-keras", "models.training.keras_trainer", ("initialisation",)),
        Stage("trainer-fast", "models.training.fast.engine", ("initialisation",)),
        Stage("trainer-batched", "models.training.batched_trainer", ("initialisation",)),
        Stage("svm", "models.svm_transfer"),
        Stage("folds", "evaluation.loso"),
        Stage("inner-search", "models.inner_search", ("svm", "folds", "scores")),
        Stage("scores", "evaluation.scores"),
        Stage(
            "method/ast-svmnet",
            "methods.ast_svmnet",
            ("features", "ast-network", "svm", "folds"),
            ("transfer", "training"),
        ),
        Stage("method/untrained", "methods.untrained", ("method/ast-svmnet",)),
        Stage(
            "method/kernels",
            "methods.kernels",
            ("features", "ast-network", "inner-search", "folds"),
            ("training",),
        ),
        Stage("method/lbp-top", "methods.lbp_top", ("lbp-top", "svm", "folds")),
        Stage("method/stlbp-ip", "methods.stlbp_ip", ("stlbp-ip", "svm", "folds")),
        Stage("method/bi-woof", "methods.bi_woof", ("bi-woof", "svm", "folds")),
        Stage("method/off-apexnet", "methods.off_apexnet", ("onset-apex", "strain", "off-apexnet", "folds")),
        Stage("method/ststnet", "methods.ststnet", ("onset-apex", "strain", "ststnet", "folds")),
        Stage("method/megc-baseline", "methods.megc_baseline", ("onset-apex", "strain", "folds")),
        Stage("method/majority", "methods.majority", ("folds",)),
    )
}


class Sections(Protocol):
    """Choices by section, such as a :class:`~astsvm_lib.recipe.Recipe`."""

    def to_dict(self, *sections: str) -> dict[str, Any]: ...


def stage_named(name: str) -> Stage:
    """The stage of this name.

    Raises
    ------
    CompanionError
        If there is none: the message lists the names.
    """
    if name not in STAGES:
        raise CompanionError(f"unknown stage '{name}'; expected one of {', '.join(STAGES)}")
    return STAGES[name]


@lru_cache
def stage_version(name: str) -> int:
    """Version of a stage, as its module states it.

    Raises
    ------
    CompanionError
        For an unknown stage, or a module that states none.
    """
    module = stage_named(name).module
    source = pkgutil.get_data("astsvm_lib", f"{module.replace('.', '/')}.py") or b""
    found = re.search(rb"^VERSION = (\d+)$", source, re.MULTILINE)
    if found is None:
        raise CompanionError(f"stage {name}: expected a line 'VERSION = n' in astsvm_lib.{module}, found none")
    return int(found[1])


def upstream(names: Iterable[str]) -> tuple[str, ...]:
    """Stages and everything that they need, in the order of :data:`STAGES`."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += stage_named(name).needs
    return tuple(name for name in STAGES if name in found)


def stage_versions(names: Iterable[str]) -> dict[str, int]:
    """Version of each of these stages and of everything that they need."""
    return {name: stage_version(name) for name in upstream(names)}


def sections_of(names: Iterable[str]) -> tuple[str, ...]:
    """Sections of the recipe that these stages, and everything that they need, read."""
    return tuple(dict.fromkeys(section for name in upstream(names) for section in STAGES[name].sections))


def outdated_stages(versions: dict[str, int]) -> list[str]:
    """What has changed since: for each stage whose version is another one now, ``name 1 -> 2``."""
    found = []
    for name, then in versions.items():
        now = stage_version(name) if name in STAGES else None
        if now != then:
            found.append(f"{name} {then} -> {'gone' if now is None else now}")
    return found


@lru_cache
def native_versions() -> dict[str, str]:
    """Version of each native library that computes; ``none`` where it is not installed."""
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
    """Key of a cached output of a stage.

    Parameters
    ----------
    stage
        Whose output it is.
    recipe
        Only the sections that the stage, and everything that it needs, read are part of the key.
    inputs
        What else the output depends on, such as ``clip.content``.
    """
    sections = sections_of([stage])
    return {
        "stages": stage_versions([stage]),
        "libraries": native_versions(),
        "recipe": recipe.to_dict(*sections) if sections else {},
        **inputs,
    }
