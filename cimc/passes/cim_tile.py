"""Pass `cim-tile`."""

from dataclasses import dataclass
from itertools import product

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
from cimc.mapping.structure import DENSE
from cimc.mapping.tiling import Cells, cells_of, count_tiles, tiles
from cimc.runtime.tile import Tile


@dataclass(frozen=True)
class CimTilePass(ModulePass):
    """Cuts encoded matrices into tiles of the crossbars' size; their products add up in one chain.

    Of a packed matrix, a tile takes any blocks of rows and columns, as a known cover says; or as many columns
    as fit, and only the rows that these columns use.

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
    count = sum(shape_of(mvm.cells)[0] * count_tiles(_cells(mvm, rows, cols)) for mvm in products)
    if count > MAX_TILES:
        raise CimcError(
            f"the network takes {count} tiles of {rows}x{cols} cells; {MAX_TILES} are the most a program may "
            "have: take a target with larger crossbars (a report works with any)"
        )


def _cells(mvm: MvmOp, rows: int, cols: int) -> Cells:
    """What the mapping knows of the cells of one matrix."""
    encoding = mvm.encoding.data
    _, inputs = shape_of(mvm.vectors)[1:]
    outputs = shape_of(mvm.sums)[2] - encoding.unit_columns
    structure = DENSE if mvm.structure is None else mvm.structure.data
    return cells_of(
        structure, encoding, inputs // structure.row_blocks, outputs // structure.column_blocks, rows, cols
    )


def _tile(mvm: MvmOp, rows: int, cols: int) -> None:
    sums: SSAValue = mvm.sums
    parts = tiles(_cells(mvm, rows, cols))
    properties = {k: v for k, v in mvm.properties.items() if k != "structure"}
    for matrix, part in product(range(shape_of(mvm.cells)[0]), parts):
        tile = TileAttr(Tile(matrix, part.rows, part.columns, part.without))
        mvm_of_tile = MvmOp.create(
            operands=[mvm.vectors, mvm.cells, sums],
            result_types=[sums.type],
            properties={**properties, "tile": tile},
        )
        mvm_of_tile.location = mvm.location
        Rewriter.insert_op(mvm_of_tile, InsertPoint.before(mvm))
        sums = mvm_of_tile.result
    mvm.result.replace_all_uses_with(sums)
    Rewriter.erase_op(mvm)
