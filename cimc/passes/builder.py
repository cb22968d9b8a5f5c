"""Builds ops in front of another one, which they are going to replace."""

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects.builtin import UnrankedTensorType
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from cimc.context import CimcContext
from cimc.dialects.cim.digital import ReshapeOp
from cimc.dialects.onnx import OPS_BY_TYPE
from cimc.dialects.tensor_types import element_type, retyped, shape_of
from cimc.passes.constants import constant, new_constant
from cimc.runtime.arrays import Array


@dataclass
class Builder:
    """Puts ops in front of `anchor`, with its location, so that messages can name the ONNX node."""

    ctx: CimcContext
    anchor: Operation

    def emit(self, op: Operation) -> SSAValue:
        """Inserts an op; its first result."""
        op.location = self.anchor.location
        Rewriter.insert_op(op, InsertPoint.before(self.anchor))
        return op.results[0]

    def emit_onnx(self, op_type: str, inputs: Sequence[SSAValue | None], **attributes: Attribute) -> SSAValue:
        """Inserts an ONNX op with one result, whose type is inferred."""
        definition = OPS_BY_TYPE[op_type]
        unknown = UnrankedTensorType(element_type(self.anchor.results[0]))
        draft = definition.from_onnx(inputs, attributes, [unknown])
        types = draft.infer_types(lambda value: constant(self.ctx, value))
        draft.erase()
        return self.emit(definition.from_onnx(inputs, attributes, types))

    def emit_constant(self, name: str, array: Array, element: Attribute | None = None) -> SSAValue:
        """Inserts a constant, stored under `name` or a fresh variant of it."""
        return self.emit(new_constant(self.ctx, name, array, element))

    def reshaped(self, x: SSAValue, shape: Sequence[int]) -> SSAValue:
        """The same elements in another shape; `x` itself if it has it already."""
        if shape_of(x) == tuple(shape):
            return x
        type_ = retyped(x.type, element_type(x), shape)
        return self.emit(ReshapeOp.build(operands=[x], result_types=[type_]))

    def replace_anchor(self, *results: SSAValue) -> None:
        """Replaces the op by values, which take over its results' names."""
        for old, new in zip(self.anchor.results, results, strict=False):
            if old.name_hint is not None:
                new.name_hint = old.name_hint
            old.replace_all_uses_with(new)
        Rewriter.erase_op(self.anchor)
