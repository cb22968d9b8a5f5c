"""Reports as people see them."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from tools.tiny_models import attention, serialized

import cimc
from cimc.tools.report_text import BAR, print_report


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> cimc.Program:
    path: Path = tmp_path_factory.mktemp("model") / "model.onnx"
    path.write_bytes(serialized(attention()))
    return cimc.compile(path, emit="report", target=cimc.Target("small", rows=16, cols=16))


def printed(program: cimc.Program, width: int) -> list[str]:
    stream = StringIO()
    console = Console(file=stream, width=width, highlight=False)
    print_report(program.report(), program.advice(), console)
    return [line.rstrip() for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("width", [80, 160])
def test_numbers_are_whole_in_any_width(program: cimc.Program, width: int) -> None:
    lines = printed(program, width)
    assert max(map(len, lines[2:12])) <= width
    assert "…" not in "\n".join(lines)
    for layer in program.report().layers:
        (line,) = [line for line in lines if line.startswith(layer.shape.name) and "█" in line]
        assert f" {layer.cost.tile_writes} " in line
        assert f" {layer.cost.crossbar_ps / 1e9:.3f} " in line


def test_bars_are_as_long_as_times(program: cimc.Program) -> None:
    layers = program.report().layers
    longest = max(layer.cost.crossbar_ps for layer in layers)
    lines = printed(program, 160)
    for layer in layers:
        (line,) = [line for line in lines if line.startswith(layer.shape.name) and "█" in line]
        for block, ps in (("▒", layer.cost.write_ps), ("█", layer.cost.mvm_ps)):
            assert line.count(block) == max(1, round(BAR * ps / longest))


def test_advice_is_printed_with_what_it_saves(program: cimc.Program) -> None:
    lines = printed(program, 160)
    for change in program.advice().network:
        (line,) = [line for line in lines if line.startswith("(network)") and change.what in line]
        saved = 100 * (1 - change.latency_ps / program.report().latency_ps)
        assert line.split()[-4:] == f"{change.latency_ps / 1e9:.3f} ms {saved:.1f} %".split()
