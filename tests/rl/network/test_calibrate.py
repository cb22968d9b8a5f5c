"""Ranges are those that the compiler finds, or that errors say are best."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch_networks import NETWORKS, WIDTHS, exported, layer_ops, network_of, pictures, quantized

import cimc
from cimc.errors import CimcError
from cimc.policy import Widths
from cimc.rl.network.calibrate import CLIPPING_STEPS, best_thresholds, calibrate
from cimc.rl.network.export import export_qcdq
from cimc.rl.network.layers import Layer, ProductLayer
from cimc.rl.network.network import Network
from cimc.rl.network.tensors import tensor
from cimc.runtime.arrays import Array
from cimc.runtime.quantization import Quantizer


def squared_error(weights: Array, threshold: float, bits: int) -> float:
    largest = 2 ** (bits - 1) - 1
    scale = np.float32(threshold) / np.float32(largest)
    codes = np.clip(np.rint(weights / scale), -largest, largest)
    return float(((codes * scale - weights).astype(np.float64) ** 2).sum())


@settings(max_examples=50)
@given(st.integers(0, 2**31), st.integers(2, 8), st.integers(1, 4), st.integers(1, 30))
def test_best_thresholds(seed: int, bits: int, outputs: int, inputs: int) -> None:
    """None of the others that are tried gives a smaller error."""
    weights = np.random.default_rng(seed).standard_t(3, (outputs, inputs)).astype(np.float32)
    found = best_thresholds(tensor(weights.reshape(outputs, inputs, 1)), bits).numpy()
    for row, threshold in zip(weights, found, strict=True):
        most = np.abs(row).max()
        tried = [
            most * np.float32(step) / np.float32(CLIPPING_STEPS) for step in range(1, CLIPPING_STEPS + 1)
        ]
        assert np.float32(threshold) in np.array(tried, np.float32)
        least = min(squared_error(row, t, bits) for t in tried)
        assert squared_error(row, threshold, bits) <= least * (1 + 1e-4) + 1e-12


def test_thresholds_of_weights_that_lie_on_a_grid() -> None:
    """Codes times a scale keep that scale; an output of zeros gets a scale of 1."""
    weights = torch.tensor([[-7, 3, 0, 1], [0, 0, 0, 0], [7, -1, 2, 5]]) * torch.tensor([[0.5], [1], [0.25]])
    assert best_thresholds(weights, 4).tolist() == [3.5, 7, 1.75]  # pyright: ignore[reportUnknownMemberType]


def inputs_of(network: Network, x: Tensor) -> dict[str, Array]:
    """What each layer takes in float."""
    seen: dict[str, Array] = {}

    def see(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, Layer)
        seen[layer.layer_name] = inputs[0].numpy()

    handles = [layer.register_forward_pre_hook(see) for layer in network.layers.values()]
    with torch.no_grad():
        network(x)
    for handle in handles:
        handle.remove()
    return seen


@pytest.mark.parametrize("name", NETWORKS)
def test_ranges_of_activations_are_those_of_the_compiler(name: str, tmp_path: Path) -> None:
    """But for inputs that hardly reach below 0, which get better ones."""
    path, x = exported(name, tmp_path / "model.onnx"), pictures(8)
    network = network_of(path)
    calibrate(network, [x], WIDTHS)
    network.quantize(False)
    inputs = inputs_of(network, x)
    for bits in (2, 5, 8):
        program = cimc.compile(path, emit="cim", batch=8, bits=(bits, bits), calibrate={"x": x.numpy()})
        for layer_name, op in layer_ops(program.module).items():
            layer = network.layers[layer_name]
            pairs = [(op.input_quantizer, layer.input_ranges[bits])]
            if isinstance(layer, ProductLayer):
                pairs.append((op.stored_quantizer, layer.stored_ranges[bits]))
            for wanted, found in pairs:
                assert wanted is not None
                if wanted.signed and not found.signed:
                    values = inputs[layer_name]
                    assert 0 < -values.min() < values.max() / 4
                    assert error_of(found, values) < error_of(wanted, values)
                    continue
                kind = (wanted.bits, wanted.signed, wanted.narrow, wanted.zero_point)
                assert (found.bits, found.signed, found.narrow, found.zero_point) == kind
                # Errors of neighbouring ranges differ little: float sums may decide between them.
                assert found.scale == pytest.approx(wanted.scale, rel=0.05)


def error_of(quantizer: Quantizer, values: Array) -> float:
    codes = quantizer.quantize(values).astype(np.int64)
    return float((((codes - quantizer.zero_point) * quantizer.scale - values) ** 2).sum())


def test_unsigned_inputs_have_a_zero_point_in_all_widths(tmp_path: Path) -> None:
    """Where a file quantises what reaches below 0 without a sign, other widths do not clip that away."""
    network = network_of(exported("vit", tmp_path / "vit.onnx"))
    calibrate(network, [pictures(16)], WIDTHS)
    network.set_widths({name: Widths(8, 8) for name in network.layers})
    network.quantize()
    export_qcdq(network, tmp_path / "qcdq.onnx")
    again = network_of(tmp_path / "qcdq.onnx")
    calibrate(again, [pictures(16)], WIDTHS)
    skewed = [name for name, layer in network.layers.items() if layer.input_ranges[8].zero_point]
    assert skewed
    for name in skewed:
        for bits in (4, 6, 7):
            known, found = network.layers[name].input_ranges[bits], again.layers[name].input_ranges[bits]
            assert found.zero_point == known.zero_point > 0
            assert found.scale == pytest.approx(known.scale, rel=0.05)


def test_batches_are_seen_as_one(tmp_path: Path) -> None:
    x = pictures(12)
    one, three = (network_of(exported("cnn", tmp_path / "model.onnx")) for _ in range(2))
    calibrate(one, [x], (4,))
    calibrate(three, [x[:4], x[4:8], x[8:]], (4,))
    for name, layer in one.layers.items():
        assert three.layers[name].input_ranges[4].scale == pytest.approx(
            layer.input_ranges[4].scale, rel=0.05
        )


def test_what_the_file_says_stays(tmp_path: Path) -> None:
    path = Path(__file__).parents[3] / "examples" / "models" / "fashion_mixed_qcdq.onnx"
    network, untouched = network_of(path), network_of(path)
    x = torch.rand(4, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    calibrate(network, [x], WIDTHS)
    for layer, original in zip(network.weight_layers(), untouched.weight_layers(), strict=True):
        assert original.input_ranges.items() <= layer.input_ranges.items()
        assert set(WIDTHS) <= layer.input_ranges.keys()
        for bits, thresholds in original.thresholds.items():
            assert torch.equal(layer.thresholds[bits], thresholds)
        assert set(WIDTHS) <= layer.thresholds.keys()


def test_calibration_leaves_a_float_network_without_hooks(tmp_path: Path) -> None:
    network = quantized("cnn", tmp_path / "model.onnx")
    calibrate(network, [pictures(2)], (4,))
    for layer in network.layers.values():
        assert not layer.quantized
        assert not cast(Any, layer)._forward_pre_hooks


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    network = network_of(exported("cnn", tmp_path / "model.onnx"))
    x = pictures(2)
    x[1, 0, 0, 0] = torch.inf
    with pytest.raises(CimcError, match="layer 'conv1': the data gives values that are not finite"):
        calibrate(network, [x], (4,))
