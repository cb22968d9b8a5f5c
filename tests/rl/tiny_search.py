"""A network, pictures and a problem that are searched in a second."""

from pathlib import Path
from typing import Any, cast

import numpy as np
from onnx import ModelProto
from tools.tiny_models import model, node, serialized

from cimc.pipelines import Options
from cimc.rl.constraints import Constraints
from cimc.rl.network.training import Training
from cimc.rl.problem import ProblemSpec
from cimc.runtime.arrays import Array
from cimc.target import DEFAULT_TARGET, load_target
from cimc.tools.compare import reference_outputs

INPUT = (1, 6, 6)
CLASSES = 3
TRAIN, VALIDATION, TEST = 120, 60, 40

Arrays = dict[str, Array]


def tiny_network(
    x: tuple[int | str, ...] = ("N", *INPUT), *, seed: int = 0, bias: Array | None = None
) -> ModelProto:
    """Two convolutions and a dense layer, with random weights, and these biases at the end."""
    rng = np.random.default_rng(seed)
    shapes = {"conv1.weight": (4, 1, 3, 3), "conv1.bias": (4,), "conv2.weight": (6, 4, 3, 3)}
    shapes |= {"fc.weight": (CLASSES, 24)}
    nodes = [
        node("Conv", "x conv1.weight conv1.bias", "a", pads=[1, 1, 1, 1]),
        node("Relu", "a", "b"),
        node("Conv", "b conv2.weight", "c", strides=[2, 2]),
        node("Relu", "c", "d"),
        node("Flatten", "d", "e"),
        node("Gemm", "e fc.weight fc.bias", "y", transB=1),
    ]
    arrays = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    return model(nodes, x, **arrays, **{"fc.bias": np.zeros(CLASSES, np.float32) if bias is None else bias})


def pictures(count: int, seed: int = 1) -> Array:
    return np.random.default_rng(seed).standard_normal((count, *INPUT)).astype(np.float32)


def write_network(path: Path, seed: int = 0) -> Path:
    """The network as a file, with biases that make its classes about equally frequent."""
    path.write_bytes(serialized(tiny_network(seed=seed)))
    outputs = reference_outputs(path, {"x": pictures(200, 9)})["y"]
    path.write_bytes(serialized(tiny_network(seed=seed, bias=-np.median(outputs, 0))))
    return path


def labelled(model: Path) -> Arrays:
    """Pictures for all parts, with the classes that the network sees in them, so that it is always right."""
    x = pictures(TRAIN + VALIDATION + TEST)
    y = reference_outputs(model, {"x": x})["y"].argmax(1)
    parts = {"train": slice(TRAIN), "val": slice(TRAIN, -TEST), "test": slice(-TEST, None)}
    return {f"{kind}_{name}": a[part] for name, part in parts.items() for kind, a in (("x", x), ("y", y))}


def write_files(folder: Path) -> tuple[Path, Path]:
    """The network and its data in a folder."""
    network, data = write_network(folder / "tiny.onnx"), folder / "data.npz"
    cast(Any, np.savez)(data, **labelled(network))
    return network, data


def tiny_spec(network: Path, data: Path, epochs: float = 0) -> ProblemSpec:
    """Widths 2, 4 and 8."""
    return ProblemSpec(
        network,
        data,
        load_target(DEFAULT_TARGET),
        Options(),
        Constraints((2, 4, 8), (2, 4, 8)),
        validation=VALIDATION,
        calibration=32,
        sensitivity=16,
        sensitivity_method="measured",
        short=Training(epochs / 6, batch=16),
        full=Training(epochs, batch=16),
        seed=3,
    )
