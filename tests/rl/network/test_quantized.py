"""A quantised network gives the codes and the sums of the IR that it was built from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import ModelProto
from tools.tiny_models import serialized
from torch import Tensor
from torch_networks import (
    NETWORKS,
    WIDTHS,
    convolutions,
    exported,
    layer_ops,
    mixed,
    network_of,
    pictures,
    quantized,
    same_but_ties,
)
from xdsl.interpreter import Interpreter, PythonValues
from xdsl.ir import Operation

import cimc
from cimc.dialects.cim.layers import LayerOp
from cimc.interpreters.execute import Executor
from cimc.interpreters.layer import run_float_layer
from cimc.passes.constants import constant
from cimc.policy import Policy
from cimc.program import Program
from cimc.rl.network.layers import Layer, ProductLayer, WeightLayer, rounded
from cimc.rl.network.network import Network
from cimc.rl.network.quantizers import ActivationQuantizer
from cimc.rl.network.tensors import tensor
from cimc.runtime.arrays import Array
from cimc.runtime.quantization import Quantizer, weight_codes

TIE = 1e-4
"""Float32 does not tell on which side of a tie a value lies that is so near to it, in steps."""


def as_options(policy: Policy) -> dict[str, Mapping[str, int]]:
    return {name: vars(widths) for name, widths in policy.items()}


def compiled(path: Path, x: Array, seed: int) -> Program:
    """The executable IR at mixed widths, calibrated on `x`."""
    layers = list(layer_ops(cimc.compile(path, emit="report").module))
    return cimc.compile(
        path, emit="cim", batch=len(x), policy=as_options(mixed(layers, seed)), calibrate={"x": x}
    )


@dataclass
class Watch(Interpreter.Listener):
    """Keeps what layers are given when IR is executed."""

    seen: dict[str, tuple[LayerOp, PythonValues]] = field(
        default_factory=dict[str, tuple[LayerOp, PythonValues]]
    )

    def will_interpret_op(self, op: Operation, args: PythonValues) -> None:
        if isinstance(op, LayerOp):
            self.seen[op.layer.data] = op, args


def same_codes(found: ActivationQuantizer, expected: Quantizer, x: Array) -> Array:
    """Checks that values get the same codes but on ties; they return as the values of the codes."""
    codes = expected.quantize(x).astype(np.float64)
    in_torch = found(tensor(x)).detach().numpy() / np.float64(expected.scale) + expected.zero_point
    differs = np.abs(in_torch - codes) > TIE
    assert (np.abs(in_torch - codes)[differs] < 1 + TIE).all()
    steps = (x / np.float64(expected.scale))[differs]
    assert (np.abs(steps - np.floor(steps) - 0.5) < TIE).all()
    return ((codes - expected.zero_point) * expected.scale).astype(np.float32)


def check_layer(layer: Layer, op: LayerOp, args: PythonValues) -> None:
    """The layer has the op's codes, and gives its sums for the same codes."""
    values = dict(zip(op.operands, args, strict=True))
    assert op.input_quantizer is not None
    assert op.precision is not None
    values[op.x] = same_codes(layer.input, op.input_quantizer, values[op.x])
    operands, bias = [values[op.x]], np.zeros(1)
    if isinstance(layer, ProductLayer):
        assert op.stored_quantizer is not None
        values[op.w] = same_codes(layer.stored, op.stored_quantizer, values[op.w])
        operands.append(values[op.w])
        step = np.array([op.stored_quantizer.scale * op.input_quantizer.scale])
    else:
        assert isinstance(layer, WeightLayer)
        scale = None if op.scale is None else values[op.scale]
        codes, scales = weight_codes(values[op.w], scale, op.precision.weight, op.W_OUTPUT_AXIS)
        step = scales.astype(np.float64) * op.input_quantizer.scale
        in_torch = layer.quantizer.quantized(layer.inner.weight).detach().numpy()
        by_output = scales.reshape(-1, *[1] * (in_torch.ndim - 1))
        expected_codes = np.moveaxis(codes, op.W_OUTPUT_AXIS, 0)
        np.testing.assert_array_equal(np.rint(in_torch / by_output), expected_codes)
        np.testing.assert_allclose(layer.quantizer.scales().numpy(), scales, rtol=1e-6)
        bias = bias if op.bias is None else values[op.bias]
    expected = run_float_layer(op, tuple(values[operand] for operand in op.operands))
    with torch.no_grad():
        found = layer(*map(tensor, operands)).numpy()
    shape = [1] * expected.ndim
    shape[op.OUTPUT_AXIS] = -1
    sums, expected_sums = (
        np.rint((y - bias.reshape(shape)) / step.reshape(shape)) for y in (found, expected)
    )
    np.testing.assert_array_equal(sums, expected_sums)


def check(program: Program, x: Array) -> None:
    network, watch = Network(program.ctx, program.module), Watch()
    network.quantize()
    Executor(program.module, program.ctx.tensors).run({"x": x}, watch)
    assert list(watch.seen) == list(network.layers)
    for name, (op, args) in watch.seen.items():
        check_layer(network.layers[name], op, args)


@settings(max_examples=30)
@given(convolutions(), st.integers(0, 2**31))
def test_layers_give_the_sums_of_the_ir(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[ModelProto, Array], seed: int
) -> None:
    file, x = case
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    path.write_bytes(serialized(file))
    check(compiled(path, x, seed), x)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("seed", range(3))
def test_network_is_the_executed_ir(name: str, seed: int, tmp_path: Path) -> None:
    """Layer by layer, and as a whole."""
    x = pictures(32).numpy()
    program = compiled(exported(name, tmp_path / "model.onnx"), x, seed)
    check(program, x)
    network = Network(program.ctx, program.module)
    network.quantize()
    expected = program.run(x)["logits"]
    with torch.no_grad():
        found = network(tensor(x)).numpy()
    same_but_ties(found, expected)


def every_width(network: Network) -> list[Policy]:
    return [{name: type(w)(bits, bits) for name, w in mixed(list(network.layers)).items()} for bits in WIDTHS]


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_frozen_form_is_the_same_to_the_last_bit(name: str, tmp_path: Path) -> None:
    network = quantized(name, tmp_path / "model.onnx")
    x = pictures(9)
    for policy in [*every_width(network), *(mixed(list(network.layers), seed) for seed in range(5))]:
        network.set_widths(policy)
        network.quantize()
        expected = network(x)
        network.freeze()
        assert torch.equal(network(x), expected)


def test_a_frozen_network_stays_as_it_was_frozen(tmp_path: Path) -> None:
    network = quantized("cnn", tmp_path / "model.onnx")
    x = pictures(3)
    with torch.no_grad():
        network.freeze()
        frozen = network(x)
        for parameter in network.parameters():
            parameter.mul_(1.5)
        assert torch.equal(network(x), frozen)
        network.quantize()
        assert not torch.equal(network(x), frozen)


@settings(max_examples=40)
@given(
    st.integers(2, 8),
    st.booleans(),
    st.booleans(),
    st.floats(1e-3, 1e3),
    st.integers(0, 255),
    st.integers(0, 999),
)
def test_activations_are_quantised_as_in_the_runtime(
    bits: int, signed: bool, narrow: bool, scale: float, offset: int, seed: int
) -> None:
    """On ties, too: half steps come up wherever values lie on a grid of their own."""
    scale = float(np.float32(scale))
    wanted = Quantizer(scale, 0, bits, signed, narrow and signed)
    wanted = Quantizer(
        scale, wanted.low + offset % (wanted.high - wanted.low + 1), bits, signed, wanted.narrow
    )
    module = ActivationQuantizer(wanted)
    found = module.quantizer()
    assert found == Quantizer(found.scale, wanted.zero_point, bits, signed, wanted.narrow)
    assert found.scale == pytest.approx(scale, rel=2e-7)
    rng = np.random.default_rng(seed)
    halves = rng.integers(-600, 600, 500) / 2 * np.float32(found.scale)
    x = np.concatenate([halves, rng.normal(0, 50 * scale, 500)]).astype(np.float32)
    expected = (found.quantize(x) - np.float32(found.zero_point)) * np.float32(found.scale)
    y = module(tensor(x))
    np.testing.assert_array_equal(y.detach().numpy(), expected)
    assert torch.equal(y, rounded(tensor(x), found))


def test_codes_of_another_kind_are_refused() -> None:
    module = ActivationQuantizer(Quantizer(1.0, 0, 8, True))
    with pytest.raises(ValueError, match="codes are signed"):
        module.set(Quantizer(1.0, 0, 8, False))


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_reach_what_is_trained(name: str, tmp_path: Path) -> None:
    network = quantized(name, tmp_path / "model.onnx")
    torch.autograd.backward(network(pictures(16)).square().sum())
    for layer in network.layers.values():
        trained: list[Tensor] = [layer.input.threshold]
        if isinstance(layer, WeightLayer):
            trained += [layer.inner.weight, layer.inner.bias, layer.quantizer.thresholds]
        elif isinstance(layer, ProductLayer):
            trained.append(layer.stored.threshold)
        for parameter in trained:
            assert any(parameter is p for p in network.parameters())
            gradient: Any = parameter.grad
            assert gradient is not None
            assert torch.isfinite(gradient).all()
            assert gradient.abs().sum() > 0


def test_float_form_is_unchanged_by_widths(tmp_path: Path) -> None:
    path, x = exported("vit", tmp_path / "model.onnx"), pictures(4)
    network = quantized("vit", path)
    network.quantize(False)
    with torch.no_grad():
        assert torch.equal(network(x), network_of(path)(x))


def test_weights_are_read_as_constants_of_the_ir(tmp_path: Path) -> None:
    program = compiled(exported("cnn", tmp_path / "model.onnx"), pictures(4).numpy(), 0)
    network = Network(program.ctx, program.module)
    for name, op in layer_ops(program.module).items():
        layer, weights = network.layers[name], constant(program.ctx, op.w)
        assert isinstance(layer, WeightLayer)
        assert weights is not None
        np.testing.assert_array_equal(layer.inner.weight.detach(), np.moveaxis(weights, op.W_OUTPUT_AXIS, 0))
