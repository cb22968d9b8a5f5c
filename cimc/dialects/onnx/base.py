"""What all ops of the `onnx` dialect share: text form, attributes, shape inference, verifier."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Self, TypeAlias, TypeVar, cast

import numpy as np
from xdsl.dialects.builtin import (
    AnyDenseElement,
    BytesAttr,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    NoneType,
    StringAttr,
    TensorType,
    UnrankedTensorType,
    bf16,
    f16,
    f32,
    f64,
    i1,
    i32,
    i64,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    AnyAttr,
    AnyOf,
    AtLeast,
    AttrConstraint,
    AttrSetConstraint,
    AttrSizedOperandSegments,
    AttrSizedResultSegments,
    BaseAttr,
    EqAttrConstraint,
    IRDLOperation,
    OpDef,
    OptionalDef,
    OptPropertyDef,
    ParamAttrConstraint,
    RangeOf,
    VarConstraint,
    VariadicDef,
    VerificationContext,
    traits_def,
)
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.printer import Printer
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from cimc.dialects.tensor_types import (
    Shape,
    dtype_of,
    element_of,
    element_type,
    is_static,
    shape_of,
    tensor_of,
)
from cimc.limits import check_elements
from cimc.runtime import arrays
from cimc.runtime.arrays import Array

INT = IntegerAttr.constr(i64)
INTS = DenseArrayBase.constr(i64)
FLOAT = FloatAttr.constr(f32)
STRING = StringAttr

OPERAND_SEGMENTS = AttrSizedOperandSegments(as_property=True)
"""For ops with two or more optional operands."""
RESULT_SEGMENTS = AttrSizedResultSegments(as_property=True)
"""For ops with two or more optional results."""

_SEGMENTS = {AttrSizedOperandSegments.attribute_name, AttrSizedResultSegments.attribute_name}


def tensor_constr(element: AttrConstraint[Attribute]) -> AttrConstraint[Attribute]:
    """Ranked tensors, or unranked ones as long as shapes are not inferred, of such elements."""
    return AnyOf[Attribute](
        (TensorType.constr(element), ParamAttrConstraint.get(UnrankedTensorType, element))
    )


def one_of(*values: str) -> AttrConstraint[StringAttr]:
    """A string attribute with one of these values."""
    return AttrSetConstraint[StringAttr].get(*map(StringAttr, values))


_FLOATS = AttrSetConstraint[Attribute].get(f16, bf16, f32, f64)
_INTEGERS = BaseAttr[Attribute](IntegerType)

ANY_TENSOR = tensor_constr(AnyAttr())
BOOL_TENSOR = tensor_constr(EqAttrConstraint(i1))
FLOAT_TENSOR = tensor_constr(_FLOATS)
FLOAT_OR_INT32_TENSOR = tensor_constr(AttrSetConstraint[Attribute].get(f16, bf16, f32, f64, i32))
INDEX_TENSOR = tensor_constr(AttrSetConstraint[Attribute].get(i32, i64))
INT64_TENSOR = tensor_constr(EqAttrConstraint(i64))
INTEGER_TENSOR = tensor_constr(_INTEGERS)

# These share a type variable: all operands of an op that have one of them are of the same elements.
SAME_TENSOR = tensor_constr(VarConstraint("T", AnyAttr()))
SAME_FLOAT_TENSOR = tensor_constr(VarConstraint("T", _FLOATS))
SAME_INTEGER_TENSOR = tensor_constr(VarConstraint("T", _INTEGERS))
SAME_TENSORS = RangeOf(SAME_TENSOR).of_length(AtLeast(1))


def int_attr(value: int) -> IntegerAttr:
    """An ONNX integer attribute."""
    return IntegerAttr(value, i64)


def ints_attr(values: Sequence[int]) -> DenseArrayBase:
    """An ONNX attribute that is a list of integers."""
    return DenseArrayBase.from_list(i64, list(values))


def float_attr(value: float) -> FloatAttr:
    """An ONNX float attribute (they are 32-bit)."""
    return FloatAttr(value, f32)


def string_attr(value: str) -> StringAttr:
    """An ONNX string attribute."""
    return StringAttr(value)


def tensor_attr(array: Array) -> DenseIntOrFPElementsAttr:
    """An ONNX attribute that is a (small) tensor."""
    type_ = cast(TensorType[AnyDenseElement], tensor_of(array))
    return DenseIntOrFPElementsAttr(type_, BytesAttr(array.tobytes()))


ConstantOf: TypeAlias = Callable[[SSAValue], Array | None]
"""Gives the array that a value is known to hold, or None."""

_Item = TypeVar("_Item", SSAValue, Attribute)
_T = TypeVar("_T")


class UnknownShape(Exception):
    """A result's shape depends on a value that is not known (yet)."""


class OnnxOp(IRDLOperation, ABC):
    """One ONNX node in its newest form; inputs and outputs that are left out print as `none`.

    ```mlir
    %y = onnx.Clip(%x, none, %max) : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
    ```

    A subclass declares operands, attributes (as properties under ONNX's names, with ONNX's
    defaults) and results, and says in `infer_shapes` what shapes the results have.
    """

    traits = traits_def(Pure())

    @abstractmethod
    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        """The shapes of the results; operands are of static shape.

        Raises `UnknownShape` if an operand's value decides and `constant` does not know it, and
        `ValueError` with a clear message if operands and attributes do not go together.
        """

    def infer_elements(self) -> Sequence[Attribute]:
        """The element types of the results: by default, that of the first operand."""
        return [element_type(self.operands[0])] * len(self.results)

    def infer_types(self, constant: ConstantOf) -> Sequence[Attribute]:
        """The types of the results, unranked where the shape cannot be known yet."""
        elements = self.infer_elements()
        if all(is_static(operand.type) for operand in self.operands):
            try:
                shapes = self.infer_shapes(constant)
                for shape in shapes:
                    check_elements("a result", shape)
                return [TensorType(e, s) for e, s in zip(elements, shapes, strict=True)]
            except UnknownShape:
                pass
        return [UnrankedTensorType(e) for e in elements]

    @property
    def op_type(self) -> str:
        """The ONNX operator: `Conv`."""
        return self.name.removeprefix("onnx.")

    def onnx_operands(self) -> list[SSAValue | None]:
        """The node's inputs in ONNX's order, `None` for those left out in the middle."""
        return self._in_onnx_order(self.get_irdl_definition().operands)

    def onnx_results(self) -> list[SSAValue | None]:
        """The node's outputs in ONNX's order, `None` for those left out in the middle."""
        return self._in_onnx_order(self.get_irdl_definition().results)

    def _in_onnx_order(self, definitions: Sequence[tuple[str, object]]) -> list[SSAValue | None]:
        values: list[SSAValue | None] = []
        for name, definition in definitions:
            value = getattr(self, name)
            if _is_list(definition):
                values.extend(value)
            else:
                values.append(value)
        while values and values[-1] is None:
            values.pop()
        return values

    def of_present_results(self, *values: _T) -> list[_T]:
        """Of one value for each result the op can have, those for the results it has."""
        names = [name for name, _ in self.get_irdl_definition().results]
        return [v for n, v in zip(names, values, strict=True) if getattr(self, n) is not None]

    def onnx_attributes(self) -> dict[str, Any]:
        """The node's attributes, defaults included, as Python values."""
        names = _attribute_names(self.get_irdl_definition())
        return {n: python_value(self.properties[n]) for n in names if n in self.properties}

    def verify_(self) -> None:
        try:
            inferred = self.infer_types(lambda _: None)
        except ValueError as e:
            raise VerifyException(f"{self.op_type}: {e}") from None
        for result, type_ in zip(self.results, inferred, strict=True):
            if element_type(result) != element_type(type_):
                raise VerifyException(
                    f"{self.op_type} gives elements of type {element_type(type_)}, not {element_type(result)}"
                )
            if is_static(type_) and is_static(result.type) and result.type != type_:
                raise VerifyException(f"{self.op_type} gives {type_}, not {result.type}")

    def print(self, printer: Printer) -> None:
        with printer.in_parens():
            printer.print_list(self.onnx_operands(), lambda v: _print_operand(printer, v))
        properties = self.get_irdl_definition().properties
        shown = {
            name: value
            for name, value in self.properties.items()
            if name not in _SEGMENTS and value != properties[name].default_value
        }
        printer.print_op_attributes({**shown, **self.attributes})
        printer.print_string(" : ")
        printer.print_function_type(
            self.operand_types,
            [NoneType() if v is None else v.type for v in self.onnx_results()],
        )

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        def operand() -> UnresolvedOperand | None:
            if parser.parse_optional_keyword("none"):
                return None
            return parser.parse_unresolved_operand()

        pos = parser.pos
        unresolved = parser.parse_comma_separated_list(parser.Delimiter.PAREN, operand)
        attributes = parser.parse_optional_attr_dict()
        parser.parse_punctuation(":")
        type_ = parser.parse_function_type()
        present = [u for u in unresolved if u is not None]
        resolved = iter(parser.resolve_operands(present, type_.inputs.data, pos))
        inputs = [None if u is None else next(resolved) for u in unresolved]
        outputs = [None if isinstance(t, NoneType) else t for t in type_.outputs.data]
        # A dot marks what another dialect noted on the op.
        own = {name: value for name, value in attributes.items() if "." not in name}
        try:
            op = cls.from_onnx(inputs, own, outputs)
        except ValueError as e:
            parser.raise_error(str(e), pos)
        op.attributes.update({n: value for n, value in attributes.items() if n not in own})
        return op

    @classmethod
    def from_onnx(
        cls,
        inputs: Sequence[SSAValue | None],
        attributes: dict[str, Attribute],
        result_types: Sequence[Attribute | None],
    ) -> Self:
        """An op from a node's inputs and the types of its outputs in ONNX's order.

        Raises `ValueError` if there are too many or too few of them, or an attribute is unknown or
        missing.
        """
        definition = cls.get_irdl_definition()
        names = _attribute_names(definition)
        if unknown := sorted(attributes.keys() - names):
            raise ValueError(f"{cls.name} has no attribute {unknown[0]!r}")
        for name in names - attributes.keys():
            prop = definition.properties[name]
            if prop.default_value is None and not isinstance(prop, OptPropertyDef):
                raise ValueError(f"{cls.name} needs its attribute {name!r}")
        operands = cls._group("input", definition.operands, inputs)
        results = cls._group("result", definition.results, result_types)
        return cls.build(operands=operands, result_types=results, properties=attributes)

    @classmethod
    def check_attributes(cls, attributes: dict[str, Attribute]) -> None:
        """Raises `ValueError` that names the attribute if the value of one is of a wrong kind."""
        properties = cls.get_irdl_definition().properties
        for name, value in attributes.items():
            try:
                if name in properties:
                    properties[name].constr.verify(value, VerificationContext())
            except VerifyException as e:
                raise ValueError(f"attribute {name!r}: {e}") from None

    @classmethod
    def _group(
        cls,
        kind: str,
        definitions: Sequence[tuple[str, object]],
        values: Sequence[_Item | None],
    ) -> list[_Item | list[_Item]]:
        """Values in ONNX's order as `build` takes them: lists for what is optional or variadic."""
        rest = list(values)
        groups: list[_Item | list[_Item]] = []
        for name, definition in definitions:
            count = len(rest) if _is_list(definition) else 1
            group, rest = rest[:count], rest[count:]
            present = [value for value in group if value is not None]
            if not isinstance(definition, OptionalDef) and len(present) < max(1, len(group)):
                raise ValueError(f"{cls.name} needs its {kind} {name!r}")
            groups.append(present if isinstance(definition, VariadicDef) else present[0])
        if rest:
            most = len(values) - len(rest)
            raise ValueError(f"{cls.name} is given {len(values)} {kind}s, but has {most}")
        return groups


def _is_list(definition: object) -> bool:
    """Whether a definition stands for many values; in xDSL, optional ones are variadic too."""
    return isinstance(definition, VariadicDef) and not isinstance(definition, OptionalDef)


def _attribute_names(definition: OpDef) -> set[str]:
    """The names of the ONNX attributes among the properties."""
    return definition.properties.keys() - _SEGMENTS


def python_value(attribute: Attribute | None) -> Any:
    """An ONNX attribute as `int`, `float`, `str`, a tuple of them, or an array."""
    if attribute is None:
        return None
    if isinstance(attribute, IntegerAttr):
        return cast(IntegerAttr, attribute).value.data
    if isinstance(attribute, FloatAttr):
        return cast(FloatAttr, attribute).value.data
    if isinstance(attribute, StringAttr):
        return attribute.data
    if isinstance(attribute, DenseArrayBase):
        return cast(DenseArrayBase[IntegerType], attribute).get_values()
    if isinstance(attribute, DenseIntOrFPElementsAttr):
        dense = cast(DenseIntOrFPElementsAttr, attribute)
        flat = np.frombuffer(dense.data.data, dtype_of(dense.get_element_type()))
        return flat.reshape(dense.get_shape())
    raise TypeError(f"{attribute} is no ONNX attribute")


def _print_operand(printer: Printer, value: SSAValue | None) -> None:
    if value is None:
        printer.print_string("none")
    else:
        printer.print_operand(value)


def onnx_element(number: int) -> Attribute:
    """The element type that a `TensorProto.DataType` means.

    Raises `ValueError` for types that no op takes.
    """
    return element_of(arrays.dtype_of(number))


def known(constant: ConstantOf, value: SSAValue) -> Array:
    """The array that a value holds. Raises `UnknownShape` if it is not known."""
    array = constant(value)
    if array is None:
        raise UnknownShape
    return array


def known_ints(constant: ConstantOf, value: SSAValue) -> list[int]:
    """The integers that a value holds. Raises `UnknownShape` if they are not known."""
    return [int(n) for n in known(constant, value).reshape(-1)]


def normalized_axis(axis: int, rank: int) -> int:
    """An axis counted from the front. Raises `ValueError` if it is out of range."""
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} is out of range for {rank} dimensions")
    return axis % rank


def normalized_axes(axes: Sequence[int], rank: int) -> list[int]:
    """Axes counted from the front. Raises `ValueError` if one is out of range or occurs twice."""
    normalized = [normalized_axis(axis, rank) for axis in axes]
    if len(set(normalized)) < len(normalized):
        raise ValueError(f"axes {list(axes)} name one of {rank} dimensions twice")
    return normalized


def broadcast(*shapes: Shape) -> Shape:
    """The shape that several shapes broadcast to, as in numpy."""
    rank = max((len(s) for s in shapes), default=0)
    result: list[int] = []
    for sizes in zip(*[(1,) * (rank - len(s)) + s for s in shapes], strict=True):
        others = {n for n in sizes if n != 1}
        if len(others) > 1:
            raise ValueError(f"shapes {' and '.join(map(str, shapes))} do not broadcast")
        result.append(others.pop() if others else 1)
    return tuple(result)


def check_broadcasts_to(name: str, shape: Shape, target: Shape) -> None:
    """Raises `ValueError` if a shape does not broadcast to `target`, which stays as it is."""
    if len(shape) <= len(target):
        aligned = target[len(target) - len(shape) :]
        if all(n in (1, m) for n, m in zip(shape, aligned, strict=True)):
            return
    raise ValueError(f"{name} of shape {shape} does not broadcast to {target}")


def check_shape(name: str, value: SSAValue | None, expected: Shape) -> None:
    """Raises `ValueError` if a value, unless it is left out, has not the expected shape."""
    if value is not None and shape_of(value) != expected:
        raise ValueError(f"{name} has shape {shape_of(value)}, not {expected}")


class SameShapeOp(OnnxOp):
    """An op all of whose results have the shape of its first operand."""

    def infer_shapes(self, constant: ConstantOf) -> Sequence[Shape]:
        return [shape_of(self.operands[0])] * len(self.results)
