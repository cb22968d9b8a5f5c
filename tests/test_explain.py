"""Explanations of layers say what reports and runs do."""

from pathlib import Path
from typing import Any

import pytest
from tools.tiny_models import attention, conv, dense, qdq, serialized, weights

import cimc
from cimc.errors import CimcError
from cimc.explain import layer_names

MODELS = {"conv": conv, "dense": dense, "attention": attention, "qdq": qdq}
WAYS: dict[str, dict[str, Any]] = {
    "paper": {"opt_level": 0},
    "best": {"mapping": "any"},
    "several": {"target": cimc.Target("small", rows=16, cols=32, crossbars=3), "bits": (5, 4)},
}


def compiled(name: str, tmp_path: Path, **options: Any) -> cimc.Program:
    path = tmp_path / "model.onnx"
    path.write_bytes(serialized(MODELS[name]()))
    shapes = cimc.compile(path, emit="onnx").input_shapes()
    data = {x: weights(4 * shape[0], *shape[1:]) for x, shape in shapes.items()}
    return cimc.compile(path, calibrate=data, **options)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MODELS)
def test_explanations_add_up_to_the_report(name: str, way: str, tmp_path: Path) -> None:
    program = compiled(name, tmp_path, **WAYS[way])
    program.save(tmp_path / "program.mlir")
    report = program.report()
    loaded = cimc.load(tmp_path / "program.mlir")
    assert layer_names(loaded.module) == [layer.shape.name for layer in report.layers]
    for layer in report.layers:
        found = loaded.explain(layer.shape.name)
        assert found.counters == layer.cost
        assert found.encoding.mapping == layer.mapping
        assert found.network_ps == report.latency_ps
        assert found.crossbar_ps == report.total.crossbar_ps
        assert sum(event.kind == "write" for event in found.events) == layer.cost.tile_writes
        # What streams and what is stored meet in the cells, and sums become floats.
        assert found.before[0].op == "cim.quantize" or found.input is None
        assert found.after[-1].op == "cim.dequantize"
        written = {(event.tile.matrix, event.tile.rows, event.tile.columns) for event in found.events}
        assert max(matrix for matrix, _, _ in written) < found.matrices
        assert max(rows[-1][1] for _, rows, _ in written) == found.rows
        assert max(columns[-1][1] for _, _, columns in written) == found.columns


def test_a_layer_leads_back_to_its_node(tmp_path: Path) -> None:
    program = compiled("qdq", tmp_path)
    (name,) = layer_names(program.module)[:1]
    program.save(tmp_path / "program.mlir")
    node = program.explain(name).node
    assert node
    assert cimc.load(tmp_path / "program.mlir").explain(name).node == node


def test_a_name_that_no_layer_has_is_an_error_with_those_that_are_close(tmp_path: Path) -> None:
    program = compiled("conv", tmp_path)
    name = layer_names(program.module)[0]
    with pytest.raises(CimcError, match=rf"no layer '{name}x'; there is .*{name}"):
        program.explain(f"{name}x")
    with pytest.raises(CimcError, match="no layers on crossbars: compile it with --emit=xbar"):
        compiled("conv", tmp_path, emit="cim").explain(name)
