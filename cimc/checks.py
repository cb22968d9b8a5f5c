"""Checks of a module that xDSL's verifier does not make."""

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.ir import BlockArgument, SSAValue
from xdsl.utils.exceptions import VerifyException

from cimc.dialects.xbar import CrossbarType, WriteOp


def check_module(module: ModuleOp) -> None:
    """Raises `VerifyException` if a value is used before it is defined, or a crossbar's state twice.

    The functions are straight lines of ops, so an op's operands must come from ops before it.
    """
    for function in module.body.block.ops:
        if isinstance(function, FuncOp) and function.body.blocks:
            _check_function(function)


def _check_function(function: FuncOp) -> None:
    defined: set[SSAValue] = set(function.body.block.args)
    for op in function.body.block.ops:
        for operand in op.operands:
            if operand not in defined:
                what = "another function" if isinstance(operand, BlockArgument) else "a later op"
                raise VerifyException(f"{op.name} uses a value that comes from {what}")
        for result in op.results:
            defined.add(result)
            if isinstance(result.type, CrossbarType) and len(list(result.uses)) > 1:
                raise VerifyException(
                    f"the state of a crossbar that {op.name} gives is used by more than one op"
                )
        if isinstance(op, WriteOp) and not op.result.uses:
            raise VerifyException("a tile is written that nothing uses")
