"""Small networks for the tests of the search's torch side, and the ways to its modules."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import torch
from export import export
from hypothesis import strategies as st
from networks import BasicBlock, VisionTransformer, randomise_norms
from tools.tiny_models import model, node, serialized
from torch import Tensor, nn
from xdsl.dialects.builtin import ModuleOp

from cimc.context import CimcContext, new_context
from cimc.dialects.cim.layers import LayerOp
from cimc.driver import run_pipeline
from cimc.frontend.importer import import_onnx
from cimc.pipelines import layers_pipeline
from cimc.policy import MAX_BITS, MIN_BITS, Policy, Widths
from cimc.rl.network.calibrate import calibrate
from cimc.rl.network.network import Network
from cimc.runtime.arrays import Array

INPUT = (2, 12, 12)
CLASSES = 5
WIDTHS = range(MIN_BITS, MAX_BITS + 1)


class Cnn(nn.Module):
    """Residual blocks with and without a 1x1 downsampling, strides, groups, dilation, one-sided padding."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2, 8, 3, padding=1)
        self.block1 = BasicBlock(8, 8, 1)
        self.block2 = BasicBlock(8, 12, 2)
        self.depthwise = nn.Conv2d(12, 12, 3, 1, 2, dilation=2, groups=12)
        self.grouped = nn.Conv2d(12, 8, 3, 2, 1, groups=4)
        self.pad = nn.ZeroPad2d((1, 2, 0, 1))
        self.last = nn.Conv2d(8, 6, (2, 3), bias=False)
        self.fc = nn.Linear(6, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        x = self.block2(self.block1(torch.relu(self.conv1(x))))
        x = self.last(self.pad(self.grouped(torch.relu(self.depthwise(x)))))
        return self.fc(x.mean((2, 3)))


def vit() -> VisionTransformer:
    """One block of width 12 with 2 heads on 9 patches."""
    return VisionTransformer(
        size=12, patch=4, channels=2, depth=1, dim=12, heads=2, hidden=24, classes=CLASSES
    )


NETWORKS = {"cnn": Cnn, "vit": vit}


def pictures(count: int, seed: int = 1) -> Tensor:
    return torch.randn(count, *INPUT, generator=torch.Generator().manual_seed(seed))


def built(name: str) -> nn.Module:
    """With random weights, always the same."""
    cast(Any, torch).manual_seed(0)
    model = NETWORKS[name]()
    randomise_norms(model, pictures(8))
    return model.eval()


def exported(
    name: str, path: Path, exporter: str = "torchscript", *, batch: int = 1, open_batch: bool = True
) -> Path:
    """The network as a file, for any batch or for this one."""
    export(built(name), pictures(batch), path, exporter, dynamic_batch=open_batch)
    return path


def layers_of(path: Path, batch: int = 1) -> tuple[CimcContext, ModuleOp]:
    """The IR that a search starts from."""
    ctx = new_context()
    module = import_onnx(path, ctx.tensors, batch)
    run_pipeline(ctx, module, layers_pipeline())
    return ctx, module


def network_of(path: Path, batch: int = 1) -> Network:
    return Network(*layers_of(path, batch))


def layer_ops(module: ModuleOp) -> dict[str, LayerOp]:
    return {op.layer.data: op for op in module.walk() if isinstance(op, LayerOp)}


def mixed(names: Sequence[str], seed: int = 0) -> Policy:
    """Widths of 2 to 8 bits, at random."""
    draw = torch.Generator().manual_seed(seed)
    bits = cast(Any, torch.randint(MIN_BITS, MAX_BITS + 1, (len(names), 2), generator=draw)).tolist()
    return {name: Widths(*widths) for name, widths in zip(names, bits, strict=True)}


def quantized(name: str, path: Path, seed: int = 0) -> Network:
    """A network with mixed widths, calibrated on 16 pictures for all widths."""
    network = network_of(exported(name, path))
    calibrate(network, [pictures(16)], WIDTHS)
    network.set_widths(mixed(list(network.layers), seed))
    network.quantize()
    return network


def for_a_batch_of_its_own(path: Path, batch: int, *, by_itself: bool) -> Network:
    """A network whose file is for so many pictures, which are computed by themselves or together.

    Pictures have the shape [1, 6, 6]. Both spellings have the same numbers, but where the batch is the second
    axis of some value and then part of the first one, the network takes no other batch.
    """
    rng = np.random.default_rng(0)
    shapes = {"conv.weight": (4, 1, 3, 3), "token.weight": (36, 8), "fc.weight": (32, 3)}
    arrays: dict[str, Array] = {
        name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()
    }
    sizes = {"tokens": [batch, 4, 36], "flat": [batch, 32], "rows": [4 * batch, 36], "turned": [4, batch, 8]}
    nodes = [node("Conv", "x conv.weight", "c", pads=[1, 1, 1, 1]), node("Relu", "c", "r")]
    nodes += [node("Reshape", "r tokens", "a")]
    if by_itself:
        nodes += [node("Transpose", "a", "b", perm=[1, 0, 2]), node("Reshape", "b rows", "d")]
        nodes += [node("MatMul", "d token.weight", "e"), node("Reshape", "e turned", "f")]
        nodes += [node("Transpose", "f", "g", perm=[1, 0, 2])]
    else:
        nodes += [node("MatMul", "a token.weight", "g")]
    nodes += [node("Reshape", "g flat", "h"), node("MatMul", "h fc.weight", "y")]
    read = {name for one in nodes for name in cast(Any, one).input}
    arrays |= {name: np.array(size, np.int64) for name, size in sizes.items() if name in read}
    path.write_bytes(serialized(model(nodes, [batch, 1, 6, 6], opset=20, **arrays)))
    network = network_of(path, batch)
    assert network.takes_any_batch != by_itself
    return network


def same_but_ties(found: Array, expected: Array) -> None:
    """Checks the outputs of two quantised networks whose float sums may be rounded differently.

    A code then ends on the other side of a tie now and then, and some outputs move by a step.
    """
    assert found.shape == expected.shape
    moved = np.abs(found - expected).max(axis=1)
    assert np.median(moved) < 1e-5
    margin = np.diff(np.sort(expected, axis=1)[:, -2:], axis=1)[:, 0]
    clear = margin > 2 * moved
    assert (found.argmax(1) == expected.argmax(1))[clear].all()
    assert clear.mean() > 0.9


@dataclass(frozen=True)
class Window:
    """What a convolution does along one axis."""

    size: int
    kernel: int
    stride: int
    dilation: int
    pads: tuple[int, int]


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """A window that fits at least once."""
    kernel, dilation = draw(st.integers(1, 3)), draw(st.integers(1, 2))
    pads = draw(st.tuples(st.integers(0, 2), st.integers(0, 2)))
    size = draw(st.integers(max(1, (kernel - 1) * dilation + 1 - sum(pads)), 7))
    return Window(size, kernel, draw(st.integers(1, 3)), dilation, pads)


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[onnx.ModelProto, Array]:
    """Two convolutions with a Relu between them, in one to three dimensions, and three pictures."""
    axes = draw(st.lists(windows(), min_size=1, max_size=3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    groups, width, depthwise = draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.booleans())
    hidden = 2 * groups
    first = rng.standard_normal((hidden, width, *(axis.kernel for axis in axes))).astype(np.float32)
    shape = (hidden, 1) if depthwise else (3, hidden)
    second = rng.standard_normal((*shape, *(1 for _ in axes))).astype(np.float32)
    first[0] *= draw(st.sampled_from([0, 1, 8]))
    nodes = [
        node(
            "Conv",
            "x first.weight first.bias",
            "c",
            group=groups,
            strides=[axis.stride for axis in axes],
            dilations=[axis.dilation for axis in axes],
            pads=[axis.pads[side] for side in (0, 1) for axis in axes],
        ),
        node("Relu", "c", "r"),
        node("Conv", "r second.weight", "y", group=hidden if depthwise else 1),
    ]
    x = (3, width * groups, *(axis.size for axis in axes))
    biases = rng.standard_normal(hidden).astype(np.float32)
    arrays = {"first.weight": first, "first.bias": biases, "second.weight": second}
    return model(nodes, ["N", *x[1:]], opset=20, **arrays), rng.standard_normal(x).astype(np.float32)
