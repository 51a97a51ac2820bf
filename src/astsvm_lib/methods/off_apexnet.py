"""OFF-ApexNet with its softmax head, trained on each training fold (Gan et al. 2019)."""

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


class OffApexNetParts(Part):
    """Parameters of the network OFF-ApexNet."""

    dropout: float = option(0.5, "dropout rate of the dense layers", ge=0, lt=1)


class OffApexNetSettings(Choices):
    """Settings of the method OFF-ApexNet."""

    called: ClassVar[str] = "off-apexnet"

    motion: Motion = Motion()
    input: PeerInput = PeerInput()
    network: OffApexNetParts = OffApexNetParts()
    training: PeerTraining = PeerTraining(learning_rate=1e-4, batch_size=256, epochs=1000)


@dataclass(frozen=True)
class OffApexNet(OnsetApexNetwork):
    """OFF-ApexNet; see :mod:`astsvm_lib.models.off_apexnet`."""

    @staticmethod
    def build(settings: OffApexNetSettings, classes: int) -> keras.Model:
        from astsvm_lib.models.off_apexnet import off_apexnet

        return off_apexnet(classes, **settings.network.model_dump())
