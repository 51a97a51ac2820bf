"""STSTNet with its softmax head, trained on each training fold (Liong et al. 2019)."""

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
    """Parameters of the network STSTNet."""

    batch_norm: bool = option(True, "batch normalisation in each stream, as in the authors' later code")
    dropout: float = option(0.5, "dropout rate after the pooling of each stream", ge=0, lt=1)


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
