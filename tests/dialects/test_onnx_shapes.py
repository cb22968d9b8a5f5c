"""Shape inference against onnx: its operator test cases and, at random, its own inference."""

import warnings
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper
from onnx.backend.test.case.node import collect_testcases
from xdsl.dialects.builtin import UnrankedTensorType, f32
from xdsl.ir import Attribute, Block, SSAValue

from cimc.dialects.onnx import OPS_BY_TYPE
from cimc.dialects.onnx.base import (
    OnnxOp,
    float_attr,
    int_attr,
    ints_attr,
    onnx_element,
    string_attr,
    tensor_attr,
)
from cimc.dialects.tensor_types import element_of, element_type, is_static, shape_of, tensor_of
from cimc.runtime.arrays import Array

SKIPPED = dict(
    line.split(": ", 1)
    for line in Path(__file__).with_name("skipped_shape_cases.txt").read_text().splitlines()
)
# No standard case exists for what is not a standard operator.
WITHOUT_CASES = {"Quant"}

Inferred = list[tuple[int | None, ...] | None]


@dataclass(frozen=True)
class Case:
    name: str
    model: onnx.ModelProto
    inputs: Sequence[Any]
    outputs: Sequence[Any]

    @property
    def node(self) -> onnx.NodeProto:
        return self.model.graph.node[0]

    def named_inputs(self) -> dict[str, Array]:
        names = [value.name for value in self.model.graph.input]
        return dict(zip(names, map(array_of, self.inputs), strict=True))


def array_of(value: Any) -> Array:
    """The array in a case's data set, which numpy's own types enter as arrays, others as protos."""
    if isinstance(value, list):
        raise TypeError("a sequence is no tensor")
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)


@pytest.fixture(scope="module")
def cases() -> dict[str, list[Case]]:
    """Every single-node case of an operator that has an op, by operator."""
    with warnings.catch_warnings(action="ignore"):
        collected = collect_testcases(None)
    found: dict[str, list[Case]] = defaultdict(list)
    for case in collected:
        assert case.model is not None
        assert case.data_sets is not None
        nodes = case.model.graph.node
        if len(nodes) == 1 and nodes[0].op_type in OPS_BY_TYPE:
            found[nodes[0].op_type].append(Case(case.name, case.model, *case.data_sets[0]))
    return found


def attribute_of(proto: onnx.AttributeProto) -> Attribute:
    match helper.get_attribute_value(proto):
        case int(value):
            return int_attr(value)
        case float(value):
            return float_attr(value)
        case bytes(value):
            return string_attr(value.decode())
        case onnx.TensorProto() as value:
            return tensor_attr(numpy_helper.to_array(value))
        case value:
            return ints_attr(value)


def infer_types(node: onnx.NodeProto, arrays: dict[str, Array]) -> Sequence[Attribute]:
    """The inferred types of a node's outputs; all its inputs are known constants."""
    values = dict(zip(arrays, Block(arg_types=map(tensor_of, arrays.values())).args, strict=True))
    known: dict[SSAValue, Array] = {values[name]: array for name, array in arrays.items()}

    def op_with(types: Sequence[Attribute]) -> OnnxOp:
        present = iter(types)
        return OPS_BY_TYPE[node.op_type].from_onnx(
            [values.get(name) for name in node.input],
            {proto.name: attribute_of(proto) for proto in node.attribute},
            [next(present) if name else None for name in node.output],
        )

    placeholders = [UnrankedTensorType(f32) for name in node.output if name]
    types = op_with(placeholders).infer_types(known.get)
    op_with(types).verify()
    return types


def onnx_shapes(model: onnx.ModelProto, arrays: dict[str, Array]) -> Inferred:
    """What onnx infers, given the inputs that may decide about a shape; None is unknown."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    for name, array in arrays.items():
        if array.dtype.kind in "iu" and array.ndim < 2:
            model.graph.initializer.append(numpy_helper.from_array(array, name))
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    types = [output.type.tensor_type for output in inferred.graph.output]
    return [
        tuple(d.dim_value if d.HasField("dim_value") else None for d in t.shape.dim)
        if t.HasField("shape")
        else None
        for t in types
    ]


def agrees(ours: Sequence[Attribute], theirs: Inferred) -> bool:
    return all(
        shape is None
        or (
            len(shape) == len(shape_of(type_))
            and all(n in (None, m) for n, m in zip(shape, shape_of(type_), strict=True))
        )
        for type_, shape in zip(ours, theirs, strict=True)
    )


@pytest.mark.parametrize("op_type", sorted(OPS_BY_TYPE))
def test_standard_cases(op_type: str, cases: dict[str, list[Case]]) -> None:
    checked = [case for case in cases[op_type] if case.name not in SKIPPED]
    assert bool(checked) == (op_type not in WITHOUT_CASES)
    for case in checked:
        arrays = case.named_inputs()
        types = infer_types(case.node, arrays)
        expected = [tensor_of(array_of(output)) for output in case.outputs]
        assert (case.name, [*types]) == (case.name, expected)
        assert agrees(types, onnx_shapes(case.model, arrays)), case.name


def test_skipped_cases_are_refused(cases: dict[str, list[Case]]) -> None:
    by_name = {case.name: case for group in cases.values() for case in group}
    assert SKIPPED.keys() <= by_name.keys()
    for name in SKIPPED:
        with pytest.raises((TypeError, ValueError)):
            infer_types(by_name[name].node, by_name[name].named_inputs())


def test_element_types_have_onnx_numbers() -> None:
    for number in onnx.TensorProto.DataType.values():
        try:
            element = onnx_element(number)
        except ValueError:
            continue
        assert element == element_of(helper.tensor_dtype_to_np_dtype(number))


def check(
    node: onnx.NodeProto,
    *arrays: Array,
    plausible: Callable[[Any], bool] = lambda shape: all(n > 0 for n in shape),
) -> None:
    """A node must get the shapes that onnx gives it, and be refused if onnx refuses it."""
    named = dict(zip(node.input, arrays, strict=True))
    inputs = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for n, a in named.items()
    ]
    outputs = [helper.make_tensor_value_info(n, onnx.TensorProto.FLOAT, None) for n in node.output]
    model = helper.make_model(helper.make_graph([node], "g", inputs, outputs))
    theirs: Inferred | None
    try:
        theirs = onnx_shapes(model, named)
    except onnx.shape_inference.InferenceError:
        theirs = None
    try:
        ours = infer_types(node, named)
    except ValueError:
        # onnx infers shapes that no tensor has, or not of as many elements.
        assert theirs is None or not all(map(plausible, theirs))
        return
    assert theirs is not None
    assert all(is_static(type_) and element_type(type_) == f32 for type_ in ours)
    assert agrees(ours, theirs), (ours, theirs)


def floats(*shape: int) -> Array:
    return np.zeros(shape, np.float32)


sizes = st.integers(1, 12)


@st.composite
def windows(draw: st.DrawFn, *, pooling: bool) -> tuple[list[int], list[int], dict[str, Any]]:
    """Spatial sizes, a kernel that fits, and attributes of what slides a window."""
    rank = draw(st.integers(1, 3))

    def some(low: int, high: int) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=rank, max_size=rank))

    kernel, dilations, begins, ends = some(1, 4), some(1, 3), [0] * rank, [0] * rank
    auto_pad = draw(st.sampled_from(["NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]))
    attributes: dict[str, Any] = {"auto_pad": auto_pad, "dilations": dilations}
    if auto_pad == "NOTSET" and draw(st.booleans()):
        # As runtimes demand of pooling, no window lies wholly in the padding.
        begins, ends = ([draw(st.integers(0, k - 1)) for k in kernel] for _ in range(2))
        attributes["pads"] = begins + ends
    if draw(st.booleans()):
        attributes["strides"] = some(1, 3)
    if pooling:
        attributes["kernel_shape"] = kernel
        attributes["ceil_mode"] = draw(st.integers(0, 1))

    reach = [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)]
    if auto_pad.startswith("SAME"):
        reach = [1] * rank
    spatial = [
        draw(st.integers(max(1, size - begin - end), 12))
        for size, begin, end in zip(reach, begins, ends, strict=True)
    ]
    return spatial, kernel, attributes


@settings(deadline=None)
@given(windows(pooling=False), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2))
def test_conv(window: tuple[list[int], list[int], dict[str, Any]], c: int, m: int, group: int):
    spatial, kernel, attributes = window
    node = helper.make_node("Conv", ["x", "w"], ["y"], group=group, **attributes)
    check(node, floats(2, c * group, *spatial), floats(m * group, c, *kernel))


@pytest.mark.parametrize("op_type", ["AveragePool", "MaxPool"])
@settings(deadline=None)
@given(windows(pooling=True))
def test_pool(op_type: str, window: tuple[list[int], list[int], dict[str, Any]]):
    spatial, _, attributes = window
    node = helper.make_node(op_type, ["x"], ["y"], **attributes)
    check(node, floats(2, 3, *spatial))


@settings(deadline=None)
@given(
    st.lists(st.integers(1, 2), max_size=3),
    st.lists(st.integers(1, 2), max_size=3),
    st.integers(1, 2),
    st.integers(1, 2),
)
def test_matmul(a: list[int], b: list[int], inner: int, taken: int):
    node = helper.make_node("MatMul", ["a", "b"], ["y"])
    check(node, floats(*a, inner), floats(*b[:-1], taken, *b[-1:]))


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([0, 1, 2, 3, 4, 6]), max_size=4),
    st.lists(st.sampled_from([-1, 0, 1, 2, 3, 4, 6, 12]), max_size=4),
    st.integers(0, 1),
)
def test_reshape(data: list[int], shape: list[int], allowzero: int):
    node = helper.make_node("Reshape", ["data", "shape"], ["y"], allowzero=allowzero)
    array = floats(*data)
    check(node, array, np.array(shape, np.int64), plausible=lambda s: prod(s) == array.size)


bounds = st.integers(-14, 14) | st.sampled_from([2**31 - 1, -(2**31), 2**63 - 1, -(2**63)])
steps = st.integers(-4, 4).filter(bool)


@settings(deadline=None)
@given(st.lists(st.tuples(sizes, bounds, bounds, steps), min_size=1, max_size=3), st.booleans())
def test_slice(dimensions: list[tuple[int, int, int, int]], reverse: bool):
    data, *parameters = (list(n) for n in zip(*dimensions, strict=True))
    axes = list(range(len(data)))
    if reverse:
        axes.reverse()
        parameters = [values[::-1] for values in parameters]
    starts, ends, step = (np.array(values, np.int64) for values in parameters)
    node = helper.make_node("Slice", ["data", "starts", "ends", "axes", "steps"], ["y"])
    check(node, floats(*data), starts, ends, np.array(axes, np.int64), step)


@settings(deadline=None)
@given(st.lists(sizes, min_size=1, max_size=3), st.lists(sizes, min_size=1, max_size=3), st.data())
def test_concat(shape: list[int], along: list[int], data: st.DataObject):
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    arrays: list[Array] = []
    for size in along:
        changed = list(shape)
        changed[axis] = size
        arrays.append(floats(*changed))
    node = helper.make_node("Concat", [f"x{i}" for i in range(len(along))], ["y"], axis=axis)
    check(node, *arrays)
