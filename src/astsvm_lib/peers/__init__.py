"""Published networks that the paper compares itself with, small enough to be run here: Keras 3, any backend."""

from astsvm_lib.peers.off_apexnet import off_apexnet
from astsvm_lib.peers.ststnet import ststnet

__all__ = ["off_apexnet", "ststnet"]
