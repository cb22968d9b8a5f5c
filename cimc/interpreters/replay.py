"""Checks what a program did on its crossbars, from its ops and its events alone.

It knows nothing of how tiles were cut and a schedule was made, and follows time by itself.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from xdsl.dialects.builtin import ModuleOp
from xdsl.interpreter import Interpreter, PythonValues
from xdsl.ir import Operation, SSAValue

from cimc.dialects.tensor_types import integer_of, shape_of
from cimc.dialects.xbar import MvmOp, WriteOp, write_of
from cimc.errors import CimcError
from cimc.interpreters.cim import all_vectors
from cimc.main_function import target_of
from cimc.runtime.arrays import Array
from cimc.runtime.tile import Range, Tile
from cimc.runtime.timeline import Event, Timeline
from cimc.runtime.vectors import Vectors


@dataclass(frozen=True)
class _Use:
    """A batch of products: of which tile of which cells, for which vectors."""

    tile: Tile
    cells: SSAValue
    vectors: Vectors
    count: int
    """Vectors that the batch has in all."""


@dataclass
class Replay(Interpreter.Listener):
    """Watches a run, then checks it with `check`."""

    module: ModuleOp
    _ops: list[Operation] = field(default_factory=list[Operation])
    _stored: dict[SSAValue, Array] = field(default_factory=dict[SSAValue, Array])

    def will_interpret_op(self, op: Operation, args: PythonValues) -> None:
        self._ops.append(op)
        if isinstance(op, WriteOp):
            self._stored[op.cells] = args[1]

    def check(self, timeline: Timeline) -> None:
        """Raises `CimcError` for the first thing that is wrong.

        - On each crossbar one thing follows another, and products are of the tile that was written last.
        - Nothing starts before what it needs is there, and everything takes the target's time. Streaming
          vectors may start one by one, and the crossbar may wait in between; what comes from their sums may
          need the first of them only, which is not followed.
        - Of each layer, every vector goes once through every tile, and a cell that is not 0 is in one tile.
        """
        work = [op for op in self._ops if isinstance(op, WriteOp | MvmOp)]
        if len(work) != len(timeline.events):
            raise CimcError(f"{len(timeline.events)} events were timed for {len(work)} writes and products")
        events = dict(zip(work, timeline.events, strict=True))
        self._check_crossbars(events)
        self._check_times(events)
        for uses in self._uses_by_layer().values():
            _check_vectors(uses)
            _check_cells(uses, self._stored)

    def _check_crossbars(self, events: dict[WriteOp | MvmOp, Event]) -> None:
        by_crossbar: dict[int, list[tuple[Event, WriteOp | MvmOp]]] = defaultdict(list)
        for op, event in events.items():
            by_crossbar[event.crossbar].append((event, op))
        for crossbar, done in by_crossbar.items():
            written: WriteOp | None = None
            before: Event | None = None
            for event, op in sorted(done, key=lambda pair: (pair[0].start_ps, pair[0].end_ps)):
                if before is not None and event.start_ps < before.end_ps:
                    raise CimcError(
                        f"{event} starts while crossbar {crossbar} is busy until {before.end_ps} ps"
                    )
                if isinstance(op, WriteOp):
                    written = op
                elif written is not _write_of(op):
                    raise CimcError(f"crossbar {crossbar} holds another tile when {event} starts")
                before = event

    def _check_times(self, events: dict[WriteOp | MvmOp, Event]) -> None:
        target = target_of(self.module)
        there: dict[SSAValue, int] = {}
        in_parts = set[SSAValue]()
        for op in self._ops:
            if not isinstance(op, WriteOp | MvmOp):
                end = max((there.get(value, 0) for value in op.operands), default=0)
                there.update(dict.fromkeys(op.results, end))
                if not in_parts.isdisjoint(op.operands):
                    in_parts.update(op.results)
                continue
            event = events[op]
            if isinstance(op, WriteOp):
                needed, duration = op.cells, target.write_ps
            else:
                digits = target.input_digits(integer_of(op.vectors).width.data)
                cycles = all_vectors(op).count * op.encoding.data.cycles(digits)
                needed, duration = op.vectors, cycles * target.mvm_ps
                there[op.result] = max(there.get(op.sums, 0), event.end_ps)
            streaming = isinstance(op, MvmOp) and op.streaming is not None
            if streaming:
                in_parts.update(op.results)
            if event.start_ps < there.get(needed, 0) and not streaming and needed not in in_parts:
                raise CimcError(f"{event} starts before what it needs is there, at {there[needed]} ps")
            taken = event.end_ps - event.start_ps
            if taken < duration or (taken > duration and not streaming):
                raise CimcError(f"{event} takes {taken} ps, not {duration}")

    def _uses_by_layer(self) -> dict[SSAValue, list[_Use]]:
        """The products by the accumulators to which they add."""
        uses: dict[SSAValue, list[_Use]] = defaultdict(list)
        root: dict[SSAValue, SSAValue] = {}
        for op in self._ops:
            if isinstance(op, MvmOp):
                root[op.result] = root.get(op.sums, op.sums)
                write = _write_of(op)
                uses[root[op.result]].append(
                    _Use(write.tile.data, write.cells, all_vectors(op), shape_of(op.vectors)[1])
                )
        return uses


def _write_of(op: MvmOp) -> WriteOp:
    write = write_of(op)
    if write is None:
        raise CimcError(f"layer {op.layer.data!r} reads a crossbar into which nothing is written")
    return write


def _check_vectors(uses: Sequence[_Use]) -> None:
    by_tile: dict[Tile, list[Vectors]] = defaultdict(list)
    for use in uses:
        by_tile[use.tile].append(use.vectors)
    for tile, parts in by_tile.items():
        times = np.zeros(uses[0].count, np.int32)
        for part in parts:
            times[part.index] += 1
        if (times != 1).any():
            vector = int(np.flatnonzero(times != 1)[0])
            raise CimcError(f"vector {vector} goes {times[vector]} times through {tile}")


def _check_cells(uses: Sequence[_Use], stored: dict[SSAValue, Array]) -> None:
    (cells,) = {use.cells for use in uses}
    by_matrix: dict[int, list[Tile]] = defaultdict(list)
    for tile in dict.fromkeys(use.tile for use in uses):
        by_matrix[tile.matrix].append(tile)
    for matrix, codes in enumerate(stored[cells]):
        _check_matrix(matrix, codes, by_matrix[matrix])


def _check_matrix(matrix: int, codes: Array, tiles: Sequence[Tile]) -> None:
    """Each cell is held once, or as often as may be if it is 0: on the grid of all borders of tiles."""
    hidden = [part for tile in tiles for part in tile.without]
    rows = _borders(codes.shape[0], [r for t in tiles for r in t.rows], [r for r, _ in hidden])
    columns = _borders(codes.shape[1], [c for t in tiles for c in t.columns], [c for _, c in hidden])
    times = np.zeros((len(rows) - 1, len(columns) - 1), np.int32)
    for tile in tiles:
        held = np.outer(_within(tile.rows, rows), _within(tile.columns, columns))
        for hidden_rows, hidden_columns in tile.without:
            held &= ~np.outer(_within([hidden_rows], rows), _within([hidden_columns], columns))
        times += held
    for i, j in np.argwhere(times != 1):
        block = codes[rows[i] : rows[i + 1], columns[j] : columns[j + 1]]
        if block.any():
            raise CimcError(
                f"cells from row {rows[i]} and column {columns[j]} of matrix {matrix} on are held "
                f"{times[i, j]} times"
            )


def _borders(size: int, *ranges: Sequence[Range]) -> Array:
    ends = [end for some in ranges for both in some for end in both]
    return np.unique([0, size, *ends])


def _within(ranges: Iterable[Range], borders: Array) -> Array:
    """Which intervals between borders lie in ranges."""
    starts = borders[:-1]
    inside = np.zeros(len(starts), bool)
    for start, end in ranges:
        inside |= (starts >= start) & (starts < end)
    return inside
