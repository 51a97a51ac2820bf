"""Hand-crafted descriptors of a clip, the paper's Table 8: what a face did, as one vector of numbers."""

from astsvm_lib.descriptors.bi_woof import BiWoof, bi_woof
from astsvm_lib.descriptors.lbp_top import LbpTop, lbp_top

__all__ = ["BiWoof", "LbpTop", "bi_woof", "lbp_top"]
