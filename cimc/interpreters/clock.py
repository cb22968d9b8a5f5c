"""Times a program on crossbars, event by event: when things happen does not depend on numbers."""

from dataclasses import dataclass, field
from math import prod

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from cimc.changing import changing_values
from cimc.dialects.cim.digital import DequantizeOp
from cimc.dialects.tensor_types import integer_of, shape_of
from cimc.dialects.xbar import AllocOp, MvmOp, WriteOp
from cimc.digital_work import computes
from cimc.errors import CimcError
from cimc.interpreters.cim import all_vectors
from cimc.interpreters.naming import naming
from cimc.interpreters.readiness import Readiness, Ready
from cimc.main_function import main_function, target_of
from cimc.runtime.arrays import Array
from cimc.runtime.streaming import stream
from cimc.runtime.tile import Tile
from cimc.runtime.timeline import Counters, Event, Timeline
from cimc.runtime.vectors import Vectors
from cimc.tensor_store import TensorStore


def timeline_of(module: ModuleOp, tensors: TensorStore) -> Timeline:
    """When each crossbar does what in an inference, and what it takes.

    A write starts when its crossbar and its cells are ready, a batch of products when its crossbar and its
    vectors are; of streaming vectors, each starts by itself. Adding to accumulators waits for nothing, and
    digital work takes no time; its operations are counted. Raises `CimcError` if a state of a crossbar is
    used twice, or a crossbar would do two things at once.
    """
    clock = _Clock(module, tensors)
    for op in main_function(module).body.block.ops:
        with naming(op):
            clock.step(op)
    return clock.timeline


@dataclass
class _Clock:
    module: ModuleOp
    tensors: TensorStore
    timeline: Timeline = field(default_factory=Timeline)
    _content: dict[SSAValue, tuple[int, Tile | None]] = field(
        default_factory=dict[SSAValue, tuple[int, Tile | None]]
    )
    """Which crossbar a state is one of, and the tile that is written there then."""

    def __post_init__(self) -> None:
        self.target = target_of(self.module)
        self._ready = Readiness(self.tensors)
        self._changing = changing_values(main_function(self.module))

    def step(self, op: Operation) -> None:
        """Takes the next op of the program."""
        if isinstance(op, AllocOp):
            self._content[op.crossbar] = op.index.value.data, None
        if isinstance(op, WriteOp):
            self._write(op)
        elif isinstance(op, MvmOp):
            self._mvm(op)
        else:
            self._ready.digital(op)
            self._digital(op)

    def _write(self, op: WriteOp) -> None:
        index, _ = self._crossbar(op)
        start = self._ready.latest(op.crossbar, op.cells)
        end = start + self.target.write_ps
        tile = op.tile.data
        cells = prod(tile.shape)
        counters = Counters(tile_writes=1, write_ps=self.target.write_ps, cell_writes=cells)
        self.timeline.wear.write(index, cells, changing=op.cells in self._changing)
        self.timeline.occupy(Event("write", index, _layer_of(op), start, end, tile), counters)
        self._ready.note(op.result, end)
        self._content[op.result] = index, tile

    def _mvm(self, op: MvmOp) -> None:
        index, tile = self._crossbar(op)
        if tile is None:
            raise CimcError(f"crossbar {index} is read before anything is written into it")
        vectors = all_vectors(op)
        vector_cycles = op.encoding.data.cycles(self.target.input_digits(integer_of(op.vectors).width.data))
        vector_ps = vector_cycles * self.target.mvm_ps
        start, ends = self._vector_ends(op, vectors, vector_ps)
        cycles = vectors.count * vector_cycles
        reads = cycles * op.encoding.data.readouts(tile)
        counters = Counters(
            mvm_cycles=cycles,
            mvm_ps=cycles * self.target.mvm_ps,
            adc_conversions=reads,
            dac_conversions=cycles * tile.shape[0],
            shift_adds=reads,
        )
        end = int(ends[-1])
        event = Event("mvm", index, op.layer.data, start, end, tile, vectors.count)
        self.timeline.occupy(event, counters)
        self._ready.note(op.crossbar_after, end)
        self._ready.note(op.result, self._sums_times(op, vectors, ends))
        self._content[op.crossbar_after] = index, tile

    def _crossbar(self, op: WriteOp | MvmOp) -> tuple[int, Tile | None]:
        """The crossbar that an op works on, and what is written there."""
        if not op.crossbar.has_one_use():
            raise CimcError(f"{op.name}: a state of a crossbar is used by two ops")
        if op.crossbar not in self._content:
            raise CimcError(f"{op.name}: its crossbar is none that the program allocates")
        return self._content[op.crossbar]

    def _digital(self, op: Operation) -> None:
        if not (isinstance(op, DequantizeOp) or computes(op)):
            return
        layer = _layer_of_sums(op.sums) if isinstance(op, DequantizeOp) else None
        self.timeline.compute(sum(prod(shape_of(result)) for result in op.results), layer)

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
