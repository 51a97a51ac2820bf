"""Registry of all methods by name, used by the command line, the tests and the book."""

from __future__ import annotations

from astsvm_lib.errors import CompanionError
from astsvm_lib.methods.ast_svmnet import AstSvmNet
from astsvm_lib.methods.bi_woof import BiWoofMethod, BiWoofSettings
from astsvm_lib.methods.kernels import Kernels
from astsvm_lib.methods.lbp_top import LbpTopMethod, LbpTopSettings
from astsvm_lib.methods.majority import Majority
from astsvm_lib.methods.maps_svm import MapsSvm, MapsSvmSettings
from astsvm_lib.methods.mean_attention import MeanAttention
from astsvm_lib.methods.megc_baseline import MegcBaseline
from astsvm_lib.methods.method import Method, NoSettings
from astsvm_lib.methods.off_apexnet import OffApexNet, OffApexNetSettings
from astsvm_lib.methods.own import installed, own_method
from astsvm_lib.methods.pooled_svm import PooledSvm
from astsvm_lib.methods.stlbp_ip import StlbpIpMethod, StlbpIpSettings
from astsvm_lib.methods.ststnet import StstNet, StstNetSettings
from astsvm_lib.methods.untrained import Untrained

SVM = {"svm": "SVM on the descriptor"}
SOFTMAX = {"softmax": "softmax head"}

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        AstSvmNet(
            name="ast-svmnet",
            title="AST+SVMNet",
            paper="xue2024ast",
            inputs="ten prepared frames: Lucas-Kanade flow and image differences",
            heads={
                "svm": "SVM on the network's features",
                "softmax": "softmax head",
                "svm-linear": "linear SVM on the network's features",
                "svm-defaults": "SVM with scikit-learn's default parameters",
            },
            settings=NoSettings,
        ),
        Untrained(
            name="untrained",
            title="Untrained network + SVM",
            paper="xue2024ast",
            inputs="as AST+SVMNet",
            heads={
                "svm": "SVM on the features of a network that was not trained",
                "svm-linear": "linear SVM on the network's features",
                "svm-defaults": "SVM with scikit-learn's default parameters",
            },
            settings=NoSettings,
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
        ),
        MeanAttention(
            name="mean-attention",
            title="AST+SVMNet, attention replaced",
            paper="xue2024ast",
            inputs="as AST+SVMNet",
            heads={
                "svm": "SVM, attention as trained",
                "softmax": "softmax head, attention as trained",
                "svm-mean": "SVM, mean attention",
                "softmax-mean": "softmax head, mean attention",
                "svm-equal": "SVM, equal attention",
                "softmax-equal": "softmax head, equal attention",
            },
            settings=NoSettings,
        ),
        LbpTopMethod(
            name="lbp-top",
            descriptor="lbp-top",
            title="LBP-TOP",
            paper="zhao2007lbptop",
            inputs="ten prepared frames",
            heads=SVM,
            settings=LbpTopSettings,
        ),
        StlbpIpMethod(
            name="stlbp-ip",
            descriptor="stlbp-ip",
            title="STLBP-IP",
            paper="huang2015stlbpip",
            inputs="ten prepared frames",
            heads=SVM,
            settings=StlbpIpSettings,
        ),
        BiWoofMethod(
            name="bi-woof",
            descriptor="bi-woof",
            title="Bi-WOOF",
            paper="liong2018biwoof",
            inputs="onset and apex: TV-L1 flow and optical strain",
            heads=SVM,
            settings=BiWoofSettings,
        ),
        OffApexNet(
            name="off-apexnet",
            title="OFF-ApexNet",
            paper="gan2019offapexnet",
            inputs="onset and apex: TV-L1 flow at 28x28",
            heads=SOFTMAX,
            settings=OffApexNetSettings,
        ),
        StstNet(
            name="ststnet",
            title="STSTNet",
            paper="liong2019ststnet",
            inputs="onset and apex: TV-L1 flow and optical strain at 28x28",
            heads=SOFTMAX,
            settings=StstNetSettings,
        ),
        PooledSvm(
            name="pooled-svm",
            title="Linear SVM, no network",
            paper="",
            inputs="as AST+SVMNet, reduced to 32x32",
            heads={"svm": "linear SVM on the inputs"},
            settings=NoSettings,
        ),
        MegcBaseline(
            name="megc-baseline",
            title="MEGC baseline",
            paper="see2019megc",
            inputs="onset and apex: flow by the recipe's method, and optical strain, at 28x28",
            heads={"svm": "SVM on the maps"},
            settings=NoSettings,
        ),
        MapsSvm(
            name="maps-svm",
            title="SVM on stretched maps",
            paper="see2019megc",
            inputs="onset and apex: flow and optical strain at 28x28, each stretched to 0..1",
            heads={"svm": "SVM on the maps"},
            settings=MapsSvmSettings,
        ),
        Majority(
            name="majority",
            title="Majority class",
            paper="",
            inputs="nothing of a clip",
            heads={"majority": "majority class of the training fold"},
            settings=NoSettings,
        ),
    )
}


def method_named(name: str) -> Method:
    """The method with this name.

    Parameters
    ----------
    name
        A name in :data:`METHODS`, ``module:Class`` of a class of your own (:mod:`astsvm_lib.methods.own`), or a name
        that an installed package declares as an entry point of the group ``astsvm.methods``.

    Raises
    ------
    CompanionError
        If there is no such method; the message lists the names.
    """
    if name in METHODS:
        return METHODS[name]
    if ":" in name:
        return own_method(name)
    found = installed()
    if name in found:
        return own_method(found[name])
    known = ", ".join([*METHODS, *sorted(found)])
    raise CompanionError(f"unknown method '{name}'; expected one of {known}, or module:Class")
