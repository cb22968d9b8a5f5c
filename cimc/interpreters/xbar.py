"""Executes the `xbar` dialect."""

from dataclasses import dataclass

from xdsl.interpreter import Interpreter, InterpreterFunctions, PythonValues, impl, register_impls

from cimc.dialects.xbar import AllocOp, MvmOp, WriteOp
from cimc.errors import CimcError
from cimc.interpreters.cim import own_sums
from cimc.interpreters.products import Products
from cimc.interpreters.simulation import Simulation
from cimc.runtime.crossbar import Crossbar


@register_impls
@dataclass
class XbarFunctions(InterpreterFunctions):
    """The values that crossbars compute. A crossbar is one object that its states share."""

    simulation: Simulation

    def __post_init__(self) -> None:
        self.products = Products(self.simulation)

    @impl(AllocOp)
    def run_alloc(self, interpreter: Interpreter, op: AllocOp, args: PythonValues) -> PythonValues:
        target = self.simulation.target
        index = op.index.value.data
        if not 0 <= index < target.crossbars:
            raise CimcError(
                f"the program uses crossbar {index}, the target has {target.crossbars} (from 0 on)"
            )
        return (Crossbar(index, target.rows, target.cols),)

    @impl(WriteOp)
    def run_write(self, interpreter: Interpreter, op: WriteOp, args: PythonValues) -> PythonValues:
        crossbar, cells = args
        crossbar.write(self.simulation.programmed(op, crossbar, cells))
        return (crossbar,)

    @impl(MvmOp)
    def run_mvm(self, interpreter: Interpreter, op: MvmOp, args: PythonValues) -> PythonValues:
        crossbar, vectors, sums = args
        result = own_sums(op.sums.has_one_use(), sums)
        self.products.add(op, crossbar.content, vectors, result)
        return (result, crossbar)
