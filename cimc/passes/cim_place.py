"""Pass `cim-place`."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.passes import ModulePass

from cimc.dialects.cim.mapping import MvmOp
from cimc.errors import CimcError
from cimc.main_function import target_of


@dataclass(frozen=True)
class CimPlacePass(ModulePass):
    """Decides which crossbar each tile is written into: one for all, as in the paper.

    Options: `crossbar`: its number, by default 0.

    ```mlir
    %s = cim.mvm %v, %c, %0 {…, tile = #cim.tile<matrix 0, rows 0 to 64, columns 0 to 40>} : …
    ```
    becomes
    ```mlir
    %s = cim.mvm %v, %c, %0 {…, tile = #cim.tile<…>, crossbar = 0 : i64} : …
    ```
    """

    name = "cim-place"

    crossbar: int = 0

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        target = target_of(op)
        if not 0 <= self.crossbar < target.crossbars:
            raise CimcError(
                f"crossbar {self.crossbar} is none of the target's {target.crossbars} (from 0 on)"
            )
        attribute = IntegerAttr(self.crossbar, i64)
        for mvm in op.walk():
            if not isinstance(mvm, MvmOp):
                continue
            if mvm.tile is None:
                raise CimcError(f"layer {mvm.layer.data!r} is not cut into tiles; run cim-tile")
            mvm.crossbar = attribute
