"""Checks of a module that xDSL's verifier does not make."""

from typing import cast

from xdsl.dialects.builtin import IntegerType, ModuleOp, TensorType
from xdsl.dialects.func import FuncOp
from xdsl.ir import BlockArgument, Operation, SSAValue
from xdsl.utils.exceptions import DiagnosticException, VerifyException

from cimc.dialects.tensor_types import element_type, shape_of
from cimc.dialects.xbar import CrossbarType, WriteOp
from cimc.errors import first_line
from cimc.limits import check_elements
from cimc.locations import node_of

MAX_BITS = 64
"""Of an integer in an array."""


def verify(module: ModuleOp) -> None:
    """Verifies a module, and what xDSL's verifier leaves out.

    Raises `VerifyException` with one line that names the op, or the node of the model that it comes from: an
    `InvalidOp` if it is a single op that does not verify.
    """
    try:
        module.verify()
    except DiagnosticException as e:
        raise _invalid_op(module) or VerifyException(first_line(e)) from None
    check_module(module)


class InvalidOp(VerifyException):
    """An op that does not verify."""

    def __init__(self, op: Operation, message: str) -> None:
        super().__init__(f"{node_of(op)}: {message}")
        self.op = op


def _invalid_op(module: ModuleOp) -> InvalidOp | None:
    """The first op that does not verify, and what for: xDSL prints the whole module instead."""
    for op in module.walk():
        try:
            op.verify(verify_nested_ops=False)
        except DiagnosticException as e:
            if not isinstance(e, VerifyException):  # it has the IR under its first line
                return InvalidOp(op, first_line(e))
            lines = [line.strip() for line in str(e).splitlines() if line.strip()]
            return InvalidOp(op, "; ".join(lines).replace(":; ", ": "))
    return None


def check_module(module: ModuleOp) -> None:
    """Raises `VerifyException` if a value is used before it is defined, or a crossbar's state twice, or an
    array is too large.

    Functions that are a straight line of ops are checked: an op's operands must come from ops before it.
    """
    for function in module.body.block.ops:
        if isinstance(function, FuncOp) and len(function.body.blocks) == 1:
            _check_function(function)


def _check_function(function: FuncOp) -> None:
    defined: set[SSAValue] = set(function.body.block.args)
    for argument in function.body.block.args:
        _check_size("an argument of the function", argument)
    for op in function.body.block.ops:
        for operand in op.operands:
            if operand not in defined:
                what = "another function" if isinstance(operand, BlockArgument) else "a later op"
                raise VerifyException(f"{op.name} uses a value that comes from {what}")
        for result in op.results:
            defined.add(result)
            _check_size(f"the result of {op.name}", result)
            if isinstance(result.type, CrossbarType) and len(list(result.uses)) > 1:
                raise VerifyException(
                    f"the state of a crossbar that {op.name} gives is used by more than one op"
                )
        if isinstance(op, WriteOp) and not op.result.uses:
            raise VerifyException("a tile is written that nothing uses")


def _check_size(what: str, value: SSAValue) -> None:
    if not isinstance(value.type, TensorType):
        return
    element = element_type(value)
    if isinstance(element, IntegerType) and cast(IntegerType, element).width.data > MAX_BITS:
        raise VerifyException(f"{what}: no array holds elements of type {element}")
    try:
        check_elements(what, shape_of(value))
    except ValueError as e:
        raise VerifyException(str(e)) from None
