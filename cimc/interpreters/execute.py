"""Runs the `main` function of a module, at whatever level its ops are."""

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp
from xdsl.interpreter import Interpreter, OpImplResult, PythonValues
from xdsl.ir import Attribute, Operation, SSAValue

from cimc.dialects.tensor_types import dtype_of, element_type, shape_of
from cimc.errors import CimcError
from cimc.interpreters.cim import CimFunctions
from cimc.interpreters.func import FuncFunctions
from cimc.interpreters.naming import naming
from cimc.interpreters.onnx import OnnxFunctions
from cimc.interpreters.simulation import Simulation
from cimc.interpreters.weights import WeightsFunctions
from cimc.interpreters.xbar import XbarFunctions
from cimc.main_function import input_names, main_function, output_names, target_of
from cimc.runtime.arrays import Array
from cimc.tensor_store import TensorStore


class _FreeDeadValues(Interpreter.Listener):
    """Drops arrays after their last use, so that a network does not hold all its activations."""

    interpreter: Interpreter

    def __init__(self, function: FuncOp) -> None:
        self.last_uses: dict[Operation, list[SSAValue]] = {}
        seen: set[SSAValue] = set()
        for op in reversed(list(function.body.block.ops)):
            dead = [v for v in dict.fromkeys((*op.operands, *op.results)) if v not in seen]
            seen.update(dead)
            self.last_uses[op] = dead

    def did_interpret_op(self, op: Operation, results: PythonValues) -> None:
        scope = cast(
            dict[SSAValue, Any],
            self.interpreter._ctx.local_scope,  # pyright: ignore[reportPrivateUsage]
        )
        for value in self.last_uses.get(op, ()):
            scope.pop(value, None)


class _NamingInterpreter(Interpreter):
    """An interpreter whose errors are `CimcError` and name the op, or the ONNX node that it comes from."""

    def _run_op(self, op: Operation, inputs: PythonValues) -> OpImplResult:
        with naming(op):
            return super()._run_op(op, inputs)


class Executor:
    """Runs a module's `main` function as often as is wanted, on a chip that keeps what it is programmed with.

    Without a chip, it is that of the target with ideal converters and cells.
    """

    def __init__(self, module: ModuleOp, tensors: TensorStore, simulation: Simulation | None = None) -> None:
        if simulation is None:
            simulation = Simulation(module, target_of(module).as_ideal())
        self._function = main_function(module)
        self._free = _FreeDeadValues(self._function)
        self._interpreter = _NamingInterpreter(module)
        self._free.interpreter = self._interpreter
        self._xbar = XbarFunctions(simulation)
        for functions in (
            FuncFunctions(),
            OnnxFunctions(),
            WeightsFunctions(tensors),
            CimFunctions(),
            self._xbar,
        ):
            self._interpreter.register_implementations(functions)

    def run(self, inputs: Mapping[str, Array], *listeners: Interpreter.Listener) -> dict[str, Array]:
        """The outputs by name for inputs by name, each of the shape the function says.

        Raises `CimcError` with the name of the op or node that cannot be executed.
        """
        function = self._function
        arguments = [
            _checked(name, inputs, type_)
            for name, type_ in zip(input_names(function), function.function_type.inputs, strict=True)
        ]
        self._interpreter.listeners = (*listeners, self._free)
        self._xbar.products.begin()
        with np.errstate(all="ignore"):  # infinities and NaN are values, as in IEEE 754
            results = self._interpreter.call_op(function, tuple(arguments))
        return dict(zip(output_names(function), results, strict=True))


def execute(
    module: ModuleOp, tensors: TensorStore, inputs: Mapping[str, Array], *listeners: Interpreter.Listener
) -> dict[str, Array]:
    """Runs a module once on an ideal chip, see `Executor.run`."""
    return Executor(module, tensors).run(inputs, *listeners)


def _checked(name: str, inputs: Mapping[str, Array], type_: Attribute) -> Array:
    array = inputs.get(name)
    if array is None:
        raise CimcError(f"the input {name!r} is missing; there is {', '.join(inputs) or 'nothing'}")
    dtype = dtype_of(element_type(type_))
    if array.shape != shape_of(type_):
        raise CimcError(
            f"the input {name!r} must have shape {list(shape_of(type_))}, not {list(array.shape)}"
        )
    if not np.can_cast(array.dtype, dtype, "same_kind"):
        raise CimcError(f"the input {name!r} must hold {dtype}, not {array.dtype}")
    return array.astype(dtype, copy=False)
