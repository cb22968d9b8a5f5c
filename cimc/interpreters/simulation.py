"""What a chip keeps from one batch to the next while a program runs on it."""

from collections import defaultdict
from collections.abc import Callable
from functools import cached_property
from math import prod

import numpy as np
from numpy.random import Generator
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from cimc.changing import changing_values
from cimc.dialects.xbar import AllocOp, MvmOp, WriteOp
from cimc.main_function import main_function
from cimc.runtime.analog.faults import Faults, drawn_faults, load_fault_map
from cimc.runtime.analog.readout import ReadCounts
from cimc.runtime.analog.streams import Drawn, stream_of
from cimc.runtime.arrays import Array
from cimc.runtime.crossbar import Crossbar, ProgrammedTile
from cimc.runtime.wear import Wear
from cimc.target import Target


class Simulation:
    """One chip of those that a target describes: `trial` number so and so of a `seed`.

    Noise is drawn from streams of their own, by what it is of and the number of the batch. A trial is the
    same, therefore, whatever other trials or batches run, where, and in which order.
    """

    def __init__(self, module: ModuleOp, target: Target, seed: int = 0, trial: int = 0) -> None:
        self.target = target
        self.analog = self.target.analog
        self.seed, self.trial = seed, trial
        self.counts: defaultdict[str, ReadCounts] = defaultdict(ReadCounts)
        """What the ADCs have converted, by layer."""
        self._module = module
        self._nothing = np.random.default_rng(0)
        self._tiles: dict[WriteOp, ProgrammedTile] = {}
        self._faults: dict[int, Faults] = {}
        self.begin_batch(0)

    def begin_batch(self, number: int) -> None:
        """Makes the streams those of a batch."""
        self._batch = number
        self._reads = 0

    def programmed(self, op: WriteOp, crossbar: Crossbar, matrices: Array) -> ProgrammedTile:
        """The tile that a write programs: again the same if nothing about it has changed.

        A crossbar that the program writes once, with constant cells, keeps them from one inference to the
        next.
        """
        tile = self._tiles.get(op)
        if tile is None or tile.matrices is not matrices or self._is_drawn_anew(crossbar):
            tile = ProgrammedTile(
                matrices,
                op.tile.data,
                self.analog,
                self._programming(op, crossbar),
                self._faults_of(crossbar),
            )
            self._tiles[op] = tile
        return tile

    def next_read(self) -> Generator:
        """The stream for the products that come next."""
        if not self.analog.cells.read_noise:
            return self._nothing
        self._reads += 1
        return stream_of(self.seed, self.trial, Drawn.READ, self._batch, self._reads)

    def _is_drawn_anew(self, crossbar: Crossbar) -> bool:
        return self.analog.cells.programs_at_random and not self._wear.keeps(crossbar.index)

    def _programming(self, op: WriteOp, crossbar: Crossbar) -> Callable[[], Generator]:
        batch = self._batch if self._is_drawn_anew(crossbar) else 0
        return lambda: stream_of(self.seed, self.trial, Drawn.PROGRAMMING, batch, self._numbers[op])

    def _faults_of(self, crossbar: Crossbar) -> Faults | None:
        cells = self.analog.cells
        if not cells.has_faults:
            return None
        if not self._faults and cells.fault_map:
            target = self.target
            maps = load_fault_map(cells.fault_map, target.crossbars, target.rows, target.cols)
            self._faults = dict(enumerate(maps))
        if crossbar.index not in self._faults:
            rng = stream_of(self.seed, self.trial, Drawn.FAULTS, crossbar.index)
            self._faults[crossbar.index] = drawn_faults(cells, crossbar.rows, crossbar.cols, rng)
        return self._faults[crossbar.index]

    @cached_property
    def _numbers(self) -> dict[WriteOp, int]:
        """The program's writes, in their order."""
        ops = main_function(self._module).body.block.ops
        return {op: number for number, op in enumerate(op for op in ops if isinstance(op, WriteOp))}

    @cached_property
    def _wear(self) -> Wear:
        """The program's writes by crossbar, and whether they are the same in each inference."""
        function = main_function(self._module)
        changing = changing_values(function)
        crossbars: dict[SSAValue, int] = {}
        wear = Wear()
        for op in function.body.block.ops:
            if isinstance(op, AllocOp):
                crossbars[op.crossbar] = op.index.value.data
            elif isinstance(op, WriteOp):
                index = crossbars[op.result] = crossbars[op.crossbar]
                wear.write(index, prod(op.tile.data.shape), changing=op.cells in changing)
            elif isinstance(op, MvmOp):
                crossbars[op.crossbar_after] = crossbars[op.crossbar]
        return wear
