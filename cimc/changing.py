"""Which values may be others in the next inference."""

from xdsl.dialects.func import FuncOp
from xdsl.ir import SSAValue


def changing_values(function: FuncOp) -> set[SSAValue]:
    """The inputs of a function of one block, and all that is computed from them."""
    block = function.body.block
    changing: set[SSAValue] = set(block.args)
    for op in block.ops:
        if any(value in changing for value in op.operands):
            changing.update(op.results)
    return changing
