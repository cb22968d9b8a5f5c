"""Advice is what the compiler does if one follows it."""

import re
from pathlib import Path
from typing import Any

import pytest
from tools.tiny_models import attention, conv, dense, qdq, serialized

import cimc
from cimc.advice import Change, costliest
from cimc.errors import CimcError
from cimc.what_if import layers_of, report_for, unmapped

MODELS = {"conv": conv, "dense": dense, "attention": attention, "qdq": qdq}
WAYS: dict[str, dict[str, Any]] = {
    "paper": {"opt_level": 0},
    "best": {},
    "any": {"mapping": "any", "stationary": "any", "bits": (5, 3)},
    "several": {"target": cimc.Target("small", rows=16, cols=16, crossbars=2), "bits": (4, 4)},
    "optimal": {"target": cimc.Target("small", rows=8, cols=8, crossbars=2), "schedule": "optimal"},
}


def followed(path: Path, way: dict[str, Any], program: cimc.Program, layer: str | None, change: str) -> int:
    """The latency of a network that is compiled as a change says."""
    options: dict[str, Any] = {**way, "schedule": None}
    if found := re.fullmatch(r"(weights|activations) of (\d) bits", change):
        assert layer is not None
        policy = {
            one.shape.name: {"weight_bits": one.weight_bits, "activation_bits": one.activation_bits}
            for one in program.report().layers
        }
        policy[layer][f"{found[1].removesuffix('s')}_bits"] = int(found[2])
        options = {**options, "bits": None, "policy": policy}
    elif found := re.fullmatch(r"--(mapping|stationary|crossbars) (\w+)", change):
        options[found[1]] = int(found[2]) if found[1] == "crossbars" else found[2]
    else:
        assert change == "-O1"
        options["opt_level"] = 1
    return cimc.compile(path, emit="report", **options).report().latency_ps


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MODELS)
def test_who_follows_advice_gets_what_it_promises(name: str, way: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(serialized(MODELS[name]()))
    program = cimc.compile(path, emit="report", **WAYS[way])
    report, advice = program.report(), program.advice()
    assert [part.layer for part in advice.layers] == costliest(report, 3)
    parts: list[tuple[str | None, tuple[Change, ...]]] = [(None, advice.network)]
    parts += [(part.layer.shape.name, part.changes) for part in advice.layers]
    for layer, changes in parts:
        for change in changes:
            assert change.latency_ps < report.latency_ps
            assert followed(path, WAYS[way], program, layer, change.what) == change.latency_ps


@pytest.mark.parametrize("way", ["paper", "best", "any", "several"])
@pytest.mark.parametrize("name", MODELS)
def test_decisions_can_be_taken_back(name: str, way: str, tmp_path: Path) -> None:
    """And are taken again in the same way."""
    path = tmp_path / "model.onnx"
    path.write_bytes(serialized(MODELS[name]()))
    program = cimc.compile(path, emit="report", **WAYS[way])
    plain = unmapped(program.module)
    assert all(layer.encoding is None for layer in layers_of(plain))
    assert all(layer.encoding is not None for layer in layers_of(program.module))
    assert program.options is not None
    assert report_for(program.ctx, plain, program.options, {}) == program.report()


def test_the_layers_that_cost_most_come_first(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(serialized(attention()))
    report = cimc.compile(path, emit="report").report()
    times = [layer.cost.crossbar_ps for layer in costliest(report, 100)]
    assert times == sorted((layer.cost.crossbar_ps for layer in report.layers), reverse=True)


def test_only_reports_come_with_advice(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(serialized(qdq()))
    cimc.compile(path).save(tmp_path / "program.mlir")
    for program in (cimc.compile(path), cimc.load(tmp_path / "program.mlir")):
        with pytest.raises(CimcError, match="advice needs a program that has just been compiled"):
            program.advice()
