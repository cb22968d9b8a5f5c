"""Timelines of programs, without running them."""

from pathlib import Path

import numpy as np
import pytest
from tools.tiny_models import attention, conv, dense, qdq, serialized, weights

import cimc
from cimc.context import new_context
from cimc.errors import CimcError
from cimc.interpreters.clock import timeline_of
from cimc.ir_files import parse_module

MODELS = {"conv": conv, "dense": dense, "attention": attention, "qdq": qdq}
SCHEDULES = [(1, None), (3, "list"), (9, "resident")]


@pytest.mark.parametrize(("crossbars", "schedule"), SCHEDULES)
@pytest.mark.parametrize("name", MODELS)
def test_time_does_not_depend_on_numbers(
    name: str, crossbars: int, schedule: str | None, tmp_path: Path
) -> None:
    """A trace needs no data to calibrate with, and ends when the report and a run say so."""
    path = tmp_path / "model.onnx"
    path.write_bytes(serialized(MODELS[name]()))
    target = cimc.Target("small", rows=16, cols=32, crossbars=crossbars)
    plain = cimc.compile(path, target=target, schedule=schedule, emit="trace")
    assert plain.timeline is not None
    shapes = plain.input_shapes().items()
    data = {name: np.abs(weights(8 * shape[0], *shape[1:])) for name, shape in shapes}
    program = cimc.compile(path, target=target, schedule=schedule, calibrate=data)
    assert program.timeline is not None
    assert program.timeline == plain.timeline
    assert program.timeline.end_ps == program.report().latency_ps
    program.run(data)  # replays what the timeline says


NO_CROSSBAR = """
builtin.module attributes {cim.target = #cim.target<name = "t", rows = 4, cols = 4, cell_bits = 2, dac_bits = 1, write_us = 8.0, mvm_us = 1.0, crossbars = 1, mapping = "differential-column", reads = ["differential", "single-ended"]>} {
  func.func @main(%xb: !xbar.crossbar, %x: tensor<1x6x1xui8> {onnx.name = "x"}, %w: tensor<1x1x4xui2> {onnx.name = "w"}) -> (tensor<1x6x1xsi32> {onnx.name = "y"}) {
    %sums = cim.zeros : tensor<1x6x1xsi32>
    %1 = xbar.write %xb, %w tile<matrix 0, rows 0 to 1, columns 0 to 4>
    %y, %2 = xbar.mvm %1, %x, %sums layer "b" encoding<"differential-column", cell_bits 2, slices 2>
    func.return %y : tensor<1x6x1xsi32>
  }
}
"""  # noqa: E501


def test_a_crossbar_from_nowhere_is_named() -> None:
    ctx = new_context()
    module = parse_module(ctx, NO_CROSSBAR, "test")
    with pytest.raises(CimcError, match=r"xbar.write: its crossbar is none that the program allocates"):
        timeline_of(module, ctx.tensors)


def test_only_programs_on_crossbars_have_a_trace(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(serialized(qdq()))
    program = cimc.compile(path, emit="cim")
    assert program.timeline is None
    with pytest.raises(CimcError, match="the program does nothing on crossbars"):
        program.trace()
