"""The check of what a program did, with programs and timelines that are wrong in one thing."""

from dataclasses import replace

import numpy as np
import pytest

from cimc.context import new_context
from cimc.errors import CimcError
from cimc.interpreters.clock import timeline_of
from cimc.interpreters.execute import execute
from cimc.interpreters.replay import Replay
from cimc.ir_files import parse_module
from cimc.runtime.timeline import Event, Timeline

TWO_LAYERS = """
builtin.module attributes {cim.target = #cim.target<name = "two", rows = 4, cols = 4, cell_bits = 2,
    dac_bits = 1, write_us = 8.0, mvm_us = 1.0, crossbars = 2, mapping = "differential-column">} {
  func.func @main(%v: tensor<1x6x6xui8>, %w: tensor<1x1x4xui2>) -> tensor<1x6x1xsi8> {
    %c = weights.inline dense<1> : tensor<1x6x4xui2>
    %0 = xbar.alloc {index = 0 : i64}
    %1 = xbar.alloc {index = 1 : i64}
    %z = cim.zeros : tensor<1x6x1xsi8>
    %2 = xbar.write %0, %c tile<matrix 0, rows 0 to 4, columns 0 to 4>
    %3, %4 = xbar.mvm %2, %v, %z layer "a" ENCODING
    %5 = xbar.write %4, %c tile<matrix 0, rows 4 to 6, columns 0 to 4>
    %6, %7 = xbar.mvm %5, %v, %3 layer "a" ENCODING vectors<0 to 2>
    %8 = xbar.write %1, %c tile<matrix 0, rows 4 to 6, columns 0 to 4>
    %9, %10 = xbar.mvm %8, %v, %6 layer "a" ENCODING vectors<2 to 6>
    %y = cim.zeros : tensor<1x6x1xsi8>
    %11 = xbar.write %10, %w tile<matrix 0, rows 0 to 1, columns 0 to 4>
    %12, %13 = xbar.mvm %11, %9, %y layer "b" ENCODING
    func.return %12 : tensor<1x6x1xsi8>
  }
}
""".replace("ENCODING", 'encoding<"differential-column", cell_bits 2, slices 2>')


def watched(text: str) -> tuple[Replay, Timeline]:
    """A run of a program, not yet checked."""
    ctx = new_context()
    module = parse_module(ctx, text, "test")
    replay = Replay(module)
    inputs = {"x0": np.ones((1, 6, 6), np.uint8), "x1": np.ones((1, 1, 4), np.uint8)}
    execute(module, ctx.tensors, inputs, replay)
    return replay, timeline_of(module, ctx.tensors)


def test_a_right_program_passes() -> None:
    replay, timeline = watched(TWO_LAYERS)
    replay.check(timeline)
    # 8 + 6 * 8 us, then 8 + 2 * 8: the second crossbar, which has written its tile by then, takes 6 * 8 more.
    times = [(e.kind, e.crossbar, e.start_ps // 1_000_000, e.end_ps // 1_000_000) for e in timeline.events]
    assert times == [
        ("write", 0, 0, 8),
        ("mvm", 0, 8, 56),
        ("write", 0, 56, 64),
        ("mvm", 0, 64, 80),
        ("write", 1, 0, 8),
        ("mvm", 1, 8, 40),
        ("write", 1, 40, 48),
        ("mvm", 1, 80, 128),
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("vectors<2 to 6>", "vectors<3 to 6>", "vector 2 goes 0 times through"),
        ("vectors<2 to 6>", "vectors<1 to 6>", "vector 1 goes 2 times through"),
        ("vectors<0 to 2>", "", "vector 2 goes 2 times through"),
        ("rows 0 to 4", "rows 0 to 3", "row 3 and column 0 of matrix 0 on are held 0 times"),
        ("rows 0 to 1, columns 0 to 4", "rows 0 to 1, columns 0 to 2", "column 2 of matrix 0 on are held 0"),
    ],
)
def test_a_wrong_program_is_found(old: str, new: str, message: str) -> None:
    assert TWO_LAYERS.count(old) == 1
    replay, timeline = watched(TWO_LAYERS.replace(old, new))
    with pytest.raises(CimcError, match=message):
        replay.check(timeline)


def test_cells_of_zeros_need_no_tile() -> None:
    text = TWO_LAYERS.replace("dense<1>", "dense<0>").replace("rows 0 to 4", "rows 0 to 3")
    replay, timeline = watched(text)
    replay.check(timeline)


@pytest.mark.parametrize(
    ("number", "start_us", "end_us", "message"),
    [
        (7, 79, 127, "starts before what it needs is there, at 80000000 ps"),
        (7, 80, 129, "takes 49000000 ps, not 48000000"),
        (2, 55, 63, "while crossbar 0 is busy until 56000000 ps"),
        (6, 0, 8, "while crossbar 1 is busy"),
        (4, 200, 208, "crossbar 1 holds another tile when"),
    ],
)
def test_a_wrong_timeline_is_found(number: int, start_us: int, end_us: int, message: str) -> None:
    replay, timeline = watched(TWO_LAYERS)
    event: Event = timeline.events[number]
    timeline.events[number] = replace(event, start_ps=start_us * 1_000_000, end_ps=end_us * 1_000_000)
    with pytest.raises(CimcError, match=message):
        replay.check(timeline)


def test_an_event_that_was_not_timed_is_found() -> None:
    replay, timeline = watched(TWO_LAYERS)
    timeline.events.pop()
    with pytest.raises(CimcError, match="7 events were timed for 8 writes and products"):
        replay.check(timeline)
