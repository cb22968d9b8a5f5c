"""Sensitivities from gradients, against the divergences of small errors and against measured ones."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import pytest
import torch
from rl.network.test_sensitivity import kullback_leibler, space_of
from scipy import stats
from tools.tiny_models import model, node, serialized
from torch import Tensor
from torch_networks import exported, network_of, pictures

from cimc.policy import Widths
from cimc.rl.network.calibrate import calibrate
from cimc.rl.network.fisher import fisher
from cimc.rl.network.layers import Layer, ProductLayer, WeightLayer, rounded
from cimc.rl.network.network import Network
from cimc.rl.network.sensitivity import measured
from cimc.runtime.arrays import Array

distributions: Any = stats  # SciPy's functions have no types

BITS = (5, 7)
COPIES = 300
"""Each picture draws its class so many times."""


def weights(*shape: int) -> Array:
    """Random numbers, the same whichever tests came before: some bounds here are close."""
    return np.random.default_rng(shape).standard_normal(shape).astype(np.float32)


def rows_of_pictures() -> onnx.ModelProto:
    """A product whose rows are the vectors of all pictures, one after the other, as exporters make it."""
    nodes = [
        node("Reshape", "x rows", "r"),
        node("MatMul", "r w", "m"),
        node("Relu", "m", "a"),
        node("Reshape", "a whole", "f"),
        node("MatMul", "f v", "y"),
    ]
    sizes = {"rows": np.array([-1, 6]), "whole": np.array([-1, 20])}
    return model(nodes, ["N", 24], **sizes, w=weights(6, 5), v=weights(20, 4) / 4)


def vectors_first() -> onnx.ModelProto:
    """The second axis has the pictures, as in attention that is not told to have them first."""
    nodes = [
        node("Transpose", "x", "t", perm=[1, 0, 2]),
        node("MatMul", "t w", "m"),
        node("Relu", "m", "a"),
        node("ReduceMean", "a axis", "f", keepdims=0),
        node("MatMul", "f v", "y"),
    ]
    return model(nodes, ["N", 7, 6], axis=np.array([0]), w=weights(6, 5), v=weights(5, 4))


def one_sided() -> onnx.ModelProto:
    """A convolution that pads more at one end."""
    nodes = [
        node("Conv", "x w", "c", pads=[0, 1, 2, 0]),
        node("Relu", "c", "a"),
        node("Flatten", "a", "f"),
        node("MatMul", "f v", "y"),
    ]
    return model(nodes, ["N", 2, 5, 5], w=weights(3, 2, 3, 3), v=weights(3 * 5 * 4, 4) / 8)


def products_of_inputs() -> onnx.ModelProto:
    """No parameter comes before the first product."""
    nodes = [
        node("Transpose", "x", "t", perm=[0, 1, 3, 2]),
        node("MatMul", "x t", "g"),
        node("Flatten", "g", "f"),
        node("MatMul", "f v", "y"),
    ]
    return model(nodes, ["N", 2, 3, 4], v=weights(18, 4) / 8)


def fixed_batch() -> onnx.ModelProto:
    """Two pictures at a time."""
    nodes = [node("MatMul", "x w", "m"), node("Relu", "m", "a"), node("MatMul", "a v", "y")]
    return model(nodes, [2, 6], w=weights(6, 5), v=weights(5, 4))


MADE = {
    "rows of pictures": rows_of_pictures,
    "vectors first": vectors_first,
    "one-sided": one_sided,
    "products of inputs": products_of_inputs,
    "fixed batch": fixed_batch,
}


def network_for(name: str, folder: Path) -> tuple[Network, Tensor]:
    """A calibrated network and pictures, an odd number of them."""
    path = folder / "model.onnx"
    if name in MADE:
        path.write_bytes(serialized(MADE[name]()))
    else:
        exported(name, path)
    network = network_of(path, 2 if name == "fixed batch" else 1)
    x = torch.randn(5, *network.input_shape, generator=torch.Generator().manual_seed(2))
    calibrate(network, [x], (*BITS, 8))
    return network, x


def quantised_output(layer: Layer, inputs: tuple[Tensor, ...], widths: Widths, *, stored: bool) -> Tensor:
    """What the layer gives with one of its operands quantised and the other one in float."""
    layer.set_widths(widths)
    if isinstance(layer, ProductLayer):
        x, w = inputs
        if stored:
            return torch.matmul(x, rounded(w, layer.stored_ranges[widths.weight_bits]))
        return torch.matmul(rounded(x, layer.input_ranges[widths.activation_bits]), w)
    assert isinstance(layer, WeightLayer)
    if not stored:
        return layer(rounded(inputs[0], layer.input_ranges[widths.activation_bits]))
    weight = layer.inner.weight.data
    before = weight.clone()
    weight.copy_(layer.quantizer.quantized(weight))
    y = layer(*inputs)
    weight.copy_(before)
    return y


def restored(layer: WeightLayer, y: Tensor, wanted: Tensor) -> Tensor:
    """With the mean and the deviation of each output as they were wanted."""
    others = [i for i in range(y.ndim) if i != layer.output_axis % y.ndim]
    (deviation, mean), (goal, centre) = (
        torch.std_mean(values, others, correction=0, keepdim=True) for values in (y, wanted)
    )
    return (y - mean) * (goal / deviation) + centre


@torch.no_grad()
def divergence_of_small_errors(
    network: Network, layer: Layer, x: Tensor, widths: Widths, *, stored: bool
) -> float:
    """The divergence that a hundredth of the error causes, times 100^2."""
    network.quantize(False)
    wanted = network(x)
    part = 0.01

    def add(_: Any, inputs: tuple[Tensor, ...], y: Tensor) -> Tensor:
        handle.remove()
        moved = y + part * (quantised_output(layer, inputs, widths, stored=stored) - y)
        return restored(layer, moved, y) if isinstance(layer, WeightLayer) else moved

    handle = layer.register_forward_hook(add)
    return kullback_leibler(wanted, network(x)) / part**2


@pytest.mark.parametrize("name", ["cnn", "vit", *(name for name in MADE if name != "fixed batch")])
def test_is_the_divergence_of_small_errors(name: str, tmp_path: Path):
    network, x = network_for(name, tmp_path)
    space = space_of(network, BITS)
    found = fisher(network, space, x.repeat(COPIES, *[1] * (x.ndim - 1)), 0)
    for index, layer in enumerate(network.layers.values()):
        for bits in BITS:
            for stored, table, of in (
                (True, found.weights, space.weight_bits),
                (False, found.activations, space.activation_bits),
            ):
                expected = divergence_of_small_errors(network, layer, x, Widths(bits, bits), stored=stored)
                [value] = set(table[index, of == bits])
                assert value == pytest.approx(expected, rel=0.25, abs=1e-9), layer.layer_name


def test_a_network_of_a_fixed_batch_sees_all_pictures(tmp_path: Path):
    """As it does if it takes any batch; the last part is filled up."""
    network, x = network_for("fixed batch", tmp_path)
    space = space_of(network, BITS)
    many: Any = x.repeat(COPIES, 1)[:-1]
    one: Any = network
    assert network.takes_any_batch
    expected = fisher(network, space, many, 0)
    one._whole = False
    found = fisher(network, space, many, 0)
    np.testing.assert_allclose(found.total, expected.total, rtol=0.01)


def test_a_layer_of_another_output_costs_nothing(tmp_path: Path):
    """Only the first output is compared."""
    nodes = [node("MatMul", "x w", "y"), node("MatMul", "x v", "z")]
    proto = model(nodes, ["N", 6], w=weights(6, 5), v=weights(6, 3))
    other = proto.graph.output.add()
    other.CopyFrom(proto.graph.output[0])
    other.name = "z"
    path = tmp_path / "model.onnx"
    path.write_bytes(serialized(proto))
    network = network_of(path)
    x = torch.randn(20, 6, generator=torch.Generator().manual_seed(2))
    calibrate(network, [x], (*BITS, 8))
    found = fisher(network, space_of(network, BITS), x, 0)
    assert (found.total[0] > 0).all()
    assert (found.total[1] == 0).all()


@pytest.mark.parametrize("name", ["cnn", "vit"])
def test_ranks_widths_as_measuring_does(name: str, tmp_path: Path):
    network, widths, x = network_of(exported(name, tmp_path / "model.onnx")), (2, 3, 4), pictures(48)
    # Clearer scores, for float32 does not measure the divergences that these small networks have.
    last: Any = list(network.layers.values())[-1]
    last.inner.weight.data.mul_(10)
    calibrate(network, [x], (*widths, 8))
    space = space_of(network, widths)
    one, other = fisher(network, space, x, 0), measured(network, space, x)
    for a, b in ((one.weights, other.weights), (one.activations, other.activations)):
        clear = b > 1e-6
        assert clear.mean() > 0.9
        assert distributions.spearmanr(a[clear], b[clear]).statistic > 0.93
        ratio = a[clear] / b[clear]
        assert 0.7 < np.median(ratio) < 1.4
        assert 0.2 < ratio.min() <= ratio.max() < 5


def test_the_seed_alone_decides_and_the_network_stays_as_it_was(tmp_path: Path):
    network, x = network_for("cnn", tmp_path)
    space = space_of(network, BITS)
    before = network(x)
    state = torch.get_rng_state()
    first = fisher(network, space, x, 1)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(2)
    np.testing.assert_array_equal(fisher(network, space, x, 1).total, first.total)
    assert (fisher(network, space, x, 2).total != first.total).any()
    assert torch.equal(network(x), before)
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not x.requires_grad
    for layer in network.layers.values():
        assert not layer.quantized
        assert not cast(Any, layer)._forward_hooks


def test_only_allowed_widths_count_and_each_by_itself(tmp_path: Path):
    network, x = network_for("vit", tmp_path)
    space = space_of(network, (5, 7, 8))
    every = fisher(network, space, x, 0)
    assert (every.weights >= 0).all()
    space.allowed[1] = (space.weight_bits == 8) & (space.activation_bits != 7)
    found = fisher(network, space, x, 0)
    for table, whole, bits, left in (
        (found.weights, every.weights, space.weight_bits, (8,)),
        (found.activations, every.activations, space.activation_bits, (5, 8)),
    ):
        expected = np.where(np.isin(bits, left), whole[1], 0)
        np.testing.assert_array_equal(table[1], expected)
        np.testing.assert_array_equal(np.delete(table, 1, 0), np.delete(whole, 1, 0))
