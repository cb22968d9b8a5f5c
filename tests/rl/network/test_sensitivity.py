"""What quantising one layer alone does to the outputs."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from tools.tiny_models import model, node, serialized
from torch import Tensor
from torch.nn import functional
from torch_networks import WIDTHS, exported, for_a_batch_of_its_own, network_of, pictures

from cimc.policy import Widths
from cimc.rl.network.calibrate import calibrate
from cimc.rl.network.layers import ProductLayer, WeightLayer, rounded
from cimc.rl.network.network import Network
from cimc.rl.network.scores import BROKEN
from cimc.rl.network.sensitivity import MEASURED_BITS, measured
from cimc.rl.space import Space


def space_of(network: Network, widths: Sequence[int]) -> Space:
    """All pairs of widths for all layers."""
    options = tuple(Widths(w, a) for w in widths for a in widths)
    shape = len(network.layers), len(options)
    return Space(tuple(network.layers), options, np.ones(shape, np.int64), np.ones(shape, bool), 10)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Network:
    network = network_of(exported("vit", tmp_path_factory.mktemp("model") / "model.onnx"))
    calibrate(network, [pictures(16)], WIDTHS)
    return network


def kullback_leibler(wanted: Tensor, found: Tensor) -> float:
    p, q = (functional.softmax(y.double(), 1) for y in (wanted, found))
    return float((p * (p / q).log()).sum(1).mean())


@torch.no_grad()
def test_measured(network: Network) -> None:
    space, x = space_of(network, WIDTHS), pictures(16)
    found = measured(network, space, x)
    for table, bits in ((found.weights, space.weight_bits), (found.activations, space.activation_bits)):
        assert table.shape == space.latency_ps.shape
        assert (table >= 0).all()
        for width in WIDTHS:
            # It depends on the one width only, and falls to a quarter with each bit that is not measured.
            assert np.ptp(table[:, bits == width], axis=1).max() == 0
            if width > MEASURED_BITS:
                quarter = table[:, bits == width - 1][:, 0] / 4
                np.testing.assert_allclose(table[:, bits == width][:, 0], quarter)
        narrow, wide = (table[:, bits == width].sum() for width in (2, 5))
        assert narrow > 4 * wide
    for layer in network.layers.values():
        assert not layer.quantized
        assert not cast(Any, layer)._forward_hooks


@torch.no_grad()
def test_a_product_is_quantised_as_it_is(network: Network) -> None:
    """No gain and shift make up for it: the divergence is that of the network with only this rounding."""
    space, x = space_of(network, (3, 8)), pictures(16)
    found = measured(network, space, x)
    network.quantize(False)
    wanted = network(x)
    for index, layer in enumerate(network.layers.values()):
        if not isinstance(layer, ProductLayer):
            continue
        for table, bits, widths in (
            (found.weights, space.weight_bits, (3, 8)),
            (found.activations, space.activation_bits, (8, 3)),
        ):
            stored, streamed = layer.stored_ranges[widths[0]], layer.input_ranges[widths[1]]

            def both(_: Any, inputs: tuple[Tensor, ...], a: Any = streamed, b: Any = stored) -> Any:
                return rounded(inputs[0], a), rounded(inputs[1], b)

            handle = layer.register_forward_pre_hook(both)
            expected = kullback_leibler(wanted, network(x))
            handle.remove()
            assert table[index, bits == 3] == pytest.approx(expected, rel=1e-2, abs=1e-6)


@torch.no_grad()
def test_the_last_layer_by_hand(network: Network) -> None:
    """Its outputs are the network's, scaled and shifted to the mean and deviation that they had."""
    space, x = space_of(network, (2, 8)), pictures(16)
    found = measured(network, space, x)
    network.quantize(False)
    layer = list(network.layers.values())[-1]
    assert isinstance(layer, WeightLayer)
    inputs: list[Tensor] = []
    handle = layer.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    wanted = network(x)
    handle.remove()
    layer.set_widths(Widths(2, 8))
    weight = layer.quantizer.quantized(layer.inner.weight)
    y = functional.linear(rounded(inputs[0], layer.input_ranges[8]), weight, layer.inner.bias)
    (deviation, mean), (float_deviation, float_mean) = (
        torch.std_mean(outputs, 0, correction=0) for outputs in (y, wanted)
    )
    y = (y - mean) * (float_deviation / deviation) + float_mean
    expected = kullback_leibler(wanted, y)
    assert found.weights[-1, space.weight_bits == 2] == pytest.approx(expected, rel=1e-2, abs=1e-6)


@torch.no_grad()
def test_only_allowed_widths_are_measured(network: Network) -> None:
    """What a layer may not have costs nothing in the table; one width above all measured ones is measured."""
    space = space_of(network, (2, 8))
    space.allowed[0, :] = [False, False, False, True]
    found = measured(network, space, pictures(4))
    assert (found.weights[0, space.weight_bits == 2] == 0).all()
    assert (found.weights[0, space.weight_bits == 8] > 0).all()


def test_a_width_that_makes_outputs_no_numbers_is_not_for_free(tmp_path: Path) -> None:
    """Two bits round the small vectors to 0, which is then divided by itself."""
    nodes = [node("MatMul", "x w", "m"), node("Div", "m m", "r"), node("MatMul", "r v", "y")]
    path = tmp_path / "model.onnx"
    unit = np.eye(2, dtype=np.float32)
    path.write_bytes(serialized(model(nodes, ["N", 2], opset=20, w=unit, v=unit)))
    network, x = network_of(path), torch.tensor([[8.0, 8.0], [-8.0, -8.0], [0.5, 0.5], [-0.5, -0.5]])
    calibrate(network, [x], (2, 8))
    space = space_of(network, (2, 8))
    found = measured(network, space, x)
    assert (found.activations[0, space.activation_bits == 2] == BROKEN).all()
    assert (found.activations[0, space.activation_bits == 8] < BROKEN).all()


def test_pictures_that_are_computed_by_themselves_are_measured_together(tmp_path: Path) -> None:
    """One vector is its own mean: a layer that sees one at a time would seem to lose nothing."""
    x = torch.randn(16, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    tables: list[Any] = []
    for by_itself in (True, False):
        network = for_a_batch_of_its_own(tmp_path / "model.onnx", 1, by_itself=by_itself)
        calibrate(network, [x], (2, 3, 8))
        tables.append(measured(network, space_of(network, (2, 3)), x))
    one, other = tables
    assert (one.total > 0).all()
    np.testing.assert_allclose(one.weights, other.weights, rtol=1e-3)
    np.testing.assert_allclose(one.activations, other.activations, rtol=1e-3)
