"""SVM on onset-apex maps that are stretched as published maps are, for evaluation across data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.choices import Choices, option
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.methods.method import FitConfig, FoldPrediction, Method, OnEpoch
from astsvm_lib.methods.motion import Motion
from astsvm_lib.methods.onset_apex_network import MAPS, PeerInput, all_inputs
from astsvm_lib.methods.svm_head import subject_numbers, svm_decisions
from astsvm_lib.recipe import Recipe, Transfer
from astsvm_lib.storage import Arrays

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1


class MapsInput(PeerInput):
    """Input of the SVM."""

    channels: Literal["u v strain", "u v", "u", "v", "strain"] = option("u v strain", "maps that are used")
    training: str = option(
        "u v strain",
        "maps of the training clips in the places of u, v and strain; another order, or a minus sign for the opposite "
        "direction, makes a control, which is expected to fail",
        pattern=r"^-?(u|v|strain) -?(u|v|strain) -?(u|v|strain)$",
    )


class MapsSvmSettings(Choices):
    """Settings of the method maps-svm."""

    called: ClassVar[str] = "maps-svm"

    motion: Motion = Motion(flow="lucas-kanade", apex="middle")
    input: MapsInput = MapsInput()
    svm: Transfer = Transfer(tuning="none", class_weights="balanced", scale_floor=0.0)


@dataclass(frozen=True)
class MapsSvm(Method):
    """An SVM on the maps u, v and strain of 28 x 28 pixels; see :class:`MapsSvmSettings`."""

    def extract(
        self, clips: Sequence[Clip], recipe: Recipe, settings: Any, cache: Cache, jobs: int, progress: bool
    ) -> Arrays:
        maps = all_inputs(clips, recipe, settings, cache, jobs, progress)
        rows = {name: maps[..., channel].reshape(len(maps), -1) for channel, name in enumerate(MAPS)}
        return rows | {"subject": subject_numbers(clips)}

    def fit_predict(
        self,
        train: Arrays,
        labels: np.ndarray,
        test: Arrays,
        config: FitConfig,
        rng: np.random.Generator,
        on_epoch: OnEpoch = None,
    ) -> FoldPrediction:
        settings: MapsSvmSettings = config.settings
        names = settings.input.channels.split()
        sources = dict(zip(MAPS, settings.input.training.split(), strict=True))
        features = np.concatenate([_signed(train, sources[name]) for name in names], axis=1)
        test_features = np.concatenate([test[name] for name in names], axis=1)
        decisions = svm_decisions(features, labels, train["subject"], test_features, settings.svm, config.classes)
        return FoldPrediction({"svm": decisions}, [])


def _signed(maps: Arrays, source: str) -> np.ndarray:
    """Maps (N, D) by name; with a minus sign, mirrored at the mean over all clips."""
    values = maps[source.removeprefix("-")]
    return 2 * values.mean(0) - values if source.startswith("-") else values
