"""The small networks of `examples/fashion_networks.py`: trained a little, exported, compiled."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import cimc
from cimc.dialects.cim.layers import LayerOp
from cimc.runtime.arrays import Array

TRANSFORMER_BLOCK = [
    *(f"self_attention.{part}" for part in ("in_proj", "qk", "av", "out_proj")),
    "mlp.0",
    "mlp.3",
]
LAYERS = {
    "cnn": ["conv1", "conv2", "conv3", "conv4", "fc"],
    "depthwise": [
        "conv1",
        *(f"block{n}.{part}" for n in range(1, 5) for part in ("depthwise", "pointwise")),
        "fc",
    ],
    "resnet8": [
        "conv1",
        *("layer1.conv1", "layer1.conv2"),
        *("layer2.conv1", "layer2.conv2", "layer2.downsample.0"),
        *("layer3.conv1", "layer3.conv2", "layer3.downsample.0"),
        "fc",
    ],
    "vit": [
        "conv_proj",
        *(f"encoder.layers.{n}.{part}" for n in range(2) for part in TRANSFORMER_BLOCK),
        "heads.head",
    ],
}
PICTURES = 256


@pytest.fixture(scope="module")
def training() -> Any:
    """The script in `examples`; it needs torch."""
    for package in ("torch", "onnxruntime"):
        pytest.importorskip(package)
    return pytest.importorskip("training")


@pytest.fixture(scope="module")
def data() -> tuple[Array, Array]:
    """Noise, and labels."""
    rng = np.random.default_rng(0)
    return rng.random((PICTURES, 1, 28, 28), np.float32), rng.integers(0, 10, PICTURES)


@pytest.mark.parametrize("name", LAYERS)
def test_trained_network_is_the_exported_one(
    name: str, training: Any, data: tuple[Array, Array], tmp_path: Path
) -> None:
    """Also in a batch of another size than the exporter has seen, and with its layers' names."""
    torch: Any = pytest.importorskip("torch")
    export: Any = pytest.importorskip("export")
    networks: Any = pytest.importorskip("fashion_networks")
    torch.manual_seed(0)
    model, x = networks.NETWORKS[name](), torch.from_numpy(data[0])
    training.train(model, data, 1, 1e-3, 0)
    training.fine_tune(model, data, 1, 1e-3, 0)
    path = tmp_path / "network.onnx"
    export.export(model, x[:1], path, dynamic_batch=True)
    with torch.no_grad():
        expected = model.eval()(x[:3]).numpy()
    found = cimc.compile(path, batch=3, emit="onnx").run(data[0][:3])["logits"]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    assert training.accuracy_onnx(path, data) == pytest.approx(training.accuracy(model, data), abs=0.5)

    program = cimc.compile(path, emit="report")
    names = [op.all_names() for op in program.module.walk() if isinstance(op, LayerOp)]
    assert len(program.report().layers) == len(names) == len(LAYERS[name])
    for expected_name, known in zip(LAYERS[name], names, strict=True):
        assert expected_name in known


def test_networks_are_all_tested() -> None:
    networks: Any = pytest.importorskip("fashion_networks")
    assert networks.NETWORKS.keys() == LAYERS.keys()


@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 3), st.integers(1, 6), st.integers(1, 6)),
    shift=st.integers(0, 3),
    seed=st.integers(0, 99),
)
def test_pictures_are_shifted_and_mirrored(
    training: Any, shape: tuple[int, int, int, int], shift: int, seed: int
) -> None:
    """Each is one of all that can come about, with the same shift in all its channels."""
    torch: Any = pytest.importorskip("torch")
    torch.manual_seed(seed)
    x = np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(shape)
    found = training.augment(torch.from_numpy(x), shift).numpy()
    padded = np.pad(x, ((0, 0), (0, 0), (shift, shift), (shift, shift)))
    _, _, height, width = shape
    moves = range(2 * shift + 1)
    shifted = [padded[..., dy : dy + height, dx : dx + width] for dy in moves for dx in moves]
    possible = np.stack([*shifted, *(picture[..., ::-1] for picture in shifted)])
    assert (possible == found).all(axis=(2, 3, 4)).any(axis=0).all()


def test_pictures_move_apart(training: Any) -> None:
    """Within a batch, each by a shift of its own; all shifts come about, mirrored and not."""
    torch: Any = pytest.importorskip("torch")
    torch.manual_seed(0)
    x = np.broadcast_to(np.arange(1, 50, dtype=np.float32).reshape(1, 1, 7, 7), (1000, 1, 7, 7)).copy()
    found = training.augment(torch.from_numpy(x), 2).numpy()
    assert len(np.unique(found, axis=0)) == 5 * 5 * 2
