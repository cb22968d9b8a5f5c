"""Executes the `weights` dialect: gives the arrays that the IR names."""

from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr
from xdsl.interpreter import Interpreter, InterpreterFunctions, PythonValues, impl, register_impls

from cimc.dialects.tensor_types import dtype_of, element_type, shape_of
from cimc.dialects.weights import InlineOp, LoadOp
from cimc.errors import CimcError
from cimc.runtime.arrays import Array
from cimc.tensor_store import TensorStore


def loaded_array(op: LoadOp, tensors: TensorStore) -> Array:
    """The array an op names. Raises `CimcError` if there is none, or one of another type."""
    array = tensors.get(op.key)
    if array is None:
        raise CimcError(
            f"the weights {op.key!r} are missing: the .safetensors file must lie beside the .mlir file"
        )
    if array.shape != shape_of(op.result) or array.dtype != dtype_of(element_type(op.result)):
        raise CimcError(
            f"the weights {op.key!r} are {array.dtype}{list(array.shape)}, "
            f"but the program takes them for {op.result.type}"
        )
    return array


def inline_array(value: DenseIntOrFPElementsAttr) -> Array:
    """The array of a dense attribute."""
    type_ = value.get_type()
    return np.array(value.get_values(), dtype_of(element_type(type_))).reshape(shape_of(type_))


@register_impls
@dataclass
class WeightsFunctions(InterpreterFunctions):
    """Reads the arrays from a table."""

    tensors: TensorStore

    @impl(LoadOp)
    def run_load(self, interpreter: Interpreter, op: LoadOp, args: PythonValues) -> PythonValues:
        return (loaded_array(op, self.tensors),)

    @impl(InlineOp)
    def run_inline(self, interpreter: Interpreter, op: InlineOp, args: PythonValues) -> PythonValues:
        return (inline_array(op.value),)
