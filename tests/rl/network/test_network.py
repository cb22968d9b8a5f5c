"""A network in float is the ONNX model that it was read from."""

import copy
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from export import export
from hypothesis import given, settings
from onnx import ModelProto, TensorProto, helper
from tools.tiny_models import model, node, serialized, weights
from torch import Tensor
from torch_networks import (
    NETWORKS,
    convolutions,
    exported,
    layer_ops,
    layers_of,
    mixed,
    network_of,
    pictures,
    quantized,
)

import cimc
from cimc.context import new_context
from cimc.errors import CimcError
from cimc.ir_files import parse_module
from cimc.rl.network.network import Network
from cimc.runtime.arrays import Array
from cimc.tools.compare import reference_outputs

untyped = cast(Any, helper)


def reference(path: Path, x: Tensor) -> Array:
    """onnxruntime's result."""
    (y,) = reference_outputs(path, {"x": x.numpy()}).values()
    return y


def saved(file: ModelProto, folder: Path) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(serialized(file))
    return path


@torch.no_grad()
def check(network: Network, x: Tensor, expected: Array) -> None:
    found = network(x).numpy()
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("exporter", ["torchscript", "dynamo"])
@pytest.mark.parametrize("name", NETWORKS)
def test_network_of_an_open_batch(name: str, exporter: str, tmp_path: Path) -> None:
    path = exported(name, tmp_path / "model.onnx", exporter)
    x = pictures(7)
    expected = reference(path, x)
    network = network_of(path)
    assert network.takes_any_batch
    for count in (1, 4, 7):
        check(network, x[:count], expected[:count])
    check(network_of(path, batch=3), x, expected)


@pytest.mark.parametrize("exporter", ["torchscript", "dynamo"])
@pytest.mark.parametrize("name", NETWORKS)
def test_network_of_a_fixed_batch(name: str, exporter: str, tmp_path: Path) -> None:
    """Pictures are computed that many at a time where the file's sizes ask for it."""
    path = exported(name, tmp_path / "model.onnx", exporter, batch=2, open_batch=False)
    x = pictures(5)
    padded = torch.cat([x, x[-1:]])
    expected = np.concatenate([reference(path, padded[i : i + 2]) for i in (0, 2, 4)])
    check(network_of(path, batch=2), x, expected[:5])


class OneHead(torch.nn.Module):
    """Attention with one head: a product of single matrices, if there is one picture."""

    def __init__(self) -> None:
        super().__init__()
        self.key = torch.nn.Linear(6, 4)
        self.out = torch.nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        weights = torch.softmax(self.key(x) @ self.key(x).transpose(1, 2), -1)
        return self.out((weights @ x).mean(1))


def test_products_of_single_matrices(tmp_path: Path) -> None:
    path, x = tmp_path / "model.onnx", torch.randn(3, 5, 6, generator=torch.Generator().manual_seed(0))
    export(OneHead().eval(), x[:1], path, "torchscript", dynamic_batch=True)
    network = network_of(path)
    assert any(op.name == "cim.reshape" for op in layers_of(path)[1].walk())
    check(network, x, reference(path, x))


@settings(max_examples=40)
@given(convolutions())
def test_convolutions(tmp_path_factory: pytest.TempPathFactory, case: tuple[ModelProto, Array]) -> None:
    file, x = case
    path = saved(file, tmp_path_factory.mktemp("model"))
    network, pictures = network_of(path), torch.as_tensor(x)
    assert network.takes_any_batch
    check(network, pictures, reference(path, pictures))


def test_pictures_that_change_each_other_are_computed_apart(tmp_path: Path) -> None:
    """The mean over a batch of two stays one over two."""
    nodes = [
        node("MatMul", "x w", "p"),
        node("ReduceMean", "p axes", "m", keepdims=1),
        node("Sub", "p m", "y"),
    ]
    path = saved(model(nodes, [2, 6], opset=20, w=weights(6, 4), axes=np.array([0])), tmp_path)
    network = network_of(path, batch=2)
    assert not network.takes_any_batch
    x = torch.randn(4, 6, generator=torch.Generator().manual_seed(0))
    check(network, x, np.concatenate([reference(path, x[:2]), reference(path, x[2:])]))


def test_a_copy_is_a_network_of_its_own(tmp_path: Path) -> None:
    network = quantized("vit", tmp_path / "model.onnx")
    x = pictures(3)
    with torch.no_grad():
        expected = network(x)
        other = copy.deepcopy(network)
        assert torch.equal(other(x), expected)
        assert all(layer in list(other.modules()) for layer in other.layers.values())
        other.set_widths(mixed(list(network.layers), seed=7))
        other.quantize()
        assert not torch.equal(other(x), expected)
        for parameter in other.parameters():
            parameter.zero_()
        assert torch.equal(network(x), expected)


def test_two_inputs_are_refused(tmp_path: Path) -> None:
    file = model([node("MatMul", "x w", "p"), node("Add", "p z", "y")], [1, 3], w=weights(3, 2))
    file.graph.input.append(untyped.make_tensor_value_info("z", TensorProto.FLOAT, [1, 2]))
    with pytest.raises(CimcError, match="a network of one input, not 2"):
        network_of(saved(file, tmp_path))


def test_an_op_without_an_operator_is_named() -> None:
    ctx = new_context()
    text = """
    func.func @main(%x: tensor<1x3xf32>) -> tensor<2xi64> {
      %y = onnx.Shape(%x) : (tensor<1x3xf32>) -> tensor<2xi64> loc("sizes")
      func.return %y : tensor<2xi64>
    }"""
    with pytest.raises(CimcError, match=r"node 'sizes' \(onnx.Shape\): a search has no torch operator"):
        Network(ctx, parse_module(ctx, text, "test"))


def test_layers_on_codes_are_refused(tmp_path: Path) -> None:
    path = exported("cnn", tmp_path / "model.onnx")
    program = cimc.compile(path, calibrate={"x": pictures(2).numpy()})
    with pytest.raises(CimcError, match="a search has no torch operator"):
        Network(program.ctx, program.module)


def test_several_matrices_of_weights_are_refused(tmp_path: Path) -> None:
    file = model([node("MatMul", "x w", "y")], [1, 4, 3, 6], w=weights(4, 6, 2))
    with pytest.raises(
        CimcError, match=r"layer 'w.*one matrix of weights a layer, these have shape \[1, 4, 6, 2\]"
    ):
        network_of(saved(file, tmp_path))


def test_what_fails_in_torch_is_named(tmp_path: Path) -> None:
    network = network_of(exported("vit", tmp_path / "model.onnx"))
    with pytest.raises(CimcError, match="layer 'conv_proj': it fails in torch"):
        network(torch.zeros(2, 3, 12, 12))
    with pytest.raises(CimcError, match=r"node '/Reshape' \(onnx.Reshape\): it fails in torch"):
        network(torch.zeros(2, 2, 16, 16))


def test_unknown_layers_and_widths_are_refused(tmp_path: Path) -> None:
    network = network_of(exported("cnn", tmp_path / "model.onnx"))
    for policy in (mixed(["no such layer"]), mixed(["conv1"])):
        with pytest.raises(KeyError):
            network.set_widths(policy)


def test_layers_are_those_of_the_ir(tmp_path: Path) -> None:
    ctx, module = layers_of(exported("vit", tmp_path / "model.onnx"))
    assert list(Network(ctx, module).layers) == list(layer_ops(module))
