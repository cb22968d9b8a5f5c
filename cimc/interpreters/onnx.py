"""Executes the `onnx` dialect with the numpy kernels."""

from collections.abc import Sequence

from xdsl.interpreter import (
    Interpreter,
    InterpreterFunctions,
    PythonValues,
    impl,
    register_impls,
)

from cimc.dialects.onnx import OPS_BY_TYPE
from cimc.dialects.onnx.base import OnnxOp
from cimc.runtime.arrays import Array
from cimc.runtime.kernels import KERNELS, NEEDS_NUM_RESULTS


def run_onnx_op(op: OnnxOp, args: Sequence[Array]) -> tuple[Array, ...]:
    """The results of an op on the arrays of its operands."""
    values = dict(zip(op.operands, args, strict=True))
    inputs = [None if v is None else values[v] for v in op.onnx_operands()]
    attributes = op.onnx_attributes()
    if op.op_type in NEEDS_NUM_RESULTS:
        attributes["num_results"] = len(op.results)
    arrays = KERNELS[op.op_type](*inputs, **attributes)
    # A kernel gives all outputs; those that the node leaves out, at the end or in the middle, are dropped.
    return tuple(
        array for array, result in zip(arrays, op.onnx_results(), strict=False) if result is not None
    )


def _functions() -> type[InterpreterFunctions]:
    def method(op_class: type[OnnxOp]):
        @impl(op_class)
        def run(
            _: InterpreterFunctions, interpreter: Interpreter, op: OnnxOp, args: PythonValues
        ) -> PythonValues:
            return run_onnx_op(op, args)

        return run

    methods = {f"run_{name}": method(op_class) for name, op_class in OPS_BY_TYPE.items()}
    return register_impls(type("OnnxFunctions", (InterpreterFunctions,), methods))


OnnxFunctions = _functions()
"""One implementation for each op, all of them `run_onnx_op`."""
