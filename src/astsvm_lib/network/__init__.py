"""FAM, the inception modules and the two-stream network (III.B, III.C, Table 1), in Keras 3.

Everything here uses ``keras.ops`` only, so that TensorFlow (the default), JAX and PyTorch run the
same code; choose with the environment variable ``KERAS_BACKEND`` before Keras is imported.
"""

from astsvm_lib.network.ast_network import build_network, feature_extractor, initialise, layer_table
from astsvm_lib.network.attention import ChannelAttention, SpatialAttention
from astsvm_lib.network.learning import Outputs, judge, learn
from astsvm_lib.network.training import compile_network, inputs_of, predict, train

__all__ = [
    "ChannelAttention",
    "Outputs",
    "SpatialAttention",
    "build_network",
    "compile_network",
    "feature_extractor",
    "initialise",
    "inputs_of",
    "judge",
    "layer_table",
    "learn",
    "predict",
    "train",
]
