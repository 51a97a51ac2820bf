"""STSTNet, trained in the fold, with its own head (Liong et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from astsvm_lib.choices import Choices, Part, option
from astsvm_lib.methods.motion import Motion
from astsvm_lib.methods.onset_apex_network import OnsetApexNetwork, PeerInput, PeerTraining

if TYPE_CHECKING:
    import keras

#: Version of this stage; see :mod:`astsvm_lib.stages`.
VERSION = 1


class StstNetParts(Part):
    """What may be changed in STSTNet."""

    batch_norm: bool = option(True, "normalise each stream over the batch, as the authors' later program does")
    dropout: float = option(0.5, "share of each stream's pooled values that is left out in training", ge=0, lt=1)


class StstNetSettings(Choices):
    """Settings of the method STSTNet."""

    called: ClassVar[str] = "ststnet"

    motion: Motion = Motion()
    input: PeerInput = PeerInput()
    network: StstNetParts = StstNetParts()
    training: PeerTraining = PeerTraining(learning_rate=5e-5, batch_size=256, epochs=800)


@dataclass(frozen=True)
class StstNet(OnsetApexNetwork):
    """STSTNet; see :mod:`astsvm_lib.models.ststnet`."""

    @staticmethod
    def build(settings: StstNetSettings, classes: int) -> keras.Model:
        from astsvm_lib.models.ststnet import ststnet

        return ststnet(classes, **settings.network.model_dump())
