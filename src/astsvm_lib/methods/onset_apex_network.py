"""What the published networks on onset-apex flow have in common: maps of 28x28, a budget, a softmax head."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from astsvm_lib.cache import Cache
from astsvm_lib.choices import Choices, Part, option
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.evaluation.loso import Fold, fold_rng
from astsvm_lib.features.onset_apex import flow_of, motion_maps
from astsvm_lib.methods.method import FitConfig, FoldPrediction, Method, OnEpoch
from astsvm_lib.parallel import map_ordered, quiet_stderr
from astsvm_lib.recipe import Optimisation, Recipe
from astsvm_lib.storage import Arrays

if TYPE_CHECKING:
    import keras

    from astsvm_lib.models.training.trainer import Trainer

#: What the networks call the three maps.
MAPS = ("u", "v", "strain")


class PeerTraining(Optimisation):
    """How a published network is trained."""

    epochs: int = option(100, "epochs of the profile 'paper'; other profiles take a share", ge=1)


class PeerInput(Part):
    """What a published network is given."""

    scale: Literal["map", "pixels"] = option(
        "map", "each 28x28 map stretched to 0..1, as where a map is kept as a picture; or pixels of motion"
    )


def stretched(maps: np.ndarray) -> np.ndarray:
    """Each channel of maps (H, W, C) with its smallest to largest value mapped to 0..1; a constant one is 0."""
    low, high = maps.min((0, 1)), maps.max((0, 1))
    return (maps - low) / np.where(high > low, high - low, 1)


def maps_of(clip: Clip, recipe: Recipe, settings: Any, root: Path) -> np.ndarray:
    """u, v and strain of a clip as the network is given them, (28, 28, 3) float32."""
    motion = settings.motion
    maps = motion_maps(flow_of(clip, motion.over(recipe), motion.apex, Cache(root)), motion.strain)
    return stretched(maps) if settings.input.scale == "map" else maps


@lru_cache(maxsize=1)
def _trainer_of(build: Callable[[Any, int], keras.Model], settings: Any, classes: int) -> Trainer:
    """The network, built and compiled once a process, and its trainer."""
    with quiet_stderr():
        from astsvm_lib.models.training.keras_trainer import compile_network
        from astsvm_lib.models.training.selection import select_trainer

        network = build(settings, classes)
        compile_network(network, settings.training)
        return select_trainer(network, settings.training)


@dataclass(frozen=True)
class OnsetApexNetwork(Method):
    """A published network; its settings have the sections ``motion``, ``input``, ``network`` and ``training``."""

    @staticmethod
    @abstractmethod
    def build(settings: Any, classes: int) -> keras.Model:
        """The network, uncompiled."""

    def epochs(self, settings: Choices, own: int, share: float) -> int:
        return max(1, round(share * settings.training.epochs))  # type: ignore[attr-defined]

    def extract(
        self, clips: Sequence[Clip], recipe: Recipe, settings: Choices, cache: Cache, jobs: int, progress: bool
    ) -> Arrays:
        work: list[tuple[Any, ...]] = [(clip, recipe, settings, cache.root) for clip in clips]
        maps = np.stack(list(map_ordered(maps_of, work, jobs, "onset to apex", progress)))
        return {name: np.ascontiguousarray(maps[..., channel]) for channel, name in enumerate(MAPS)}

    def fit_folds(
        self,
        arrays: Arrays,
        labels: np.ndarray,
        folds: Sequence[Fold],
        config: FitConfig,
        on_epoch: OnEpoch = None,
    ) -> Iterator[FoldPrediction]:
        trainer = _trainer_of(self.build, config.settings, config.classes)
        inputs = [arrays[tensor.name] for tensor in trainer.network.inputs]
        seeded = [(fold, fold_rng(config.seed, fold.subject)) for fold in folds]
        for outputs in trainer.fit_folds(inputs, labels, seeded, config.epochs, on_epoch):
            yield FoldPrediction({"softmax": outputs.probabilities}, outputs.history, trainer.stage)
