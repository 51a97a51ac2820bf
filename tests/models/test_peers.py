import numpy as np
import pytest

from astsvm_lib.models.initialisation import initialise
from astsvm_lib.models.off_apexnet import off_apexnet
from astsvm_lib.models.ststnet import ststnet
from astsvm_lib.models.training.keras_trainer import KerasTrainer, compile_network
from astsvm_lib.recipe import Optimisation


def count(network, *prefixes: str) -> int:
    return sum(int(np.prod(v.shape)) for v in network.trainable_variables if v.path.split("/")[-2].startswith(prefixes))


def test_off_apexnet_has_the_published_layers():
    """Gan et al. 2019: 5x5 convolutions of 6 and 16 kernels, poolings, two dense layers of 1024, three classes."""
    network = off_apexnet()
    stream = (25 * 1 + 1) * 6 + (25 * 6 + 1) * 16
    assert count(network, "u_") == count(network, "v_") == stream == 2572
    dense = (2 * 7 * 7 * 16 + 1) * 1024 + (1024 + 1) * 1024
    assert network.count_params() == 2 * stream + dense + (1024 + 1) * 3 == 2_664_475
    assert network.get_layer("u_pool_2").output.shape[1:] == (7, 7, 16)


def test_ststnet_has_the_published_layers():
    """Liong et al. 2019: 3x3 convolutions of 3, 5 and 8 kernels over three maps; 10x10, 5x5, three classes."""
    network = ststnet()
    assert [count(network, f"convolution_{k}") for k in (3, 5, 8)] == [84, 140, 224]
    assert count(network, "head") == (5 * 5 * 16 + 1) * 3 == 1203
    assert network.get_layer("pool_8").output.shape[1:] == (10, 10, 8)
    assert network.get_layer("average").output.shape[1:] == (5, 5, 16)
    assert ststnet(batch_norm=False).count_params() == 84 + 140 + 224 + 1203


@pytest.mark.parametrize("build", [off_apexnet, ststnet])
def test_what_comes_out_are_probabilities_that_depend_on_every_input(build):
    network = build(classes=4)
    initialise(network, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    maps = [rng.random((2, 28, 28)).astype(np.float32) for _ in network.inputs]
    compile_network(network, Optimisation())
    _, plain = KerasTrainer(network, Optimisation(batch_size=1)).predict(maps)
    assert plain.shape == (2, 4)
    assert np.allclose(plain.sum(1), 1, atol=1e-5)
    for number in range(len(maps)):
        other = [-m if i == number else m for i, m in enumerate(maps)]
        assert not np.allclose(KerasTrainer(network, Optimisation()).predict(other)[1], plain)
