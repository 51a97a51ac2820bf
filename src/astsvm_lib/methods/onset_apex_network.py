"""Base class of the published networks on onset-apex flow: maps of 28x28 pixels, and a softmax head."""

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
from astsvm_lib.features.onset_apex import clip_maps
from astsvm_lib.methods.method import FitConfig, FoldPrediction, Method, OnEpoch
from astsvm_lib.parallel import map_ordered, quiet_stderr
from astsvm_lib.recipe import Optimisation, Recipe
from astsvm_lib.storage import Arrays

if TYPE_CHECKING:
    import keras

    from astsvm_lib.models.training.trainer import Trainer

#: Names of the three maps, which are the input names of the networks.
MAPS = ("u", "v", "strain")


class PeerTraining(Optimisation):
    """Training of a published network."""

    epochs: int = option(100, "number of epochs in the profile 'paper'; other profiles use a fraction of it", ge=1)


class PeerInput(Part):
    """Input of a published network."""

    scale: Literal["map", "pixels"] = option(
        "map", "each 28x28 map scaled to 0..1, as for maps stored as images; or motion in pixels"
    )


def stretched(maps: np.ndarray) -> np.ndarray:
    """Maps (H, W, C) with each channel scaled from its minimum and maximum to 0..1; constant channels become 0."""
    low, high = maps.min((0, 1)), maps.max((0, 1))
    return (maps - low) / np.where(high > low, high - low, 1)


def maps_of(clip: Clip, recipe: Recipe, settings: Any, root: Path) -> np.ndarray:
    """Input of the network for one clip.

    Parameters
    ----------
    clip
        Clip with an onset, and an apex if it is annotated.
    recipe
        Choices of the registration and the flow.
    settings
        Sections ``motion`` and ``input`` are used.
    root
        Folder of the cache.

    Returns
    -------
    numpy.ndarray
        u, v and strain, (28, 28, 3) float32.

    Raises
    ------
    CompanionError
        If the clip cannot be prepared.
    """
    motion = settings.motion
    maps = clip_maps(clip, motion.over(recipe), motion.apex, motion.strain, Cache(root))
    return stretched(maps) if settings.input.scale == "map" else maps


def all_inputs(
    clips: Sequence[Clip], recipe: Recipe, settings: Any, cache: Cache, jobs: int, progress: bool
) -> np.ndarray:
    """:func:`maps_of` of many clips, (N, 28, 28, 3) float32.

    Parameters
    ----------
    clips, recipe, settings, cache, jobs, progress
        As for :meth:`astsvm_lib.methods.method.Method.extract`.
    """
    work: list[tuple[Any, ...]] = [(clip, recipe, settings, cache.root) for clip in clips]
    return np.stack(list(map_ordered(maps_of, work, jobs, "onset to apex", progress)))


@lru_cache(maxsize=1)
def _trainer_of(build: Callable[[Any, int], keras.Model], settings: Any, classes: int) -> Trainer:
    """Trainer of the network, which is built and compiled once per process."""
    with quiet_stderr():
        from astsvm_lib.models.training.keras_trainer import compile_network
        from astsvm_lib.models.training.selection import select_trainer

        network = build(settings, classes)
        compile_network(network, settings.training)
        return select_trainer(network, settings.training)


@dataclass(frozen=True)
class OnsetApexNetwork(Method):
    """A published network, with the settings' sections ``motion``, ``input``, ``network`` and ``training``."""

    @staticmethod
    @abstractmethod
    def build(settings: Any, classes: int) -> keras.Model:
        """Build the network, uncompiled.

        Parameters
        ----------
        settings
            The method's own parameters; the section ``network`` is used.
        classes
            Number of classes.

        Returns
        -------
        keras.Model
            Inputs: some of :data:`MAPS`, (B, 28, 28) each. Output: class probabilities (B, classes).
        """

    def epochs(self, settings: Choices, own: int, share: float) -> int:
        return max(1, round(share * settings.training.epochs))  # type: ignore[attr-defined]

    def extract(
        self, clips: Sequence[Clip], recipe: Recipe, settings: Any, cache: Cache, jobs: int, progress: bool
    ) -> Arrays:
        maps = all_inputs(clips, recipe, settings, cache, jobs, progress)
        return {name: np.ascontiguousarray(maps[..., channel]) for channel, name in enumerate(MAPS)}

    def trains_in_batches(self, config: FitConfig) -> bool:
        return _trainer_of(self.build, config.settings, config.classes).folds_at_once > 1

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
        seeded = [(fold, fold_rng(config.seed, fold.name)) for fold in folds]
        for outputs in trainer.fit_folds(inputs, labels, seeded, config.epochs, on_epoch):
            yield FoldPrediction({"softmax": outputs.probabilities}, outputs.history, trainer.stage)
