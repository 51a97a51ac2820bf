"""SVM on onset-apex maps that are stretched as published maps are, for evaluation across data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import model_validator

from astsvm_lib.cache import Cache
from astsvm_lib.choices import Choices, Part, option
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.methods.megc_baseline import baseline_estimator
from astsvm_lib.methods.method import FitConfig, FoldPrediction, Method, OnEpoch
from astsvm_lib.methods.motion import Motion
from astsvm_lib.methods.onset_apex_network import MAPS, PeerInput, all_inputs
from astsvm_lib.methods.svm_head import subject_numbers, svm_decisions
from astsvm_lib.models.svm_transfer import expand_decisions
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


class MapsClassifier(Part):
    """The SVM; by default that of the public baseline of MEGC2019."""

    multiclass: Literal["one-vs-one", "one-vs-rest"] = option(
        "one-vs-one", "of scikit-learn's SVC, as in the public baseline; or of the paper's SVM (recipe, R12)"
    )
    kernel: Literal["rbf", "linear"] = option("rbf", "kernel of the SVM")
    tuning: Literal["none", "inner"] = option(
        "none", "C as given below; or, for one-vs-rest, C, gamma and standardise by inner validation"
    )
    C: float = option(1.0, "penalty of the SVM", gt=0)

    @model_validator(mode="after")
    def _no_value_is_ignored(self) -> Self:
        if self.tuning == "inner" and (self.multiclass != "one-vs-rest" or self.C != 1.0):
            raise ValueError("inner validation: expected multiclass one-vs-rest and no value of C, which it chooses")
        return self


class MapsSvmSettings(Choices):
    """Settings of the method maps-svm."""

    called: ClassVar[str] = "maps-svm"

    motion: Motion = Motion(flow="lucas-kanade", apex="middle")
    input: MapsInput = MapsInput()
    svm: MapsClassifier = MapsClassifier()


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
        chosen = settings.svm
        if chosen.multiclass == "one-vs-one":
            estimator = baseline_estimator(chosen.kernel, chosen.C).fit(features, labels)
            values = estimator.decision_function(test_features)
            decisions = expand_decisions(values, estimator.classes_, config.classes)
        else:
            options = Transfer(
                kernel=chosen.kernel, tuning=chosen.tuning, C=chosen.C, class_weights="balanced", scale_floor=0.0
            )
            decisions = svm_decisions(features, labels, train["subject"], test_features, options, config.classes)
        return FoldPrediction({"svm": decisions}, [])


def _signed(maps: Arrays, source: str) -> np.ndarray:
    """Maps (N, D) by name; with a minus sign, mirrored at the mean over all clips."""
    values = maps[source.removeprefix("-")]
    return 2 * values.mean(0) - values if source.startswith("-") else values
