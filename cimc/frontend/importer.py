"""Turns an ONNX graph into a module with one function, `main`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from xdsl.dialects.builtin import (
    FunctionType,
    ModuleOp,
    NameLoc,
    NoneAttr,
    StringAttr,
    TensorType,
    UnrankedTensorType,
    f32,
)
from xdsl.dialects.func import FuncOp, ReturnOp
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.utils.exceptions import VerifyException

from cimc.dialects.onnx import OPS_BY_TYPE
from cimc.dialects.onnx.base import float_attr, int_attr, ints_attr, tensor_attr
from cimc.dialects.tensor_types import element_of, is_static, set_type, shape_of, tensor_of
from cimc.dialects.weights import LoadOp
from cimc.errors import CimcError, first_line
from cimc.frontend.legacy import Node, modernize
from cimc.frontend.load import load_onnx, opset_of
from cimc.frontend.names import module_path
from cimc.frontend.unsupported import hint
from cimc.limits import check_elements
from cimc.main_function import name_attributes
from cimc.runtime.arrays import Array
from cimc.tensor_store import TensorStore

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

_DOMAINS = ("", "ai.onnx", "qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general")
"""Domains of ONNX's own operators, and those in which QONNX's Quant has lived."""


def import_onnx(path: Path, tensors: TensorStore, batch: int = 1) -> ModuleOp:
    """The module of an ONNX file; its initialisers are added to `tensors`.

    A symbolic first dimension of an input becomes `batch`. Raises `CimcError` for what is wrong with
    the file or not supported.
    """
    model = load_onnx(path)
    return import_model(model, tensors, batch)


def import_model(model: "ModelProto", tensors: TensorStore, batch: int = 1) -> ModuleOp:
    """As `import_onnx`, of a model in memory."""
    return _GraphImporter(model.graph, opset_of(model), tensors, batch).run()


@dataclass
class _GraphImporter:
    graph: "GraphProto"
    opset: int
    tensors: TensorStore
    batch: int
    values: dict[str, SSAValue] = field(default_factory=dict[str, SSAValue])
    arrays: dict[SSAValue, Array] = field(default_factory=dict[SSAValue, Array])
    block: Block = field(default_factory=Block)

    def run(self) -> ModuleOp:
        self.initializers = {t.name: t for t in self.graph.initializer}
        if self.graph.sparse_initializer:
            raise CimcError("sparse initialisers are not supported; store the weights densely")
        inputs = [i for i in self.graph.input if i.name not in self.initializers]
        for value in inputs:
            self._define(value.name, self.block.insert_arg(self._input_type(value), len(self.block.args)))
        for node in self.graph.node:
            self._node(node)
        outputs = [self._value(o.name, "the graph's output") for o in self.graph.output]
        self.block.add_op(ReturnOp(*outputs))
        function = FuncOp(
            "main",
            FunctionType.from_lists(self.block.arg_types, [o.type for o in outputs]),
            Region(self.block),
            arg_attrs=name_attributes([i.name for i in inputs]),
            res_attrs=name_attributes([o.name for o in self.graph.output]),
        )
        return ModuleOp([function])

    def _input_type(self, value: "ValueInfoProto") -> Attribute:
        from onnx import TensorProto, helper

        if not value.type.HasField("tensor_type"):
            raise CimcError(f"input {value.name!r} is no tensor; only tensors are supported")
        tensor = value.type.tensor_type
        if not tensor.HasField("shape"):
            raise CimcError(f"input {value.name!r} has no shape; export the model with one")
        shape: list[int] = []
        for axis, dim in enumerate(tensor.shape.dim):
            if dim.dim_value > 0 or (axis > 0 and dim.HasField("dim_value") and dim.dim_value == 0):
                shape.append(dim.dim_value)
            elif axis == 0:
                shape.append(self.batch)
            else:
                raise CimcError(
                    f"input {value.name!r} has the unknown size {dim.dim_param or '?'!r} on axis "
                    f"{axis}; only the first, the batch, may be symbolic: export with fixed sizes"
                )
        if tensor.elem_type == TensorProto.UNDEFINED:
            raise CimcError(f"input {value.name!r} has no element type")
        try:
            check_elements("an input", shape)
            return TensorType(element_of(np.dtype(helper.tensor_dtype_to_np_dtype(tensor.elem_type))), shape)
        except (TypeError, KeyError, ValueError) as e:
            raise CimcError(f"input {value.name!r}: {e}") from None

    def _define(self, name: str, value: SSAValue) -> None:
        if name in self.values:
            raise CimcError(f"the value {name!r} is defined twice; each name may have one definition")
        self.values[name] = value
        hint_ = "".join(c if c.isalnum() or c in "_$." else "_" for c in name)
        if hint_ and hint_.isascii():
            # xDSL cuts off a number behind an underscore, which must leave something.
            value.name_hint = f"v{hint_}" if hint_[0] in "_0123456789" else hint_

    def _value(self, name: str, user: str) -> SSAValue:
        if name in self.values:
            return self.values[name]
        if name in self.initializers:
            self._constant(name, _array(self.initializers[name], name))
            return self.values[name]
        raise CimcError(f"{user} uses the value {name!r}, which nothing before it defines")

    def _constant(self, name: str, array: Array) -> None:
        self._define(name, self._load(name, array))

    def _load(self, name: str, array: Array) -> SSAValue:
        try:
            load = LoadOp(self.tensors.add(name, array), tensor_of(array))
        except TypeError as e:
            raise CimcError(f"constant {name!r}: {e}") from None
        self.block.add_op(load)
        self.arrays[load.result] = array
        return load.result

    def _node(self, proto: "NodeProto") -> None:
        label = f"node {proto.name or ', '.join(proto.output)!r} ({proto.op_type})"
        if proto.op_type == "Constant" and proto.domain in ("", "ai.onnx"):
            self._constant(proto.output[0], _constant_of(proto, label))
            return
        definition = OPS_BY_TYPE.get(proto.op_type)
        if definition is None or proto.domain not in _DOMAINS:
            raise CimcError(
                f"{label}, opset {self.opset}: the operator is not supported; "
                f"{hint(proto.op_type, proto.domain)}"
            )
        node = Node(
            proto.op_type,
            [name or None for name in proto.input],
            list(proto.output),
            {a.name: _attribute_value(a, label) for a in proto.attribute},
        )
        try:
            modern_nodes = modernize(node, self.opset, self._rank_of)
        except ValueError as e:
            raise CimcError(f"{label}: {e}") from None
        for modern in modern_nodes:
            self._op(modern, proto, label)

    def _rank_of(self, name: str) -> int | None:
        if name in self.initializers:
            return len(self.initializers[name].dims)
        if name not in self.values:
            return None
        type_ = self.values[name].type
        return len(shape_of(type_)) if is_static(type_) else None

    def _op(self, node: Node, proto: "NodeProto", label: str) -> None:
        name = node.outputs[0] if node.outputs else label
        inputs = [self._input(value, f"{name}.{i}", label) for i, value in enumerate(node.inputs)]
        try:
            attributes = {k: _attribute(v) for k, v in node.attributes.items()}
            if not node.outputs:
                raise ValueError("it has no output")
            unknown = UnrankedTensorType(f32)
            OPS_BY_TYPE[node.op_type].check_attributes(attributes)
            op = OPS_BY_TYPE[node.op_type].from_onnx(inputs, attributes, [unknown] * len(node.outputs))
            op.get_irdl_definition().verify(op)
            for result, type_ in zip(op.results, op.infer_types(self.arrays.get), strict=True):
                set_type(result, type_)
            self.block.add_op(op)
            op.verify()
        except (ValueError, TypeError, VerifyException) as e:
            raise CimcError(f"{label}: {first_line(e)}") from None
        op.location = _location(proto)
        for name, result in zip(node.outputs, op.results, strict=True):
            if name:
                self._define(name, result)

    def _input(self, value: str | Array | None, name: str, label: str) -> SSAValue | None:
        if value is None:
            return None
        if isinstance(value, str):
            return self._value(value, label)
        return self._load(name, value)


def _location(proto: "NodeProto") -> NameLoc:
    """The node's name, and inside of it the module it comes from, where that can be told."""
    metadata = {p.key: p.value for p in proto.metadata_props}
    name = proto.name or proto.output[0]
    path = module_path(name, metadata)
    inner = NoneAttr() if path is None else NameLoc(StringAttr(path), NoneAttr())
    return NameLoc(StringAttr(name), inner)


def _array(proto: "TensorProto", name: str) -> Array:
    from onnx import numpy_helper

    try:
        return numpy_helper.to_array(proto)
    except (ValueError, TypeError, KeyError, AttributeError, OSError) as e:
        raise CimcError(f"constant {name!r}: its data cannot be read: {e}") from None


def _constant_of(proto: "NodeProto", label: str) -> Array:
    if len(proto.attribute) != 1 or len(proto.output) != 1:
        raise CimcError(f"{label}: a constant has one value and one output")
    attribute = proto.attribute[0]
    if attribute.name == "value":
        return _array(attribute.t, proto.output[0])
    kinds = {
        "value_float": "float32",
        "value_floats": "float32",
        "value_int": "int64",
        "value_ints": "int64",
    }
    if attribute.name not in kinds:
        raise CimcError(f"{label}: constants of kind {attribute.name!r} are not supported")
    return np.asarray(_attribute_value(attribute, label), kinds[attribute.name])


def _attribute_value(attribute: Any, label: str) -> Any:
    from onnx import AttributeProto, helper

    if attribute.type == AttributeProto.TENSOR:
        return _array(attribute.t, f"{label}, attribute {attribute.name}")
    supported = {
        AttributeProto.FLOAT,
        AttributeProto.INT,
        AttributeProto.STRING,
        AttributeProto.FLOATS,
        AttributeProto.INTS,
    }
    if attribute.type not in supported:
        raise CimcError(f"{label}: attribute {attribute.name!r} is of a kind that is not supported")
    try:
        value = helper.get_attribute_value(attribute)
        return value.decode() if isinstance(value, bytes) else value
    except (ValueError, UnicodeDecodeError) as e:
        raise CimcError(f"{label}: attribute {attribute.name!r}: {e}") from None


def _attribute(value: Any) -> Attribute:
    if isinstance(value, bool | int):
        return int_attr(value)
    if isinstance(value, float):
        return float_attr(value)
    if isinstance(value, str):
        return StringAttr(value)
    if isinstance(value, np.ndarray):
        return tensor_attr(cast(Array, value))
    if all(isinstance(v, int) for v in value):
        return ints_attr(list(value))
    raise TypeError(f"attribute value {value!r} is not supported")
