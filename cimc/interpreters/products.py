"""The products of `xbar.mvm`: tile by tile, or those of a layer at once where that gives the same numbers."""

from collections import defaultdict
from dataclasses import dataclass
from operator import is_

from xdsl.dialects.builtin import FloatAttr
from xdsl.ir import SSAValue

from cimc.dialects.tensor_types import dtype_of, element_type, integer_of
from cimc.dialects.xbar import MvmOp
from cimc.interpreters.cim import all_vectors
from cimc.interpreters.simulation import Simulation
from cimc.runtime.arrays import Array
from cimc.runtime.crossbar import ProgrammedTile
from cimc.runtime.encoding import Encoding
from cimc.runtime.merging import merged
from cimc.runtime.tile_reading import TileReading
from cimc.runtime.vectors import Vectors


@dataclass(frozen=True)
class _Part:
    """Which vectors of which matrix go through a tile."""

    matrix: int
    vectors: Vectors
    encoding: Encoding


@dataclass
class _Read:
    """What an op says, looked up once, and how the tile is read that it met last."""

    part: _Part
    width: int
    signed: bool
    layer: str
    chain: SSAValue
    """The sums that the first of the ops that pass them on begins with."""
    is_last: bool
    """Whether the sums are then passed on to something else."""
    met: tuple[ProgrammedTile, FloatAttr | None] | None = None
    reading: TileReading | None = None

    def of(self, content: ProgrammedTile, adc_range: FloatAttr | None) -> TileReading:
        """How the tile is read that is written now, with ADCs of a range that calibration may change."""
        if self.reading is None or self.met is None or not all(map(is_, self.met, (content, adc_range))):
            self.met = content, adc_range
            self.reading = content.reading(
                self.part.encoding,
                self.width,
                signed=self.signed,
                adc_range=None if adc_range is None else adc_range.value.data,
            )
        return self.reading


@dataclass(frozen=True)
class _Merged:
    """Readings, and fewer that give the same."""

    of: list[TileReading]
    readings: list[TileReading]


class Products:
    """Adds products to sums. Those without noise wait until the last op of their chain of sums.

    A chain are ops of which each passes sums on to the next, and to nothing else, for the same vectors.
    Adding is the same in any order, so the tiles of such a chain are read together.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._reads: dict[MvmOp, _Read] = {}
        self._waiting: defaultdict[SSAValue, dict[_Part, list[TileReading]]] = defaultdict(dict)
        self._merged: dict[tuple[SSAValue, _Part], _Merged] = {}

    def begin(self) -> None:
        """Forgets products that wait, which an interrupted run may have left."""
        self._waiting.clear()

    def add(self, op: MvmOp, content: ProgrammedTile, vectors: Array, sums: Array) -> None:
        """Adds the products of [matrices, vectors, inputs] to [matrices, vectors, sums], in place."""
        read = self._reads.get(op)
        if read is None:
            read = self._reads[op] = self._new_read(op, content)
        reading = read.of(content, op.adc_range)
        if reading.leaves_to_chance:
            self._add(read.layer, read.part, reading, vectors, sums)
        else:
            self._waiting[read.chain].setdefault(read.part, []).append(reading)
        if read.is_last:
            for part, readings in self._waiting.pop(read.chain, {}).items():
                for together in self._together(read.chain, part, readings, vectors, sums):
                    self._add(read.layer, part, together, vectors, sums)

    def _add(self, layer: str, part: _Part, reading: TileReading, vectors: Array, sums: Array) -> None:
        index = part.matrix, part.vectors.index
        counts = self._simulation.counts[layer]
        reading.add_products(vectors[index], sums[index], self._simulation.next_read(), counts)

    def _together(
        self, chain: SSAValue, part: _Part, readings: list[TileReading], vectors: Array, sums: Array
    ) -> list[TileReading]:
        """Readings that give the same as those of all tiles; again the same if those are."""
        known = self._merged.get((chain, part))
        if known is None or len(known.of) != len(readings) or not all(map(is_, known.of, readings)):
            known = _Merged(readings, merged(readings, vectors.shape[2], sums.shape[2]))
            self._merged[chain, part] = known
        return known.readings

    def _new_read(self, op: MvmOp, content: ProgrammedTile) -> _Read:
        before = self._reads.get(op.sums.owner) if isinstance(op.sums.owner, MvmOp) else None
        continues = before is not None and not before.is_last
        user = op.result.get_user_of_unique_use()
        passes_on = isinstance(user, MvmOp) and user.sums is op.result and user.vectors is op.vectors
        return _Read(
            _Part(content.tile.matrix, all_vectors(op), op.encoding.data),
            integer_of(op.vectors).width.data,
            dtype_of(element_type(op.vectors)).kind == "i",
            op.layer.data,
            before.chain if before is not None and continues else op.sums,
            not passes_on,
        )
