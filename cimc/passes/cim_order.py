"""Pass `cim-order`."""

from dataclasses import dataclass
from itertools import count

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.passes import ModulePass

from cimc.dialects.cim.attributes import TileAttr
from cimc.dialects.cim.mapping import MvmOp
from cimc.errors import CimcError
from cimc.layer_work import chain_of
from cimc.runtime.tile import Range, Tile


@dataclass(frozen=True)
class CimOrderPass(ModulePass):
    """Decides in which order tiles take their turn: layer after layer, as in the paper.

    Options: `by` is the order within a layer: `column` (default) ends an output's sums before it begins the
    next, and so needs the fewest accumulators; `row` uses an input for all outputs before the next.

    ```mlir
    %s = cim.mvm %v, %c, %0 {…, tile = #cim.tile<…>, crossbar = 0 : i64} : …
    ```
    becomes
    ```mlir
    %s = cim.mvm %v, %c, %0 {…, tile = #cim.tile<…>, crossbar = 0 : i64, order = 0 : i64} : …
    ```
    """

    name = "cim-order"

    by: str = "column"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if self.by not in ("column", "row"):
            raise CimcError(f"cim-order: by must be column or row, got {self.by!r}")
        numbers = count()
        for mvm in list(op.walk()):
            if isinstance(mvm, MvmOp) and not isinstance(mvm.sums.owner, MvmOp):
                chain = chain_of(mvm)
                tiles = sorted((m.tile.data for m in chain if m.tile is not None), key=self._key)
                for part, tile in zip(chain, tiles, strict=True):
                    part.tile = TileAttr(tile)
                    part.order = IntegerAttr(next(numbers), i64)

    def _key(self, tile: Tile) -> tuple[int, Range, Range]:
        if self.by == "row":
            return tile.matrix, tile.rows[0], tile.columns[0]
        return tile.matrix, tile.columns[0], tile.rows[0]
