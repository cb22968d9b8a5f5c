"""The text form of all ops of the `onnx` dialect, and how they refuse what does not suit them."""

import re
from contextlib import suppress
from io import StringIO
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from xdsl.dialects.builtin import ModuleOp, TensorType, UnrankedTensorType, f32, i64
from xdsl.ir import Attribute, Block, SSAValue
from xdsl.irdl import OptionalDef, VariadicDef
from xdsl.parser import Parser
from xdsl.printer import Printer

from cimc.context import new_context
from cimc.dialects.onnx import OPS_BY_TYPE
from cimc.dialects.onnx.base import (
    OnnxOp,
    float_attr,
    int_attr,
    ints_attr,
    python_value,
    string_attr,
    tensor_attr,
)
from cimc.dialects.tensor_types import Shape, shape_of
from cimc.runtime.arrays import Array
from cimc.runtime.kernels import KERNELS

TEXT = Path(__file__).parents[1] / "filecheck" / "dialects" / "onnx_ops.mlir"


def parse(text: str) -> ModuleOp:
    module = Parser(new_context(), text).parse_module()
    module.verify()
    return module


def printed(module: ModuleOp, *, generic: bool = False, debuginfo: bool = False) -> str:
    stream = StringIO()
    printer = Printer(stream, print_generic_format=generic, print_debuginfo=debuginfo)
    printer.print_op(module)
    return stream.getvalue()


def test_every_op_is_in_the_round_trip() -> None:
    ops = [op for op in parse(TEXT.read_text()).walk() if isinstance(op, OnnxOp)]
    assert {op.op_type for op in ops} == OPS_BY_TYPE.keys()


def test_text_means_the_same_in_every_form() -> None:
    module = parse(TEXT.read_text())
    for text in (
        printed(module),
        printed(module, generic=True),
        printed(module, debuginfo=True),
    ):
        assert parse(text).is_structurally_equivalent(module)


def test_every_op_has_a_kernel() -> None:
    assert OPS_BY_TYPE.keys() == KERNELS.keys()


@pytest.mark.parametrize("op_type", sorted(OPS_BY_TYPE.keys() - {"Quant"}))
def test_attributes_are_those_of_onnx(op_type: str) -> None:
    schema = onnx.defs.get_schema(op_type)
    defaults = {
        name: onnx.helper.get_attribute_value(attribute.default_value)
        for name, attribute in schema.attributes.items()
        if attribute.default_value.name
    }
    ours = {
        name: python_value(prop.default_value)
        for name, prop in OPS_BY_TYPE[op_type].get_irdl_definition().properties.items()
        if not name.endswith("SegmentSizes")
    }
    assert ours.keys() == schema.attributes.keys()
    known = {name: value for name, value in ours.items() if name in defaults}
    assert known == {n: v.decode() if isinstance(v, bytes) else v for n, v in defaults.items()}


@pytest.mark.parametrize(
    ("attribute", "value"),
    [
        (int_attr(-1), -1),
        (ints_attr([]), ()),
        (ints_attr([1, 2]), (1, 2)),
        (float_attr(0.5), 0.5),
        (string_attr("edge"), "edge"),
        (None, None),
    ],
)
def test_python_value(attribute: Attribute | None, value: Any) -> None:
    assert python_value(attribute) == value


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64", "float16", "float32"])
def test_python_value_of_tensor(dtype: str) -> None:
    array = np.ones(1, dtype)
    value = python_value(tensor_attr(array))
    assert (value.dtype, value.shape, value.item()) == (array.dtype, (1,), 1)


def test_python_value_of_something_else() -> None:
    with pytest.raises(TypeError, match="no ONNX attribute"):
        python_value(f32)


def test_left_out_values_keep_their_place() -> None:
    text = re.sub(r"// .*", "", TEXT.read_text())
    attention = [op for op in parse(text).walk() if op.name == "onnx.Attention"][1]
    assert isinstance(attention, OnnxOp)
    assert attention.onnx_operands() == list(attention.operands)
    y, qk = attention.results
    assert attention.onnx_results() == [y, None, None, qk]


shapes = st.lists(st.integers(0, 4), max_size=5)
counts = st.integers(1, 3)


def misfit(data: st.DataObject, cls: type[OnnxOp]) -> tuple[OnnxOp, dict[SSAValue, Array]]:
    """An op with operands and attributes at random, and the values of all its operands."""
    definition = cls.get_irdl_definition()
    inputs: list[SSAValue | None] = []
    for _, operand in definition.operands:
        optional = isinstance(operand, OptionalDef)
        if optional and data.draw(st.booleans()):
            inputs.append(None)
            continue
        count = data.draw(counts) if isinstance(operand, VariadicDef) and not optional else 1
        inputs.extend(Block(arg_types=[TensorType(i64, data.draw(shapes)) for _ in range(count)]).args)

    attributes: dict[str, Attribute] = {}
    for name, attribute in onnx.defs.get_schema(cls.name.removeprefix("onnx.")).attributes.items():
        if not attribute.required and data.draw(st.booleans()):
            continue
        if attribute.type == onnx.defs.OpSchema.AttrType.INT:
            attributes[name] = int_attr(data.draw(st.integers(-3, 6)))
        if attribute.type == onnx.defs.OpSchema.AttrType.INTS:
            attributes[name] = ints_attr(data.draw(st.lists(st.integers(-1, 4), max_size=6)))
    results = [UnrankedTensorType(f32)] * data.draw(st.integers(1, len(definition.results)))
    values = {v: random_array(data, shape_of(v)) for v in inputs if v is not None}
    return cls.from_onnx(inputs, attributes, results), values


def random_array(data: st.DataObject, shape: Shape) -> Array:
    size = min(prod(shape), 8)
    numbers = data.draw(st.lists(st.integers(-3, 6), min_size=size, max_size=size))
    return np.resize(np.array(numbers, np.int64), shape)


@pytest.mark.parametrize("op_type", sorted(OPS_BY_TYPE.keys() - {"Quant"}))
@settings(deadline=None)
@given(st.data())
def test_misfits_are_value_errors(op_type: str, data: st.DataObject) -> None:
    op, values = misfit(data, OPS_BY_TYPE[op_type])
    # Any other exception would mean that a check is missing.
    with suppress(ValueError):
        types = op.infer_types(values.get)
        assert all(n >= 0 for type_ in types for n in shape_of(type_))
