"""`--check-each-pass` leads to the node, and leaves a test that fails until the pass is mended."""

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tools.command_line import cimc as command
from tools.command_line import cimc_opt
from tools.tiny_models import model, node, serialized
from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, SymbolRefAttr, i64

from cimc.context import cimc_context
from cimc.data import save_npz
from cimc.dialects.cim.digital import DequantizeOp, Im2colOp
from cimc.dialects.weights import LoadOp
from cimc.passes import get_all_cimc_passes


@pytest.fixture
def network(tmp_path: Path) -> Path:
    """Three convolutions in a row, the second one with padding."""
    rng = np.random.default_rng(0)
    names = ("one", "two", "three")
    nodes = [
        node("Conv", "x w1", "a", pads=[0] * 4),
        node("Relu", "a", "b"),
        node("Conv", "b w2", "c", pads=[1] * 4),
        node("Relu", "c", "d"),
        node("Conv", "d w3", "y", pads=[0] * 4),
    ]
    for name, conv in zip(names, nodes[::2], strict=True):
        conv.name = name
    arrays = {f"w{i}": rng.standard_normal((4, 4, 3, 3)).astype(np.float32) for i in (1, 2, 3)}
    path = tmp_path / "model.onnx"
    path.write_bytes(serialized(model(nodes, (1, 4, 8, 8), **arrays)))
    save_npz(tmp_path / "x.npz", {"x": rng.standard_normal((4, 4, 8, 8)).astype(np.float32)})
    return path


def plant(monkeypatch: pytest.MonkeyPatch, name: str, fault: Callable[[Context, ModuleOp], None]) -> None:
    """Lets a pass do something wrong after what it does."""
    pass_type: Any = get_all_cimc_passes()[name]()
    right = pass_type.apply

    def apply(self: Any, ctx: Context, op: ModuleOp) -> None:
        right(self, ctx, op)
        fault(ctx, op)

    monkeypatch.setattr(pass_type, "apply", apply)


def other_padding(ctx: Context, module: ModuleOp) -> None:
    """Where a picture is padded, with ones."""
    for op in module.walk():
        if isinstance(op, Im2colOp) and any(op.pads.get_values()):
            op.properties["pad_code"] = IntegerAttr(7, i64)


def doubled_steps(ctx: Context, module: ModuleOp) -> None:
    """The last layer's floats are doubled."""
    context = cimc_context(ctx)
    last = [op for op in module.walk() if isinstance(op, DequantizeOp)][-1]
    load = last.scale.owner
    assert isinstance(load, LoadOp)
    load.symbol = SymbolRefAttr(context.tensors.add("doubled", 2 * context.tensors[load.key]))


FAULTS: dict[str, tuple[str, Callable[[Context, ModuleOp], None], str]] = {
    "padding": ("cim-im2col", other_padding, "two"),
    "steps": ("cim-quantize", doubled_steps, "three"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_reduced_case_fails_until_the_pass_is_mended(
    fault: str, network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, change, culprit = FAULTS[fault]
    monkeypatch.chdir(tmp_path)
    arguments = (network, "-O0", "--calibrate", "x.npz", "--check-each-pass", "-o", tmp_path / "program.mlir")
    with monkeypatch.context() as planted:
        plant(planted, name, change)
        outcome = command(*arguments)
        assert outcome.fault is None
        assert outcome.code == 1
        assert f"pass {name} changed output 'y'" in outcome.err
        assert f"the first node that differs is '{culprit}' (cim." in outcome.err
        case = tmp_path / f"{name}.differs.mlir"
        assert f"a reduced case is in {case.name}" in outcome.err
        text = case.read_text()
        (line,) = re.findall(r"// RUN: cimc-opt %s (.*) \| filecheck %s", text)
        options = shlex.split(line.replace("%S", str(tmp_path)))
        assert text.count("cim.conv") <= 1  # one layer of three
        failed = cimc_opt(case, *options)
        assert failed.fault is None
        assert failed.code == 1
        assert f"pass {name} changed output 'y'" in failed.err
    mended = cimc_opt(case, *options)
    assert mended.code in (0, None)
    assert "func.func @main" in mended.out
    assert command(*arguments).code in (0, None)


def test_inputs_of_the_case_can_be_given(network: Path, tmp_path: Path) -> None:
    command(network, "--emit", "onnx", "-o", tmp_path / "import.mlir")
    for data, code in (("x.npz", 1), ("one.npz", 0)):
        save_npz(tmp_path / "one.npz", {"x": np.ones((1, 4, 8, 8), np.float32)})
        outcome = cimc_opt(
            tmp_path / "import.mlir",
            *("-p", "onnx-fold-constants", "--check-each-pass", "--input", tmp_path / data),
        )
        assert outcome.fault is None
        assert (outcome.code or 0) == code  # x.npz holds four pictures
