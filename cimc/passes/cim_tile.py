"""Pass `cim-tile`."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from cimc.dialects.cim.attributes import TileAttr
from cimc.dialects.cim.mapping import MvmOp
from cimc.dialects.tensor_types import shape_of
from cimc.errors import CimcError
from cimc.limits import MAX_TILES
from cimc.main_function import target_of
from cimc.runtime.encoding import Tile


@dataclass(frozen=True)
class CimTilePass(ModulePass):
    """Cuts encoded matrices into tiles of the crossbars' size; their products add up in one chain.

    Options: `rows`, `cols`: the size of a tile, by default that of the target's crossbars.

    ```mlir
    %s = cim.mvm %v, %c, %0 {…} : tensor<1x5x300xui8>, tensor<1x300x40xui4>, tensor<1x5x10xsi32>
    ```
    becomes
    ```mlir
    %1 = cim.mvm %v, %c, %0 {…, tile = #cim.tile<matrix 0, rows 0 to 256, columns 0 to 40>} : …
    %s = cim.mvm %v, %c, %1 {…, tile = #cim.tile<matrix 0, rows 256 to 300, columns 0 to 40>} : …
    ```
    """

    name = "cim-tile"

    rows: int | None = None
    cols: int | None = None

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        target = target_of(op)
        rows = target.rows if self.rows is None else self.rows
        cols = target.cols if self.cols is None else self.cols
        if rows < 1 or cols < 1:
            raise CimcError(f"cim-tile: rows and cols must be 1 or more, got {rows} and {cols}")
        products = [mvm for mvm in op.walk() if isinstance(mvm, MvmOp) and mvm.tile is None]
        _check_count(products, rows, cols)
        for mvm in products:
            _tile(mvm, rows, cols)


def _check_count(products: list[MvmOp], rows: int, cols: int) -> None:
    count = 0
    for mvm in products:
        matrices, cell_rows, cell_cols = shape_of(mvm.cells)
        count += matrices * -(-cell_rows // rows) * -(-cell_cols // cols)
    if count > MAX_TILES:
        raise CimcError(
            f"the network takes {count} tiles of {rows}x{cols} cells; {MAX_TILES} are the most a program may "
            "have: take a target with larger crossbars (a report works with any)"
        )


def _tile(mvm: MvmOp, rows: int, cols: int) -> None:
    sums: SSAValue = mvm.sums
    for tile in grid(*shape_of(mvm.cells), rows_per_tile=rows, cols_per_tile=cols):
        part = MvmOp.create(
            operands=[mvm.vectors, mvm.cells, sums],
            result_types=[sums.type],
            properties={**mvm.properties, "tile": TileAttr(tile)},
        )
        part.location = mvm.location
        Rewriter.insert_op(part, InsertPoint.before(mvm))
        sums = part.result
    mvm.result.replace_all_uses_with(sums)
    Rewriter.erase_op(mvm)


def grid(matrices: int, rows: int, columns: int, *, rows_per_tile: int, cols_per_tile: int) -> list[Tile]:
    """The tiles of matrices of one size, column by column, so that an output's sums end together."""
    return [
        Tile(
            matrix,
            row,
            min(row + rows_per_tile, rows),
            column,
            min(column + cols_per_tile, columns),
        )
        for matrix in range(matrices)
        for column in range(0, columns, cols_per_tile)
        for row in range(0, rows, rows_per_tile)
    ]
