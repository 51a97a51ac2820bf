"""Hand-crafted descriptors of a clip, the paper's Table 8: what a face did, as one vector of numbers."""

from astsvm_lib.descriptors.bi_woof import BiWoof, bi_woof
from astsvm_lib.descriptors.lbp_top import LbpTop, lbp_top
from astsvm_lib.descriptors.stlbp_ip import StlbpIp, stlbp_ip
from astsvm_lib.descriptors.strain import optical_strain

__all__ = ["BiWoof", "LbpTop", "StlbpIp", "bi_woof", "lbp_top", "optical_strain", "stlbp_ip"]
