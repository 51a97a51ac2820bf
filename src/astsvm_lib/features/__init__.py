"""The two inputs of the network, (10, 192, 192) each: optical flow and IDSF."""

from astsvm_lib.features.idsf import difference_sequence, match_light
from astsvm_lib.features.lucas_kanade import lucas_kanade
from astsvm_lib.features.optical_flow import flow_sequence, optical_flow
from astsvm_lib.features.pipeline import Features, extract, extract_all

__all__ = [
    "Features",
    "difference_sequence",
    "extract",
    "extract_all",
    "flow_sequence",
    "lucas_kanade",
    "match_light",
    "optical_flow",
]
