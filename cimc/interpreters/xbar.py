"""Executes the `xbar` dialect, and times it."""

from dataclasses import dataclass, field

from xdsl.dialects.builtin import ModuleOp
from xdsl.interpreter import Interpreter, InterpreterFunctions, PythonValues, impl, register_impls
from xdsl.ir import Operation, SSAValue

from cimc.dialects.tensor_types import integer_of
from cimc.dialects.xbar import AllocOp, MvmOp, WriteOp
from cimc.errors import CimcError
from cimc.interpreters.cim import all_vectors, own_sums
from cimc.main_function import target_of
from cimc.runtime.crossbar import Crossbar
from cimc.runtime.timeline import Counters, Event, Timeline


@register_impls
class XbarFunctions(InterpreterFunctions):
    """The values that crossbars compute. A crossbar is one object that its states share."""

    @impl(AllocOp)
    def run_alloc(self, interpreter: Interpreter, op: AllocOp, args: PythonValues) -> PythonValues:
        target = target_of(interpreter.module)
        index = op.index.value.data
        if not 0 <= index < target.crossbars:
            raise CimcError(
                f"the program uses crossbar {index}, the target has {target.crossbars} (from 0 on)"
            )
        return (Crossbar(index, target.rows, target.cols),)

    @impl(WriteOp)
    def run_write(self, interpreter: Interpreter, op: WriteOp, args: PythonValues) -> PythonValues:
        crossbar, cells = args
        tile = op.tile.data
        crossbar.write(tile.cells_of(cells), tile)
        return (crossbar,)

    @impl(MvmOp)
    def run_mvm(self, interpreter: Interpreter, op: MvmOp, args: PythonValues) -> PythonValues:
        crossbar, vectors, sums = args
        result = own_sums(op.sums.has_one_use(), sums)
        matrix = crossbar.tile.matrix
        index = all_vectors(op).index
        crossbar.mvm(vectors[matrix, index], result[matrix, index], op.encoding.data)
        return (result, crossbar)


@dataclass
class Clock(Interpreter.Listener):
    """Times the run of an xbar program event by event.

    A write starts when its crossbar and its cells are ready, a batch of products when its crossbar and its
    vectors are; adding to accumulators waits for nothing, and digital work takes no time. Raises `CimcError`
    if a state of a crossbar is used twice.
    """

    module: ModuleOp
    timeline: Timeline = field(default_factory=Timeline)
    _ready_ps: dict[SSAValue, int] = field(default_factory=dict[SSAValue, int])

    def __post_init__(self) -> None:
        self.target = target_of(self.module)

    def did_interpret_op(self, op: Operation, results: PythonValues) -> None:
        if isinstance(op, WriteOp):
            self._ready_ps[op.result] = self._event(op, self._ready(op.crossbar, op.cells), results)
        elif isinstance(op, MvmOp):
            end = self._event(op, self._ready(op.crossbar, op.vectors), results)
            self._ready_ps[op.crossbar_after] = end
            self._ready_ps[op.result] = max(end, self._ready(op.sums))
        else:
            end = self._ready(*op.operands)
            for result in op.results:
                self._ready_ps[result] = end

    def _ready(self, *values: SSAValue) -> int:
        return max((self._ready_ps.get(value, 0) for value in values), default=0)

    def _event(self, op: WriteOp | MvmOp, start: int, results: PythonValues) -> int:
        if not op.crossbar.has_one_use():
            raise CimcError(f"{op.name}: a state of a crossbar is used by two ops")
        crossbar: Crossbar = results[-1]
        target = self.target
        if isinstance(op, WriteOp):
            end = start + target.write_ps
            counters = Counters(tile_writes=1, write_ps=target.write_ps)
            event = Event("write", crossbar.index, _layer_of(op), start, end)
        else:
            assert crossbar.tile is not None, "the write has set it"
            digits = target.input_digits(integer_of(op.vectors).width.data)
            cycles = all_vectors(op).count * op.encoding.data.cycles(digits)
            duration = cycles * target.mvm_ps
            end = start + duration
            counters = Counters(
                mvm_cycles=cycles,
                mvm_ps=duration,
                adc_conversions=cycles * op.encoding.data.readouts(crossbar.tile),
                dac_conversions=cycles * crossbar.tile.shape[0],
            )
            event = Event("mvm", crossbar.index, op.layer.data, start, end)
        self.timeline.occupy(event, counters)
        return end


def _layer_of(op: WriteOp) -> str:
    user = op.result.get_user_of_unique_use()
    if not isinstance(user, MvmOp):
        raise CimcError("a tile is written that no product uses")
    return user.layer.data
