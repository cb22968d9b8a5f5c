"""Two reports or programs, layer by layer."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tools.tiny_models import attention, conv, dense, qdq, serialized, weights

import cimc
from cimc.comparison import Costs, LayerCosts, compared, costs_in, costs_of_program, costs_of_report
from cimc.errors import CimcError
from cimc.tools.diff_text import print_comparison

MODELS = {"conv": conv, "dense": dense, "attention": attention, "qdq": qdq}


def compiled(name: str, folder: Path, **options: Any) -> cimc.Program:
    path = folder / "model.onnx"
    path.write_bytes(serialized(MODELS[name]()))
    shapes = cimc.compile(path, emit="onnx").input_shapes()
    return cimc.compile(path, calibrate={x: weights(4, *shape[1:]) for x, shape in shapes.items()}, **options)


@pytest.mark.parametrize("name", MODELS)
def test_programs_and_reports_tell_the_same(name: str, tmp_path: Path) -> None:
    """But for how layers are mapped: a program tells what a crossbar needs to know."""
    target = cimc.Target("small", rows=16, cols=32, crossbars=2)
    program = compiled(name, tmp_path, target=target)
    program.save(tmp_path / "program.mlir")
    (tmp_path / "report.json").write_text(json.dumps(program.report().as_json()))
    from_program, from_report = costs_in(tmp_path / "program.mlir"), costs_in(tmp_path / "report.json")
    assert from_program == costs_of_program(program)
    assert from_report == costs_of_report(program.report())
    assert from_program.latency_ps == from_report.latency_ps == program.report().latency_ps
    assert list(from_program.layers) == list(from_report.layers)
    for layer in compared(from_program, from_report):
        assert layer.a is not None
        assert layer.b is not None
        assert layer.saved_ps == 0
        assert (layer.a.tile_writes, layer.a.mvm_cycles) == (layer.b.tile_writes, layer.b.mvm_cycles)


A = Costs(
    {"one": LayerCosts("8/8", 1, 8, 10**9, 2 * 10**9), "two": LayerCosts("8/8", 2, 4, 0, 10**9)},
    latency_ps=4 * 10**9,
)
B = Costs(
    {"two": LayerCosts("8/4", 2, 2, 5 * 10**8, 0), "new": LayerCosts("4/4", 1, 1, 10**9, 0)},
    latency_ps=15 * 10**8,
)


def test_layers_of_either_are_shown_with_what_changes() -> None:
    changes = compared(A, B)
    assert [layer.name for layer in changes] == ["one", "two", "new"]
    assert [layer.saved_ps for layer in changes] == [3 * 10**9, 5 * 10**8, -(10**9)]
    stream = StringIO()
    print_comparison(A, B, Console(file=stream, width=120))
    _, one, two, new, latency = (line.split() for line in stream.getvalue().splitlines())
    assert one == [*"one 1 - 8 - 3.000 -".split(), "only", "in", "the", "first"]
    assert two == [*"two 2 2 4 2 1.000 0.500 -50.0 % 8/8 -> 8/4".split()]
    assert new == [*"new - 1 - 1 - 1.000".split(), "only", "in", "the", "second"]
    assert latency == "(latency) 4.000 1.500 -62.5 %".split()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello", r"neither a program \(.mlir\) nor a report as JSON"),
        ("[" * 100_000, "neither a program"),
        ("{}", "not a report of cimc .*: 'layers' is missing"),
        ("[]", "not a report of cimc"),
        ('{"layers": [{"name": "a"}]}', "'weight_bits' is missing"),
        ('{"layers": 3}', "not a report of cimc"),
        ('{"layers": [], "total": {"energy_uj": 1}}', "'speedup' is missing"),
        (
            '{"layers": [], "total": {"energy_uj": "much", "speedup": "fast"}}',
            "could not convert string to float",
        ),
        ('{"layers": [{"weight_bits": 1e999}]}', "not a report of cimc"),
        ('{"layers": [{"weight_bits": 1e30}]}', "1e[+]30 is too large"),
    ],
)
def test_other_files_are_refused(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    with pytest.raises(CimcError, match=message) as caught:
        costs_in(path)
    assert str(path) in str(caught.value)


def test_a_program_of_another_level_is_refused(tmp_path: Path) -> None:
    compiled("qdq", tmp_path, emit="cim").save(tmp_path / "program.mlir")
    with pytest.raises(CimcError, match="only programs at the xbar level can be compared"):
        costs_in(tmp_path / "program.mlir")
    with pytest.raises(CimcError, match="cannot be read"):
        costs_in(tmp_path / "missing.json")
