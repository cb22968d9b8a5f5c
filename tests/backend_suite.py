"""The test cases of onnx's own backend suite, as the tests of kernels and of whole models take them."""

import warnings
from collections import defaultdict
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.loader import load_model_tests

from cimc.runtime.arrays import Array


@dataclass(frozen=True)
class Case:
    """A model, and for each data set its inputs and outputs."""

    name: str
    model: onnx.ModelProto
    data_sets: Sequence[tuple[Sequence[Any], Sequence[Any]]]
    rtol: float
    atol: float

    @property
    def op_types(self) -> set[str]:
        return {node.op_type for node in self.model.graph.node} - {"Constant"}

    @property
    def group(self) -> str:
        """The operator, or what stands for all models of several."""
        return min(self.op_types) if len(self.op_types) == 1 else "several"


def generated_cases() -> Iterator[Case]:
    """The cases of single operators, which the onnx package makes anew; it takes seconds."""
    with warnings.catch_warnings(action="ignore"):
        collected = collect_testcases(None)
    for case in collected:
        assert case.model is not None
        assert case.data_sets is not None
        # These cases ask for more digits than bfloat16 has: allow two units in its last place,
        # since their values were rounded after every step and ours are rounded at the end.
        rtol = 2**-6 if case.name.endswith("_bf16") else case.rtol
        yield Case(case.name, case.model, case.data_sets, rtol, case.atol)


def stored_cases(*kinds: str) -> Iterator[Case]:
    """The cases of folders of the onnx package: `pytorch-converted`, `pytorch-operator`, `simple`."""
    for kind in kinds:
        for case in load_model_tests(kind=kind):
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


def array_of(value: Any) -> Array:
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


@dataclass(frozen=True)
class NodeRun:
    """One execution of a node, in the operator's newest form."""

    op_type: str
    inputs: Sequence[Array | None]
    attributes: Mapping[str, Any]
    num_results: int
    expected: Mapping[int, Array]
    """Results by their position among the node's outputs."""


def single_node_cases(op_types: Container[str]) -> dict[str, list[Case]]:
    """Every case of a single node that is of one of these operators, by operator."""
    found: dict[str, list[Case]] = defaultdict(list)
    for case in (*generated_cases(), *stored_cases("pytorch-converted")):
        nodes = case.model.graph.node
        if len(nodes) == 1 and nodes[0].op_type in op_types:
            found[nodes[0].op_type].append(case)
    return found


def node_runs(case: Case) -> Iterator[NodeRun]:
    """What a case of a single node executes, once for each data set."""
    (node,) = case.model.graph.node
    constants = {t.name: numpy_helper.to_array(t) for t in case.model.graph.initializer}
    fed = [value.name for value in case.model.graph.input if value.name not in constants]
    outputs = list(node.output)
    for given, expected in case.data_sets:
        arrays = constants | dict(zip(fed, map(array_of, given), strict=True))
        inputs: list[Array | None] = [arrays[name] if name else None for name in node.input]
        attributes = {attribute.name: _attribute(attribute) for attribute in node.attribute}
        _modernise(node, case.model.opset_import[0].version, inputs, attributes)
        results = {
            outputs.index(output.name): array_of(value)
            for output, value in zip(case.model.graph.output, expected, strict=True)
        }
        yield NodeRun(node.op_type, inputs, attributes, len(outputs), results)


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
