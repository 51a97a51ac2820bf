"""Published networks on onset-apex flow, trained in the fold, each with its own head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from astsvm_lib.choices import Choices, Part, option
from astsvm_lib.datasets.clip import Clip
from astsvm_lib.descriptors.onset_apex import flow_of, motion_maps
from astsvm_lib.methods.method import Conditions, Method, OnEpoch, Trained
from astsvm_lib.methods.motion import Motion
from astsvm_lib.processes import each, without_chatter
from astsvm_lib.recipe import Optimisation, Recipe
from astsvm_lib.storage import Arrays, Cache

if TYPE_CHECKING:
    import keras

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


class OffApexNetParts(Part):
    """What may be changed in OFF-ApexNet."""

    dropout: float = option(0.5, "share of the dense layers' units that is left out in training", ge=0, lt=1)


class StstNetParts(Part):
    """What may be changed in STSTNet."""

    batch_norm: bool = option(True, "normalise each stream over the batch, as the authors' later program does")
    dropout: float = option(0.5, "share of each stream's pooled values that is left out in training", ge=0, lt=1)


class OffApexNetSettings(Choices):
    """Settings of the method OFF-ApexNet."""

    called: ClassVar[str] = "off-apexnet"

    motion: Motion = Motion()
    input: PeerInput = PeerInput()
    network: OffApexNetParts = OffApexNetParts()
    training: PeerTraining = PeerTraining(learning_rate=1e-4, batch_size=256, epochs=1000)


class StstNetSettings(Choices):
    """Settings of the method STSTNet."""

    called: ClassVar[str] = "ststnet"

    motion: Motion = Motion()
    input: PeerInput = PeerInput()
    network: StstNetParts = StstNetParts()
    training: PeerTraining = PeerTraining(learning_rate=5e-5, batch_size=256, epochs=800)


PeerSettings = OffApexNetSettings | StstNetSettings


def stretched(maps: np.ndarray) -> np.ndarray:
    """Each channel of maps (H, W, C) from its least to its largest value as 0..1; zeros where all are alike."""
    low, high = maps.min((0, 1)), maps.max((0, 1))
    return (maps - low) / np.where(high > low, high - low, 1)


def peer_maps(clip: Clip, recipe: Recipe, settings: PeerSettings, root: Path) -> np.ndarray:
    """u, v and strain of a clip as the network is given them, (28, 28, 3) float32."""
    motion = settings.motion
    maps = motion_maps(flow_of(clip, motion.over(recipe), motion.apex, Cache(root)), motion.strain)
    return stretched(maps) if settings.input.scale == "map" else maps


@lru_cache(maxsize=1)
def _network(builder: str, settings: PeerSettings, classes: int) -> keras.Model:
    """A network: built and compiled once a process, reset for each fold."""
    with without_chatter():
        from astsvm_lib import peers
        from astsvm_lib.network import compile_network

        network: keras.Model = getattr(peers, builder)(classes, **settings.network.model_dump())
        compile_network(network, settings.training)
    return network


@dataclass(frozen=True)
class Peer(Method):
    """A published network.

    Attributes
    ----------
    builder
        Name of the function in :mod:`astsvm_lib.peers` that builds it.
    """

    builder: str

    def epochs(self, settings: Choices, own: int, share: float) -> int:
        return max(1, round(share * settings.training.epochs))  # type: ignore[attr-defined]

    def extract(
        self, clips: Sequence[Clip], recipe: Recipe, settings: Choices, cache: Cache, jobs: int, progress: bool
    ) -> Arrays:
        work: list[tuple[Any, ...]] = [(clip, recipe, settings, cache.root) for clip in clips]
        maps = np.stack(list(each(peer_maps, work, jobs, "onset to apex", progress)))
        return {name: np.ascontiguousarray(maps[..., channel]) for channel, name in enumerate(MAPS)}

    def run(
        self,
        train: Arrays,
        labels: np.ndarray,
        test: Arrays,
        conditions: Conditions,
        rng: np.random.Generator,
        on_epoch: OnEpoch = None,
    ) -> Trained:
        settings = conditions.settings
        assert isinstance(settings, PeerSettings)
        network = _network(self.builder, settings, conditions.classes)
        from astsvm_lib.network import initialise, predict
        from astsvm_lib.network import train as train_network

        known, tested = ([clips[tensor.name] for tensor in network.inputs] for clips in (train, test))
        initialise(network, rng)
        history = train_network(network, known, labels, settings.training, conditions.epochs, rng, on_epoch)
        return Trained({"softmax": predict(network, tested, settings.training.batch_size)}, history)
