"""Executes the `onnx` dialect with the numpy kernels."""

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import TensorType
from xdsl.interpreter import (
    Interpreter,
    InterpreterFunctions,
    PythonValues,
    impl,
    register_impls,
)
from xdsl.ir import Attribute, SSAValue
from xdsl.utils.test_value import create_ssa_value

from cimc.dialects.onnx import OPS_BY_TYPE
from cimc.dialects.onnx.base import OnnxOp
from cimc.dialects.tensor_types import element_type, is_static, shape_of
from cimc.interpreters.naming import naming
from cimc.runtime.arrays import Array
from cimc.runtime.kernels import KERNELS, NEEDS_NUM_RESULTS


def run_onnx_op(op: OnnxOp, args: Sequence[Array]) -> tuple[Array, ...]:
    """The results of an op on the arrays of its operands.

    Raises `CimcError` that names the node if they do not go together.
    """
    values = dict(zip(op.operands, args, strict=True))
    inputs = [None if v is None else values[v] for v in op.onnx_operands()]
    attributes = op.onnx_attributes()
    if op.op_type in NEEDS_NUM_RESULTS:
        attributes["num_results"] = len(op.results)
    with naming(op):
        _check_shapes(op, values)
        arrays = KERNELS[op.op_type](*inputs, **attributes)
    # A kernel gives all outputs; those that the node leaves out, at the end or in the middle, are dropped.
    return tuple(
        array for array, result in zip(arrays, op.onnx_results(), strict=False) if result is not None
    )


def _check_shapes(op: OnnxOp, values: Mapping[SSAValue, Array]) -> None:
    """Raises `ValueError` if what decides about shapes is not what it was when the shapes were found out.

    Shapes that were not found out yet are found out here, before anything too large is computed.
    """
    inferred = op.infer_types(values.get)
    if not all(map(is_static, inferred)):
        inferred = _inferred_from(op, values)
    for result, type_ in zip(op.results, inferred, strict=True):
        if is_static(type_) and is_static(result.type) and shape_of(type_) != shape_of(result):
            raise ValueError(f"the result has shape {shape_of(type_)}, not {shape_of(result)}")


def _inferred_from(op: OnnxOp, values: Mapping[SSAValue, Array]) -> Sequence[Attribute]:
    """The types of the results, from the shapes that the operands really have."""
    typed: dict[SSAValue, SSAValue] = {
        value: create_ssa_value(TensorType(element_type(value), array.shape))
        for value, array in values.items()
    }
    arrays = {typed[value]: array for value, array in values.items()}
    return op.clone(typed).infer_types(arrays.get)


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
