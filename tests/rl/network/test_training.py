"""Quantisation-aware training."""

import copy
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch_networks import NETWORKS, WIDTHS, exported, network_of, pictures

from cimc.policy import Widths
from cimc.rl.network.calibrate import calibrate
from cimc.rl.network.layers import WeightLayer
from cimc.rl.network.network import Network
from cimc.rl.network.tensors import tensor
from cimc.rl.network.training import AUGMENTATIONS, Augmentation, Training, augmented, train


@pytest.fixture(scope="module", params=NETWORKS)
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Network:
    """Calibrated, at three bits."""
    network = network_of(exported(request.param, tmp_path_factory.mktemp("model") / "model.onnx"))
    calibrate(network, [pictures(16)], WIDTHS)
    network.set_widths(dict.fromkeys(network.layers, Widths(3, 3)))
    return network


def trained(network: Network, training: Training, seed: int) -> tuple[Network, list[float]]:
    student, teacher, losses = copy.deepcopy(network), copy.deepcopy(network), list[float]()
    teacher.quantize(False)
    x = pictures(64, seed=5)
    train(student, teacher, x, training, seed, lambda step, steps, loss: losses.append(loss))
    return student, losses


def test_training_lowers_the_loss_and_is_repeatable(network: Network) -> None:
    training = Training(10, rate=5e-3, batch=16)
    student, losses = trained(network, training, 1)
    assert len(losses) == 40
    assert np.mean(losses[-8:]) < 0.95 * np.mean(losses[:8])
    assert not student.training
    assert all(layer.quantized for layer in student.layers.values())
    again, _ = trained(network, training, 1)
    other, _ = trained(network, training, 2)
    for a, b in zip(student.parameters(), again.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not all(map(torch.equal, student.parameters(), other.parameters()))


def test_weights_ranges_and_biases_are_trained(network: Network) -> None:
    student, _ = trained(network, Training(1, rate=1e-2, batch=16), 0)
    for name, layer in student.layers.items():
        before = network.layers[name]
        assert not torch.equal(layer.input.threshold, before.input.threshold)
        if isinstance(layer, WeightLayer):
            assert isinstance(before, WeightLayer)
            assert not torch.equal(layer.inner.weight, before.inner.weight)
            assert not torch.equal(layer.inner.bias, before.inner.bias)
            assert not torch.equal(layer.quantizer.thresholds, before.quantizer.thresholds)
    student.freeze()
    with torch.no_grad():
        frozen = student(pictures(4))
        student.quantize()
        assert torch.equal(student(pictures(4)), frozen)


class Seen(nn.Module):
    """A teacher that keeps the pictures it is shown."""

    def __init__(self) -> None:
        super().__init__()
        self.pictures: list[Tensor] = []

    def forward(self, x: Tensor) -> Tensor:
        self.pictures.append(x)
        return torch.zeros(len(x), 5)


@pytest.mark.parametrize(("count", "batch", "epochs"), [(10, 4, 2), (3, 16, 3), (16, 4, 0.5)])
def test_pictures_come_equally_often(network: Network, count: int, batch: int, epochs: float) -> None:
    x, teacher = pictures(count), Seen()
    train(copy.deepcopy(network), teacher, x, Training(epochs, batch=batch), 0)
    shown = torch.cat(teacher.pictures)
    counts = [int((shown == picture).all((1, 2, 3)).sum()) for picture in x]
    assert max(counts) - min(counts) <= 1
    assert sum(counts) >= int(epochs * count)


@settings(max_examples=40)
@given(
    st.tuples(st.integers(1, 9), st.integers(1, 3), st.integers(1, 20), st.integers(1, 20)),
    st.sampled_from(AUGMENTATIONS),
    st.integers(0, 999),
)
def test_augmented_pictures(shape: tuple[int, int, int, int], augmentation: Augmentation, seed: int) -> None:
    """Each is one of all that can come about, with the same shift in all its channels."""
    x = np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(shape)
    found = augmented(tensor(x), augmentation, torch.Generator().manual_seed(seed)).numpy()
    _, _, height, width = shape
    reach = [max(1, size // 8) if "shift" in augmentation else 0 for size in (height, width)]
    padded = np.pad(x, ((0, 0), (0, 0), (reach[0],) * 2, (reach[1],) * 2))
    possible = [
        padded[..., i : i + height, j : j + width]
        for i in range(2 * reach[0] + 1)
        for j in range(2 * reach[1] + 1)
    ]
    if "flip" in augmentation:
        possible += [pictures[..., ::-1] for pictures in possible]
    assert found.shape == shape
    assert (np.stack(possible) == found).all(axis=(2, 3, 4)).any(axis=0).all()


def test_all_shifts_and_both_sides_come_about() -> None:
    x = torch.arange(1.0, 65).reshape(1, 1, 8, 8).expand(500, 1, 8, 8)
    found = augmented(x, "shift-flip", torch.Generator().manual_seed(0))
    assert len(cast(Any, found).unique(dim=0)) == 3 * 3 * 2
