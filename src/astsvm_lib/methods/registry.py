"""Every method by its name: what the command runs, the tests try and the book lists."""

from __future__ import annotations

from astsvm_lib.errors import CompanionError
from astsvm_lib.methods.ast_svmnet import NoSettings, Untrained
from astsvm_lib.methods.described import (
    BiWoofSettings,
    Described,
    LbpTopSettings,
    StlbpIpSettings,
    describe_bi_woof,
    describe_lbp_top,
    describe_stlbp_ip,
)
from astsvm_lib.methods.kernels import Kernels
from astsvm_lib.methods.method import Method
from astsvm_lib.methods.peer import OffApexNetSettings, Peer, StstNetSettings
from astsvm_lib.methods.together import TogetherAstSvmNet

PREPARED = ("registration", "magnification", "interpolation")
ONSET_APEX = ("registration", "flow")
LEARNING = ("transfer", "evaluation.loso")
NETWORK_STAGES = (
    *PREPARED,
    "flow",
    "difference",
    "attention",
    "inception",
    "head",
    "transfer",
    "training",
    "scoring",
    "labels",
)
NETWORK_ROOMS = (
    "preprocessing",
    "features",
    "network.attention",
    "network.inception",
    "network.ast_network",
    "network.fast",
    "network.learning",
    "network.training",
    "network.many_folds",
    "methods.ast_svmnet",
    "methods.together",
    *LEARNING,
)
DESCRIBED = ("preprocessing", "descriptors", "methods.described", *LEARNING)
PEER = ("preprocessing", "features", "descriptors", "network.training", "methods.peer", "evaluation.loso")
SVM = {"svm": "SVM on the descriptor"}
SOFTMAX = {"softmax": "softmax head"}

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        TogetherAstSvmNet(
            name="ast-svmnet",
            title="AST+SVMNet",
            paper="xue2024ast",
            inputs="ten prepared frames: Lucas-Kanade flow and image differences",
            heads={
                "svm": "SVM on the network's features",
                "softmax": "softmax head",
                "svm-raw": "SVM, features not standardised",
            },
            settings=NoSettings,
            stages=NETWORK_STAGES,
            rooms=NETWORK_ROOMS,
        ),
        Untrained(
            name="untrained",
            title="Untrained network + SVM",
            paper="xue2024ast",
            inputs="as AST+SVMNet",
            heads={
                "svm": "SVM on the features of a network that was not trained",
                "svm-raw": "SVM, features not standardised",
            },
            settings=NoSettings,
            stages=NETWORK_STAGES,
            rooms=NETWORK_ROOMS,
        ),
        Kernels(
            name="kernels",
            title="AST+SVMNet, four kernels",
            paper="xue2024ast",
            inputs="as AST+SVMNet",
            heads={
                "linear": "linear SVM",
                "polynomial": "polynomial SVM",
                "rbf": "RBF SVM",
                "chi-squared": "chi-squared SVM",
                "softmax": "softmax head",
            },
            settings=NoSettings,
            stages=tuple(stage for stage in NETWORK_STAGES if stage != "transfer"),
            rooms=(*NETWORK_ROOMS, "evaluation.inner_search", "methods.kernels"),
        ),
        Described(
            name="lbp-top",
            title="LBP-TOP",
            paper="zhao2007lbptop",
            inputs="ten prepared frames",
            heads=SVM,
            settings=LbpTopSettings,
            stages=PREPARED,
            rooms=DESCRIBED,
            describe=describe_lbp_top,
        ),
        Described(
            name="stlbp-ip",
            title="STLBP-IP",
            paper="huang2015stlbpip",
            inputs="ten prepared frames",
            heads=SVM,
            settings=StlbpIpSettings,
            stages=PREPARED,
            rooms=DESCRIBED,
            describe=describe_stlbp_ip,
        ),
        Described(
            name="bi-woof",
            title="Bi-WOOF",
            paper="liong2018biwoof",
            inputs="onset and apex: TV-L1 flow and optical strain",
            heads=SVM,
            settings=BiWoofSettings,
            stages=ONSET_APEX,
            rooms=(*DESCRIBED, "features"),
            describe=describe_bi_woof,
        ),
        Peer(
            name="off-apexnet",
            title="OFF-ApexNet",
            paper="gan2019offapexnet",
            inputs="onset and apex: TV-L1 flow at 28x28",
            heads=SOFTMAX,
            settings=OffApexNetSettings,
            stages=ONSET_APEX,
            rooms=(*PEER, "peers.off_apexnet"),
            builder="off_apexnet",
        ),
        Peer(
            name="ststnet",
            title="STSTNet",
            paper="liong2019ststnet",
            inputs="onset and apex: TV-L1 flow and optical strain at 28x28",
            heads=SOFTMAX,
            settings=StstNetSettings,
            stages=ONSET_APEX,
            rooms=(*PEER, "peers.ststnet"),
            builder="ststnet",
        ),
    )
}


def method_named(name: str) -> Method:
    """The method of this name, or an error that lists them."""
    if name not in METHODS:
        raise CompanionError(f"unknown method '{name}'; expected one of {', '.join(METHODS)}")
    return METHODS[name]
