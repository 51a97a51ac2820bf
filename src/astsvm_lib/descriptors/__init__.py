"""Hand-crafted descriptors of Table 8: one feature vector per clip."""

from astsvm_lib.descriptors.bi_woof import BiWoof, bi_woof
from astsvm_lib.descriptors.lbp_top import LbpTop, lbp_top
from astsvm_lib.descriptors.stlbp_ip import StlbpIp, stlbp_ip
from astsvm_lib.features.strain import optical_strain

__all__ = ["BiWoof", "LbpTop", "StlbpIp", "bi_woof", "lbp_top", "optical_strain", "stlbp_ip"]
