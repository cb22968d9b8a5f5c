"""What passes know of constants: read them, and make new ones."""

from xdsl.ir import Attribute, SSAValue

from cimc.context import CimcContext
from cimc.dialects.tensor_types import AnyTensor, retyped, tensor_of
from cimc.dialects.weights import InlineOp, LoadOp
from cimc.interpreters.weights import inline_array, loaded_array
from cimc.runtime.arrays import Array


def constant(ctx: CimcContext, value: SSAValue) -> Array | None:
    """The array that a value holds, or None if it is computed."""
    if isinstance(value.owner, LoadOp):
        return loaded_array(value.owner, ctx.tensors)
    if isinstance(value.owner, InlineOp):
        return inline_array(value.owner.value)
    return None


def new_constant(ctx: CimcContext, name: str, array: Array, element: Attribute | None = None) -> LoadOp:
    """An op that loads a new array, stored under `name` or a fresh variant of it."""
    type_: AnyTensor = tensor_of(array)
    return LoadOp(ctx.tensors.add(name, array), type_ if element is None else retyped(type_, element))
