"""The kernels against the operator test cases that the onnx package ships."""

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from backend_suite import Case, array_of, generated_cases, stored_cases
from onnx import numpy_helper

from cimc.runtime.arrays import Array, widen
from cimc.runtime.kernels import KERNELS, NEEDS_NUM_RESULTS

SKIPPED = dict(
    line.split(": ", 1) for line in Path(__file__).with_name("skipped_cases.txt").read_text().splitlines()
)
# No standard case exists for what is not a standard operator.
WITHOUT_CASES = {"Quant"}


@pytest.fixture(scope="module")
def cases() -> dict[str, list[Case]]:
    """Every single-node case of an operator that has a kernel, by operator."""
    found: dict[str, list[Case]] = defaultdict(list)
    for case in (*generated_cases(), *stored_cases("pytorch-converted")):
        nodes = case.model.graph.node
        if len(nodes) == 1 and nodes[0].op_type in KERNELS:
            found[nodes[0].op_type].append(case)
    return found


def _attribute(attribute: onnx.AttributeProto) -> Any:
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode()
    return array_of(value) if isinstance(value, onnx.TensorProto) else value


def _modernise(
    node: onnx.NodeProto, opset: int, inputs: list[Array | None], attributes: dict[str, Any]
) -> None:
    """Rewrite the spellings of older operator sets, as the importer does."""
    for obsolete in ("is_test", "broadcast"):
        attributes.pop(obsolete, None)
    if node.op_type == "Dropout":
        attributes.pop("ratio", None)
    if node.op_type == "Pad" and "pads" in attributes:
        inputs.append(np.asarray(attributes.pop("pads"), np.int64))
        inputs.append(np.asarray(attributes.pop("value", 0), np.float32))
    if node.op_type == "PRelu" and opset < 7:
        x, slope = inputs
        assert x is not None
        assert slope is not None
        inputs[1] = slope.reshape(-1, *(1 for _ in x.shape[2:]))


def _check(case: Case) -> None:
    (node,) = case.model.graph.node
    constants = {t.name: numpy_helper.to_array(t) for t in case.model.graph.initializer}
    fed = [value.name for value in case.model.graph.input if value.name not in constants]
    for given, expected in case.data_sets:
        arrays = constants | dict(zip(fed, map(array_of, given), strict=True))
        inputs: list[Array | None] = [arrays[name] if name else None for name in node.input]
        attributes = {attribute.name: _attribute(attribute) for attribute in node.attribute}
        _modernise(node, case.model.opset_import[0].version, inputs, attributes)
        if node.op_type in NEEDS_NUM_RESULTS:
            attributes["num_results"] = len(node.output)
        results = KERNELS[node.op_type](*inputs, **attributes)
        named = dict(zip(node.output, results, strict=False))
        for output, value in zip(case.model.graph.output, expected, strict=True):
            _compare(named[output.name], array_of(value), case)


def _compare(result: Array, expected: Array, case: Case) -> None:
    assert type(result) is np.ndarray
    assert result.dtype == expected.dtype
    assert result.shape == expected.shape
    if expected.dtype.kind in "iub":
        np.testing.assert_array_equal(result, expected)
    else:
        np.testing.assert_allclose(widen(result), widen(expected), case.rtol, case.atol)


@pytest.mark.parametrize("op_type", sorted(KERNELS.keys() - WITHOUT_CASES))
def test_operator(op_type: str, cases: dict[str, list[Case]], subtests: pytest.Subtests) -> None:
    chosen = [case for case in cases[op_type] if case.name not in SKIPPED]
    assert chosen
    for case in chosen:
        with subtests.test(case.name):
            _check(case)


def test_skipped_cases_exist(cases: dict[str, list[Case]]) -> None:
    names = {case.name for group in cases.values() for case in group}
    assert SKIPPED.keys() <= names
