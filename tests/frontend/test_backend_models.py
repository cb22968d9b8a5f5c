"""Whole models of the onnx package's backend suite: imported, folded, executed, and mapped onto crossbars.

Some cases have as graph inputs what decides about shapes (the shape of Reshape, the starts of Slice, ...).
The compiler must know those, so the test gives them to it as initialisers.
"""

from collections.abc import Sequence
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from backend_suite import Case, array_of, generated_cases, stored_cases
from onnx import numpy_helper
from xdsl.dialects.builtin import ModuleOp

from cimc.context import CimcContext, new_context
from cimc.data import save_npz
from cimc.dialects.onnx import OPS_BY_TYPE
from cimc.driver import run_pipeline
from cimc.errors import CimcError
from cimc.frontend.importer import import_model
from cimc.interpreters.clock import timeline_of
from cimc.interpreters.execute import execute
from cimc.pipelines import Options, Stage, pipeline
from cimc.runtime.arrays import Array, widen
from cimc.runtime.timeline import Timeline

SKIPPED = dict(
    line.split(": ", 1)
    for line in Path(__file__).with_name("skipped_backend_models.txt").read_text().splitlines()
)

DECIDE_SHAPES = {
    "ConstantOfShape": (0,),
    "Expand": (1,),
    "Pad": (1, 3),
    "ReduceMax": (1,),
    "ReduceMean": (1,),
    "ReduceSum": (1,),
    "Reshape": (1,),
    "Slice": (1, 2, 3, 4),
    "Split": (1,),
    "Squeeze": (1,),
    "Unsqueeze": (1,),
}
"""The inputs of operators, by position, that must be known when a model is compiled."""


STORED = ("pytorch-converted", "pytorch-operator", "simple")


def all_cases() -> dict[str, Case]:
    """The cases whose operators we have all, by name."""
    cases = [
        case for case in (*generated_cases(), *stored_cases(*STORED)) if case.op_types <= OPS_BY_TYPE.keys()
    ]
    return {case.name: case for case in cases}


@pytest.fixture(scope="module")
def cases() -> dict[str, Case]:
    return all_cases()


def with_constants(model: onnx.ModelProto, constants: dict[str, Array]) -> onnx.ModelProto:
    """A model some of whose inputs are initialisers."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    for name, array in constants.items():
        if name not in {t.name for t in model.graph.initializer}:
            model.graph.initializer.append(numpy_helper.from_array(array, name))
    return model


def named_inputs(case: Case, given: Sequence[Any]) -> dict[str, Any]:
    constants = {t.name for t in case.model.graph.initializer}
    names = [value.name for value in case.model.graph.input if value.name not in constants]
    return dict(zip(names, given, strict=True))


def decide_shapes(case: Case, given: dict[str, Any]) -> set[str]:
    """The inputs that decide about shapes: by their place in a node; of several nodes, lists of integers."""
    nodes = case.model.graph.node
    if len(nodes) > 1:
        arrays = {name: array_of(value) for name, value in given.items()}
        return {name for name, array in arrays.items() if array.dtype.kind == "i" and array.ndim < 2}
    (node,) = nodes
    return {node.input[i] for i in DECIDE_SHAPES.get(node.op_type, ()) if i < len(node.input)}


def imported(case: Case, given: dict[str, Any]) -> tuple[CimcContext, ModuleOp]:
    """A first size of 0 stands for the batch in some files, so an empty one is asked for."""
    needed = decide_shapes(case, given)
    constants = {name: array_of(value) for name, value in given.items() if name in needed}
    batch = min((array_of(value).shape[0] for value in given.values() if array_of(value).ndim), default=1)
    ctx = new_context()
    module = import_model(with_constants(case.model, constants), ctx.tensors, min(batch, 1))
    run_pipeline(ctx, module, "onnx-fold-constants")
    return ctx, module


def check(case: Case) -> None:
    assert case.data_sets
    for inputs, expected in case.data_sets:
        given = named_inputs(case, inputs)
        ctx, module = imported(case, given)
        outputs = execute(module, ctx.tensors, {name: array_of(value) for name, value in given.items()})
        assert len(expected) == len(case.model.graph.output)
        for output, value in zip(case.model.graph.output, expected, strict=True):
            compare(outputs[output.name], array_of(value), case)


def compare(result: Array, expected: Array, case: Case) -> None:
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    if expected.dtype.kind in "iub":
        np.testing.assert_array_equal(result, expected)
    else:
        np.testing.assert_allclose(widen(result), widen(expected), case.rtol, case.atol)


@pytest.mark.parametrize("op_type", [*sorted(OPS_BY_TYPE.keys() - {"Quant"}), "several"])
def test_models(op_type: str, cases: dict[str, Case], subtests: pytest.Subtests) -> None:
    chosen = [case for case in cases.values() if case.group == op_type and case.name not in SKIPPED]
    assert chosen
    for case in chosen:
        with subtests.test(case.name):
            check(case)


def test_skipped_cases_are_refused(cases: dict[str, Case], subtests: pytest.Subtests) -> None:
    assert SKIPPED.keys() <= cases.keys()
    for name in SKIPPED:
        with subtests.test(name), pytest.raises(CimcError):
            check(cases[name])


def kept_inputs(case: Case) -> list[set[str]]:
    """Which operands of a layer stay inputs of the graph, in each variant of it; the others are constants."""
    (node,) = case.model.graph.node
    constants = {t.name for t in case.model.graph.initializer}
    variants = [{node.input[0]}]
    if node.op_type != "Conv":
        variants += [{node.input[1]}, set(node.input)]
    return [kept - constants for kept in variants if kept - constants]


def executed(
    case: Case, arrays: dict[str, Array], kept: set[str], stage: Stage, data: Path
) -> tuple[Array, Timeline]:
    """The output of a layer compiled to a stage at 8/8 bits, its ranges those of its own input."""
    inputs = {name: array for name, array in arrays.items() if name in kept}
    save_npz(data, inputs)
    ctx = new_context()
    constants = {name: array for name, array in arrays.items() if name not in kept}
    module = import_model(with_constants(case.model, constants), ctx.tensors)
    spec = pipeline(stage, Options(weight_bits=8, activation_bits=8, calibrate=str(data)))
    minmax = spec.replace(f'data="{data}"', f'data="{data}" method="minmax"')
    assert minmax != spec
    run_pipeline(ctx, module, minmax)
    (output,) = execute(module, ctx.tensors, inputs).values()
    return output, timeline_of(module, ctx.tensors)


def quantisation_error(node: onnx.NodeProto, x: Array, w: Array) -> float:
    """How far a layer at 8/8 bits may be from the float one.

    A product (x + dx) * (w + dw) with |dx| <= sx / 2, |dw| <= sw / 2 errs by at most
    sx / 2 * |w| + sw / 2 * |x| + sx * sw / 4; an output sums one such product for each of its inputs.
    """
    products = prod(w.shape[1:]) if node.op_type == "Conv" else w.shape[max(0, w.ndim - 2)]
    if any(a.name == "transB" and a.i for a in node.attribute):
        products = w.shape[-1]
    alpha = next((a.f for a in node.attribute if a.name == "alpha"), 1.0)
    largest_x, largest_w = (float(np.abs(a).max()) for a in (x, w))
    sx, sw = largest_x / 127, largest_w / 127
    return alpha * products * (sx / 2 * largest_w + sw / 2 * largest_x + sx * sw / 4)


@pytest.mark.parametrize("op_type", ["Conv", "Gemm", "MatMul"])
def test_layers_on_crossbars(
    op_type: str, cases: dict[str, Case], subtests: pytest.Subtests, tmp_path: Path
) -> None:
    chosen = [
        case
        for case in cases.values()
        if [node.op_type for node in case.model.graph.node] == [op_type]
        and array_of(case.data_sets[0][1][0]).dtype == np.float32
    ]
    assert chosen
    for case in chosen:
        for kept in kept_inputs(case):
            with subtests.test(case.name, kept=sorted(kept)):
                check_on_crossbars(case, kept, tmp_path / "data.npz")


def check_on_crossbars(case: Case, kept: set[str], data: Path) -> None:
    (node,) = case.model.graph.node
    inputs, (expected,) = case.data_sets[0]
    arrays = {t.name: numpy_helper.to_array(t) for t in case.model.graph.initializer}
    arrays |= {name: array_of(value) for name, value in named_inputs(case, inputs).items()}
    layer, _ = executed(case, arrays, kept, "cim", data)
    result, timeline = executed(case, arrays, kept, "xbar", data)
    assert timeline.total.mvm_cycles > 0
    np.testing.assert_array_equal(result, layer)
    reference = array_of(expected)
    bound = quantisation_error(node, arrays[node.input[0]], arrays[node.input[1]])
    assert result.shape == reference.shape
    assert np.abs(result - reference).max() <= bound + 1e-5 * np.abs(reference).max()
