"""Executes the `xbar` dialect, and times it."""

from dataclasses import dataclass, field
from math import prod

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.interpreter import Interpreter, InterpreterFunctions, PythonValues, impl, register_impls
from xdsl.ir import Operation, SSAValue

from cimc.changing import changing_values
from cimc.dialects.cim.digital import DequantizeOp
from cimc.dialects.tensor_types import integer_of, shape_of
from cimc.dialects.xbar import AllocOp, MvmOp, WriteOp
from cimc.digital_work import computes
from cimc.errors import CimcError
from cimc.interpreters.cim import all_vectors, own_sums
from cimc.interpreters.products import Products
from cimc.interpreters.readiness import Readiness, Ready
from cimc.interpreters.simulation import Simulation
from cimc.main_function import main_function, target_of
from cimc.runtime.arrays import Array
from cimc.runtime.crossbar import Crossbar
from cimc.runtime.streaming import stream
from cimc.runtime.timeline import Counters, Event, Timeline
from cimc.runtime.vectors import Vectors
from cimc.tensor_store import TensorStore


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


@dataclass
class Clock(Interpreter.Listener):
    """Times the run of an xbar program event by event.

    A write starts when its crossbar and its cells are ready, a batch of products when its crossbar and its
    vectors are; of streaming vectors, each starts by itself. Adding to accumulators waits for nothing, and
    digital work takes no time; its operations are counted. Raises `CimcError` if a state of a crossbar is
    used twice.
    """

    module: ModuleOp
    tensors: TensorStore
    timeline: Timeline = field(default_factory=Timeline)

    def __post_init__(self) -> None:
        self.target = target_of(self.module)
        self._ready = Readiness(self.tensors)
        self._changing = changing_values(main_function(self.module))

    def did_interpret_op(self, op: Operation, results: PythonValues) -> None:
        if isinstance(op, WriteOp):
            self._write(op, results[0])
        elif isinstance(op, MvmOp):
            self._mvm(op, results[1])
        else:
            self._ready.digital(op)
            self._digital(op, results)

    def _write(self, op: WriteOp, crossbar: Crossbar) -> None:
        _check_state(op)
        start = self._ready.latest(op.crossbar, op.cells)
        end = start + self.target.write_ps
        cells = prod(op.tile.data.shape)
        counters = Counters(tile_writes=1, write_ps=self.target.write_ps, cell_writes=cells)
        self.timeline.wear.write(crossbar.index, cells, changing=op.cells in self._changing)
        self.timeline.occupy(Event("write", crossbar.index, _layer_of(op), start, end), counters)
        self._ready.note(op.result, end)

    def _mvm(self, op: MvmOp, crossbar: Crossbar) -> None:
        _check_state(op)
        vectors = all_vectors(op)
        vector_cycles = op.encoding.data.cycles(self.target.input_digits(integer_of(op.vectors).width.data))
        vector_ps = vector_cycles * self.target.mvm_ps
        start, ends = self._vector_ends(op, vectors, vector_ps)
        cycles = vectors.count * vector_cycles
        reads = cycles * op.encoding.data.readouts(crossbar.content.tile)
        counters = Counters(
            mvm_cycles=cycles,
            mvm_ps=cycles * self.target.mvm_ps,
            adc_conversions=reads,
            dac_conversions=cycles * crossbar.content.tile.shape[0],
            shift_adds=reads,
        )
        end = int(ends[-1])
        self.timeline.occupy(Event("mvm", crossbar.index, op.layer.data, start, end), counters)
        self._ready.note(op.crossbar_after, end)
        self._ready.note(op.result, self._sums_times(op, vectors, ends))

    def _digital(self, op: Operation, results: PythonValues) -> None:
        if isinstance(op, DequantizeOp):
            self.timeline.compute(results[0].size, _layer_of_sums(op.sums))
        elif computes(op):
            self.timeline.compute(sum(result.size for result in results))

    def _vector_ends(self, op: MvmOp, vectors: Vectors, vector_ps: int) -> tuple[int, Array]:
        """When the first vector starts, and when each is through."""
        free_ps = self._ready.latest(op.crossbar)
        if op.streaming is None:
            start = max(free_ps, self._ready.latest(op.vectors))
            return start, np.array([start + vectors.count * vector_ps])
        there = self._ready.full(op.vectors).max(axis=(0, 2))[vectors.index]
        ends = stream(there, free_ps, vector_ps)
        return int(ends[0]) - vector_ps, ends

    def _sums_times(self, op: MvmOp, vectors: Vectors, ends: Array) -> Ready:
        """When the sums are complete, as far as these products are concerned and those before."""
        if op.streaming is None:
            return max(int(ends[-1]), self._ready.latest(op.sums))
        times = np.zeros((1, shape_of(op.vectors)[1], 1), np.int64)
        times[0, vectors.index, 0] = ends
        return np.maximum(times, self._ready.of(op.sums))


def _check_state(op: WriteOp | MvmOp) -> None:
    if not op.crossbar.has_one_use():
        raise CimcError(f"{op.name}: a state of a crossbar is used by two ops")


def _layer_of_sums(sums: SSAValue) -> str | None:
    """The layer whose products sums come from, through what corrects them and changes their layout."""
    while isinstance(op := sums.owner, Operation) and op.operands:
        if isinstance(op, MvmOp):
            return op.layer.data
        sums = op.operands[0]
    return None


def _layer_of(op: WriteOp) -> str:
    user = op.result.get_user_of_unique_use()
    if not isinstance(user, MvmOp):
        raise CimcError("a tile is written that no product uses")
    return user.layer.data
