"""Layers get back the statistics that they have in float."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tools.tiny_models import model, node, serialized
from torch import Tensor
from torch_networks import NETWORKS, for_a_batch_of_its_own, mixed, network_of, pictures, quantized

from cimc.policy import Widths
from cimc.rl.network.calibrate import calibrate
from cimc.rl.network.export import export_qcdq
from cimc.rl.network.layers import WeightLayer
from cimc.rl.network.network import Network
from cimc.rl.network.scores import divergence
from cimc.rl.network.statistics import MAX_GAIN, Statistics
from cimc.runtime.arrays import Array
from cimc.tools.compare import reference_outputs


def moments_by_layer(network: Network, x: Tensor) -> dict[str, tuple[Array, Array]]:
    """Means and deviations of the layers' outputs, in numpy."""
    seen: dict[str, tuple[Array, Array]] = {}

    def see(layer: torch.nn.Module, _: object, y: Tensor) -> None:
        assert isinstance(layer, WeightLayer)
        rows = np.moveaxis(y.numpy(), layer.output_axis, 0).reshape(len(layer.gain), -1)
        seen[layer.layer_name] = rows.mean(axis=1, dtype=np.float64), rows.std(axis=1, dtype=np.float64)

    handles = [layer.register_forward_hook(see) for layer in network.weight_layers()]
    with torch.no_grad():
        network(x)
    for handle in handles:
        handle.remove()
    return seen


def codes(network: Network) -> dict[str, Tensor]:
    result: dict[str, Tensor] = {}
    for layer in network.weight_layers():
        weight = layer.inner.weight
        scales = layer.quantizer.scales().reshape(-1, *[1] * (weight.ndim - 1))
        result[layer.layer_name] = (layer.quantizer.quantized(weight) / scales).round()
    return result


@pytest.mark.parametrize("name", NETWORKS)
def test_layers_get_their_mean_and_deviation_back(name: str, tmp_path: Path) -> None:
    network, x = quantized(name, tmp_path / "model.onnx"), pictures(16)
    statistics = Statistics(network, x)
    network.quantize(False)
    wanted = moments_by_layer(network, x)
    network.quantize()
    before = moments_by_layer(network, x)
    statistics.restore(network)
    after = moments_by_layer(network, x)
    for layer in network.weight_layers():
        (mean, deviation), (wanted_mean, wanted_deviation) = after[layer.layer_name], wanted[layer.layer_name]
        size = np.abs(wanted_mean).max() + wanted_deviation.max()
        np.testing.assert_allclose(mean, wanted_mean, atol=1e-5 * size)
        restored = layer.gain.numpy() != 1
        np.testing.assert_allclose(deviation[restored], wanted_deviation[restored], rtol=1e-3)
        assert ((layer.gain > 1 / MAX_GAIN) & (layer.gain < MAX_GAIN)).all()
    assert any(np.abs(before[n][0] - wanted[n][0]).max() > 0.01 for n in wanted)


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_folding_changes_neither_outputs_nor_codes(name: str, tmp_path: Path) -> None:
    network, x = quantized(name, tmp_path / "model.onnx"), pictures(16)
    Statistics(network, x).restore(network)
    network.quantize()
    before, codes_before = network(x), codes(network)
    spread = float(before.max() - before.min())
    for layer in network.weight_layers():
        assert layer.corrected
        layer.fold()
        assert not layer.corrected
        layer.fold()  # nothing is left to do
    assert all(torch.equal(a, b) for a, b in zip(codes(network).values(), codes_before.values(), strict=True))
    assert (network(x) - before).abs().median() < 1e-5 * spread
    # Widths that are set anew still are in the ranges that go with the weights.
    network.set_widths(mixed(list(network.layers)))
    assert (network(x) - before).abs().median() < 1e-5 * spread


@pytest.mark.parametrize("name", NETWORKS)
@torch.no_grad()
def test_a_restored_network_is_exported_and_left_as_it_is(name: str, tmp_path: Path) -> None:
    network, x = quantized(name, tmp_path / "model.onnx"), pictures(16)
    network.quantize(False)
    in_float = network(x)
    Statistics(network, x).restore(network)
    restored = network(x)
    export_qcdq(network, tmp_path / "qcdq.onnx")
    assert torch.equal(network(x), restored)
    network.quantize(False)
    assert torch.equal(network(x), in_float)
    found = reference_outputs(tmp_path / "qcdq.onnx", {"x": x.numpy()})["logits"]
    assert np.median(np.abs(found - restored.numpy())) < 1e-5 * np.ptp(found)


@torch.no_grad()
def test_depthwise_networks_gain(tmp_path: Path) -> None:
    """Their filters have few weights each, whose rounding errors do not cancel out."""
    rng = np.random.default_rng(0)
    arrays = {
        "a.weight": rng.standard_normal((12, 2, 3, 3)) / 4,
        "b.weight": rng.standard_normal((12, 1, 3, 3)) / 3,
        "c.weight": rng.standard_normal((12, 12, 1, 1)) / 3,
        "d.weight": rng.standard_normal((12, 1, 3, 3)) / 3,
        "fc.weight": rng.standard_normal((12, 5)),
    }
    nodes = [
        node("Conv", "x a.weight", "a"),
        node("Relu", "a", "ra"),
        node("Conv", "ra b.weight", "b", group=12),
        node("Relu", "b", "rb"),
        node("Conv", "rb c.weight", "c"),
        node("Relu", "c", "rc"),
        node("Conv", "rc d.weight", "d", group=12),
        node("Relu", "d", "rd"),
        node("GlobalAveragePool", "rd", "p"),
        node("Flatten", "p", "f"),
        node("MatMul", "f fc.weight", "y"),
    ]
    path = tmp_path / "model.onnx"
    floats = {name: array.astype(np.float32) for name, array in arrays.items()}
    path.write_bytes(serialized(model(nodes, ["N", 2, 12, 12], opset=20, **floats)))
    network, x, others = network_of(path), pictures(32, seed=1), pictures(64, seed=2)
    calibrate(network, [x], (3, 8))
    wanted = network(others)
    statistics = Statistics(network, x)
    network.set_widths(dict.fromkeys(network.layers, Widths(3, 8)))
    network.quantize()
    before = float(divergence(wanted, network(others)))
    statistics.restore(network)
    assert float(divergence(wanted, network(others))) < before / 2


def test_an_output_that_never_varies_is_shifted_only(tmp_path: Path) -> None:
    """Nothing is divided by its deviation of zero."""
    weights = np.zeros((2, 3), np.float32)
    weights[:, 1:] = [[1, -0.4], [0.3, 2]]
    path = tmp_path / "model.onnx"
    file = model(
        [node("Gemm", "x w b", "y")], ["N", 2], opset=20, w=weights, b=np.array([7, 0, 1], np.float32)
    )
    path.write_bytes(serialized(file))
    network = network_of(path)
    x = torch.randn(16, 2, generator=torch.Generator().manual_seed(0))
    calibrate(network, [x], (2,))
    network.set_widths(dict.fromkeys(network.layers, Widths(2, 2)))
    Statistics(network, x).restore(network)
    (layer,) = network.weight_layers()
    assert layer.gain[0] == 1
    assert layer.shift[0] == 0
    with torch.no_grad():
        assert (network(x)[:, 0] == 7).all()


@pytest.mark.parametrize("batch", [1, 3])
def test_pictures_that_are_computed_by_themselves_count_all(tmp_path: Path, batch: int) -> None:
    """As if they were computed together, but for those that do not fill a batch."""
    x = torch.randn(32, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    found: list[Network] = []
    for by_itself, seen in ((True, x), (False, x[: 32 // batch * batch])):
        network = for_a_batch_of_its_own(tmp_path / "model.onnx", batch, by_itself=by_itself)
        calibrate(network, [x], (3,))
        network.set_widths(dict.fromkeys(network.layers, Widths(3, 3)))
        Statistics(network, seen).restore(network)
        found.append(network)
    for one, other in zip(*(network.weight_layers() for network in found), strict=True):
        assert (one.gain != 1).all()
        np.testing.assert_allclose(one.gain, other.gain, rtol=1e-4)
        np.testing.assert_allclose(one.shift, other.shift, atol=1e-3)
    with torch.no_grad():
        outputs = [network(x) for network in found]
    np.testing.assert_allclose(*outputs, atol=1e-2)
