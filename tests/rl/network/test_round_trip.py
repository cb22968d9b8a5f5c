"""From a file to a network, to a QCDQ file, and back: nothing changes on the way."""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from tools.tiny_models import model, node, serialized
from torch import Tensor
from torch_networks import (
    NETWORKS,
    exported,
    layer_ops,
    layers_of,
    mixed,
    network_of,
    pictures,
    quantized,
    same_but_ties,
)

import cimc
from cimc.passes.constants import constant
from cimc.policy import Widths
from cimc.rl.network.calibrate import calibrate
from cimc.rl.network.export import export_qcdq
from cimc.rl.network.layers import ProductLayer, WeightLayer
from cimc.rl.network.network import Network
from cimc.runtime.arrays import Array
from cimc.runtime.quantization import Quantizer
from cimc.tools.compare import reference_outputs

MODELS = Path(__file__).parents[3] / "examples" / "models"


def written(network: Network, folder: Path) -> Path:
    path = folder / "qcdq.onnx"
    export_qcdq(network, path)
    return path


def outputs(network: Network, x: Tensor) -> Array:
    with torch.no_grad():
        return network(x).numpy()


def same_quantizer(found: Quantizer | None, expected: Quantizer) -> None:
    assert found is not None
    assert found == Quantizer(
        found.scale, expected.zero_point, expected.bits, expected.signed, expected.narrow
    )
    assert found.scale == pytest.approx(expected.scale, rel=1e-6)


def check_ir(path: Path, network: Network) -> None:
    """The file has the layers of the network, with all that is about their quantisation."""
    ctx, module = layers_of(path)
    ops = layer_ops(module)
    assert list(ops) == list(network.layers)
    for name, layer in network.layers.items():
        op = ops[name]
        assert op.precision is not None
        assert op.precision.activation == layer.input.quantizer().bits
        same_quantizer(op.input_quantizer, layer.input.quantizer())
        if isinstance(layer, ProductLayer):
            assert op.precision.weight == layer.stored.quantizer().bits
            same_quantizer(op.stored_quantizer, layer.stored.quantizer())
        elif isinstance(layer, WeightLayer):
            assert op.precision.weight == layer.quantizer.bits
            assert op.scale is not None
            codes, scale = constant(ctx, op.w), constant(ctx, op.scale)
            assert codes is not None
            assert scale is not None
            scales = layer.quantizer.scales()
            np.testing.assert_array_equal(np.broadcast_to(scale, len(scales)), scales.numpy())
            values = layer.quantizer.quantized(layer.inner.weight).detach().numpy()
            expected = np.rint(values / scales.numpy().reshape(-1, *[1] * (values.ndim - 1)))
            np.testing.assert_array_equal(np.moveaxis(codes, op.W_OUTPUT_AXIS, 0), expected)


def check_again(path: Path, network: Network, x: Tensor) -> None:
    """A network that is read from the written file computes the same."""
    again = network_of(path)
    again.quantize()
    same_but_ties(outputs(again, x), outputs(network, x))


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", range(3))
def test_round_trip_of_a_float_model(name: str, seed: int, tmp_path: Path) -> None:
    network = quantized(name, tmp_path / "model.onnx", seed)
    x = pictures(32)
    expected = outputs(network, x)
    path = written(network, tmp_path)
    np.testing.assert_array_equal(outputs(network, x), expected)
    check_ir(path, network)
    precisions = {n: op.precision for n, op in layer_ops(layers_of(path)[1]).items()}
    found = {n: p and Widths(p.weight, p.activation) for n, p in precisions.items()}
    assert found == mixed(list(network.layers), seed)
    check_again(path, network, x)
    for count in (1, 32):
        found = reference_outputs(path, {"x": x[:count].numpy()})["logits"]
        same_but_ties(found, expected[:count])
    same_but_ties(cimc.compile(path, batch=4).run(x.numpy())["logits"], expected)


def test_round_trip_of_a_model_from_the_new_exporter(tmp_path: Path) -> None:
    network = network_of(exported("vit", tmp_path / "model.onnx", "dynamo"))
    calibrate(network, [pictures(16)], (4,))
    network.set_widths(dict.fromkeys(network.layers, Widths(4, 4)))
    check_ir(written(network, tmp_path), network)


def test_a_fixed_batch_stays_fixed(tmp_path: Path) -> None:
    """Where pictures cannot be computed together."""
    path = exported("vit", tmp_path / "model.onnx", batch=2, open_batch=False)
    network = network_of(path, batch=2)
    calibrate(network, [pictures(8)], (8,))
    network.quantize()
    path = written(network, tmp_path)
    sizes = onnx.load_from_string(path.read_bytes()).graph.input[0].type.tensor_type.shape.dim
    assert [size.dim_value for size in sizes] == [2, 2, 12, 12]
    x = pictures(2)
    found = reference_outputs(path, {"x": x.numpy()})["logits"]
    np.testing.assert_allclose(found, outputs(network, x), atol=1e-4)


@pytest.mark.parametrize("name", ["fashion_mixed_qcdq", "fashion_mixed_qonnx"])
def test_round_trip_of_a_brevitas_model(name: str, tmp_path: Path) -> None:
    network = network_of(MODELS / f"{name}.onnx")
    check_ir(MODELS / f"{name}.onnx", network)
    network.quantize()
    path = written(network, tmp_path)
    check_ir(path, network)
    check_again(path, network, torch.rand(16, 1, 28, 28, generator=torch.Generator().manual_seed(0)))


@pytest.fixture(scope="module")
def qdq(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A float model, and what onnxruntime makes of it: zero points, and hardly a Relu left."""
    quantize_qdq: Any = pytest.importorskip("quantize_qdq")
    folder = tmp_path_factory.mktemp("qdq")
    path = exported("cnn", folder / "model.onnx")
    quantize_qdq.quantise(str(path), str(folder / "qdq.onnx"), pictures(16).numpy())
    return path, folder / "qdq.onnx"


def test_round_trip_of_a_qdq_model(qdq: tuple[Path, Path], tmp_path: Path) -> None:
    network = network_of(qdq[1])
    check_ir(qdq[1], network)
    assert sum(layer.input.quantizer().zero_point > 0 for layer in network.layers.values()) > 2
    network.quantize()
    path = written(network, tmp_path)
    check_ir(path, network)
    x = pictures(16)
    check_again(path, network, x)
    same_but_ties(reference_outputs(path, {"x": x.numpy()})["logits"], outputs(network, x))


def test_qdq_model_keeps_its_activation_functions(qdq: tuple[Path, Path]) -> None:
    """Also those that onnxruntime leaves to the quantisers, in float too."""
    float_model, file = qdq
    kinds = [node.op_type for node in onnx.load_from_string(file.read_bytes()).graph.node]
    assert "Relu" not in kinds
    x = pictures(32, seed=1)
    network = network_of(file)
    expected = outputs(network_of(float_model), x)
    spread = np.ptp(expected)
    assert np.abs(outputs(network, x) - expected).max() < 0.03 * spread
    network.quantize()
    found = reference_outputs(file, {"x": x.numpy()})["logits"]
    assert np.abs(outputs(network, x) - found).max() < 0.06 * spread


def quantised_dense(codes: Array, zero_point: int) -> onnx.ModelProto:
    """A dense layer [2, 3] in QDQ form, with these codes as weights."""
    nodes = [
        node("QuantizeLinear", "x one zero", "q"),
        node("DequantizeLinear", "q one zero", "d"),
        node("DequantizeLinear", "codes scale point", "w", axis=1),
        node("MatMul", "d w", "y"),
    ]
    return model(
        nodes,
        ["N", 2],
        opset=20,
        one=np.float32(1),
        zero=np.int8(0),
        codes=codes,
        scale=np.full(3, 0.5, np.float32),
        point=np.full(3, zero_point, codes.dtype),
    )


@pytest.mark.parametrize(
    ("codes", "zero_point"),
    [
        (np.array([[-128, 3, 0], [127, -127, 1]], np.int8), 0),
        (np.array([[0, 255, 7], [255, 0, 200]], np.uint8), 7),
        (np.array([[-127, 127, 5], [1, 0, -3]], np.int8), 0),
    ],
)
def test_weights_of_any_codes(codes: Array, zero_point: int, tmp_path: Path) -> None:
    """None is clipped: what a symmetric range has no code for is quantised anew, to half a step."""
    path = tmp_path / "model.onnx"
    path.write_bytes(serialized(quantised_dense(codes, zero_point)))
    network = network_of(path)
    network.quantize()
    expected = (codes.astype(np.float32) - zero_point) / 2
    (layer,) = network.weight_layers()
    half_step = np.abs(expected).max(axis=0) / 127 / 2
    found = outputs(network, torch.eye(2))
    assert (np.abs(found - expected) <= half_step * 1.001).all()
    if np.abs(codes.astype(int) - zero_point).max() < 128:
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(layer.quantizer.scales().numpy(), np.full(3, 0.5, np.float32))


def test_layers_that_share_weights_become_two(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", "x fc.weight", "a"),
        node("Relu", "a", "r"),
        node("MatMul", "r fc.weight", "y"),
    ]
    weights = np.random.default_rng(0).standard_normal((5, 5)).astype(np.float32)
    path = tmp_path / "model.onnx"
    path.write_bytes(serialized(model(nodes, ["N", 5], opset=20, **{"fc.weight": weights})))
    network = network_of(path)
    assert list(network.layers) == ["fc", "fc#2"]
    x = torch.randn(16, 5, generator=torch.Generator().manual_seed(0))
    calibrate(network, [x], (3, 6))
    for widths in ([Widths(3, 6), Widths(6, 3)], [Widths(6, 6), Widths(6, 6)]):
        network.set_widths(dict(zip(network.layers, widths, strict=True)))
        network.quantize()
        path = written(network, tmp_path)
        check_ir(path, network)
        check_again(path, network, x)
