"""The kernels against the operator test cases that the onnx package ships."""

import warnings
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.loader import load_model_tests

from cimc.runtime.arrays import Array, widen
from cimc.runtime.kernels import KERNELS, NEEDS_NUM_RESULTS

SKIPPED = dict(
    line.split(": ", 1) for line in Path(__file__).with_name("skipped_cases.txt").read_text().splitlines()
)
# No standard case exists for what is not a standard operator.
WITHOUT_CASES = {"Quant"}


@dataclass(frozen=True)
class Case:
    name: str
    model: onnx.ModelProto
    data_sets: Sequence[tuple[Sequence[Any], Sequence[Any]]]
    rtol: float
    atol: float


@pytest.fixture(scope="module")
def cases() -> dict[str, list[Case]]:
    """Every single-node case of an operator that has a kernel, by operator."""
    found: dict[str, list[Case]] = defaultdict(list)
    for case in (*_generated(), *_stored()):
        nodes = case.model.graph.node
        if len(nodes) == 1 and nodes[0].op_type in KERNELS:
            found[nodes[0].op_type].append(case)
    return found


def _generated() -> Iterator[Case]:
    with warnings.catch_warnings(action="ignore"):
        collected = collect_testcases(None)
    for case in collected:
        assert case.model is not None
        assert case.data_sets is not None
        # These cases ask for more digits than bfloat16 has: allow two units in its last place,
        # since their values were rounded after every step and ours are rounded at the end.
        rtol = 2**-6 if case.name.endswith("_bf16") else case.rtol
        yield Case(case.name, case.model, case.data_sets, rtol, case.atol)


def _stored() -> Iterator[Case]:
    for case in load_model_tests(kind="pytorch-converted"):
        assert case.model_dir is not None
        directory = Path(case.model_dir)
        data_sets = [
            (_tensors(data, "input"), _tensors(data, "output"))
            for data in sorted(directory.glob("test_data_set_*"))
        ]
        model = onnx.ModelProto.FromString((directory / "model.onnx").read_bytes())
        yield Case(case.name, model, data_sets, case.rtol, case.atol)


def _tensors(directory: Path, kind: str) -> list[onnx.TensorProto]:
    count = len(list(directory.glob(f"{kind}_*.pb")))
    paths = (directory / f"{kind}_{index}.pb" for index in range(count))
    return [onnx.TensorProto.FromString(path.read_bytes()) for path in paths]


def _array(value: Any) -> Array:
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    return np.asarray(value)


def _attribute(attribute: onnx.AttributeProto) -> Any:
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode()
    return _array(value) if isinstance(value, onnx.TensorProto) else value


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
        arrays = constants | dict(zip(fed, map(_array, given), strict=True))
        inputs: list[Array | None] = [arrays[name] if name else None for name in node.input]
        attributes = {attribute.name: _attribute(attribute) for attribute in node.attribute}
        _modernise(node, case.model.opset_import[0].version, inputs, attributes)
        if node.op_type in NEEDS_NUM_RESULTS:
            attributes["num_results"] = len(node.output)
        results = KERNELS[node.op_type](*inputs, **attributes)
        named = dict(zip(node.output, results, strict=False))
        for output, value in zip(case.model.graph.output, expected, strict=True):
            _compare(named[output.name], _array(value), case)


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
