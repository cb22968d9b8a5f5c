"""Random quantised networks, compiled in random ways, give the numbers of onnxruntime to the last bit.

`CIMC_GRAPHS` is the number of networks.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from counted import check_counters
from hypothesis import HealthCheck, assume, given, seed, settings
from hypothesis import strategies as st
from random_graphs import Graph, run_onnxruntime
from random_networks import Network, Value, networks
from round_trip import check_round_trip

import cimc
from cimc.runtime.arrays import Array
from cimc.target import Target

GRAPHS = int(os.environ.get("CIMC_GRAPHS", "300"))
CHUNKS = 4
MAPPINGS = ("differential-column", "differential-row", "offset")
SIZES = ((64, 48), (16, 24), (12, 10), (256, 256))


@st.composite
def options(draw: st.DrawFn) -> dict[str, Any]:
    """What a user may choose when compiling."""
    target = Target(
        "test",
        *draw(st.sampled_from(SIZES)),
        cell_bits=draw(st.sampled_from([1, 2, 3, 4, 8])),
        dac_bits=draw(st.integers(1, 3)),
        crossbars=draw(st.sampled_from([1, 2, 5, 40, 4000])),
        mapping=draw(st.sampled_from(MAPPINGS)),  # pyright: ignore[reportArgumentType]
    )
    if draw(st.integers(0, 3)) == 0:
        return {"target": target, "mapping": draw(st.sampled_from([*MAPPINGS, "any"])), "opt_level": 0}
    return {
        "target": target,
        "mapping": draw(st.sampled_from([*MAPPINGS, "mixed-digits", "any"])),
        "stationary": draw(st.sampled_from(["weights", "any", "inputs"])),
        "schedule": "resident" if target.crossbars == 4000 else "list",
    }


@pytest.mark.parametrize("stationary", ["weights", "any", "inputs"])
@pytest.mark.parametrize("stride", [1, 2])
def test_layers_that_need_little_of_those_before(stride: int, stationary: str, tmp_path: Path) -> None:
    """The second layer reads one pixel of two, or only padding; streaming vectors do not wait for others."""
    graph = Graph()
    graph.inputs["x"] = np.array([[[1, 2][:stride]]], np.float32)
    one, zero = graph.constant("one", np.array(1, np.float32)), graph.constant("zero", np.array(0, np.int8))
    value = "x"
    for number, pads in enumerate([(0, 0), (1, 0), (0, 0)]):
        codes = graph.add("QuantizeLinear", [value, one, zero], f"codes{number}")
        value = graph.add("DequantizeLinear", [codes, one, zero], f"values{number}")
        stored = graph.constant(f"layer{number}.weight", np.array([[[3]]], np.int8))
        w = graph.add("DequantizeLinear", [stored, one, zero], f"w{number}")
        strides = [2] if number == 1 else [1]
        value = graph.add("Conv", [value, w], f"y{number}", pads=pads, strides=strides)
    model = graph.model(value, [1, 1, 1])
    path = tmp_path / "network.onnx"
    path.write_bytes(model.SerializeToString())
    target = Target("test", crossbars=8)
    program = cimc.compile(
        path, target=target, schedule="resident", stationary=stationary, check=graph.inputs
    )
    np.testing.assert_array_equal(
        program.run(graph.inputs)[value], run_onnxruntime(model, graph.inputs)[value]
    )
    check_schedule(program)


def check_schedule(program: cimc.Program) -> None:
    """The report tells what the clock counts, and no more than its bound allows."""
    report, timeline = program.report(), program.timeline
    assert timeline is not None
    assert timeline.end_ps == report.latency_ps >= report.lower_bound_ps
    check_counters(program)


def expected_of(net: Network, model: onnx.ModelProto) -> Array:
    """What onnxruntime gives, unless that depends on how floats are rounded, or is the same all over."""
    values = run_onnxruntime(model, net.inputs, net.rounded)
    assume(not net.is_ambiguous(values))
    (output,) = model.graph.output
    expected = values[output.name]
    assume(np.ptp(expected) > 0)
    return expected


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_networks_give_the_numbers_of_onnxruntime(chunk: int, tmp_path: Path) -> None:
    path = tmp_path / "network.onnx"

    @seed(chunk)
    @settings(
        max_examples=GRAPHS // CHUNKS,
        database=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    )
    @given(networks(), options())
    def run(drawn: tuple[Network, Value], chosen: Mapping[str, Any]) -> None:
        net, output = drawn
        model = net.model(output)
        expected = expected_of(net, model)
        path.write_bytes(model.SerializeToString())
        program = cimc.compile(path, **chosen, check=net.inputs, observers=[check_round_trip])
        np.testing.assert_array_equal(program.run(net.inputs)[output.name], expected)
        check_schedule(program)

    run()
