"""Pass `convert-cim-to-xbar`."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.ir import Block, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from cimc.dialects import xbar
from cimc.dialects.cim.mapping import MvmOp
from cimc.errors import CimcError
from cimc.main_function import main_function

_SHARED = ("layer", "encoding", "vectors", "streaming")


@dataclass(frozen=True)
class ConvertCimToXbarPass(ModulePass):
    """Makes writes and products of crossbars of placed and ordered tiles.

    The order becomes the chain of each crossbar's states. What is digital stays as it is.

    ```mlir
    %s = cim.mvm %v, %c, %0 {layer = "fc", tile = #cim.tile<…>, crossbar = 0 : i64, order = 0 : i64, …} : …
    ```
    becomes
    ```mlir
    %xb = xbar.alloc {index = 0 : i64}
    %xb1 = xbar.write %xb, %c tile<…>
    %s, %xb2 = xbar.mvm %xb1, %v, %0 layer "fc" encoding<…>
    ```
    """

    name = "convert-cim-to-xbar"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        block = main_function(op).body.block
        mvms = [mvm for mvm in block.ops if isinstance(mvm, MvmOp)]
        states: dict[int, SSAValue] = {}
        last = -1
        for mvm in mvms:
            if mvm.tile is None or mvm.crossbar is None or mvm.order is None:
                raise CimcError(
                    f"layer {mvm.layer.data!r} has a tile without a place or an order; "
                    "run cim-tile and cim-schedule"
                )
            order = mvm.order.value.data
            if order <= last:
                raise CimcError(
                    f"layer {mvm.layer.data!r}: a tile of order {order} comes after one of {last}; "
                    "ops must stand in their order"
                )
            last = order
            index = mvm.crossbar.value.data
            if index not in states:
                states[index] = _alloc(block, index)
            states[index] = _convert(mvm, states[index])


def _alloc(block: Block, index: int) -> SSAValue:
    alloc = xbar.AllocOp.build(
        properties={"index": IntegerAttr(index, i64)}, result_types=[xbar.CrossbarType()]
    )
    Rewriter.insert_op(alloc, InsertPoint.at_start(block))
    return alloc.crossbar


def _convert(mvm: MvmOp, state: SSAValue) -> SSAValue:
    assert mvm.tile is not None
    write = xbar.WriteOp.create(
        operands=[state, mvm.cells],
        properties={"tile": mvm.tile},
        result_types=[state.type],
    )
    product = xbar.MvmOp.create(
        operands=[write.result, mvm.vectors, mvm.sums],
        properties={k: v for k, v in mvm.properties.items() if k in _SHARED},
        result_types=[mvm.result.type, state.type],
    )
    write.location = product.location = mvm.location
    Rewriter.insert_op([write, product], InsertPoint.before(mvm))
    mvm.result.replace_all_uses_with(product.result)
    Rewriter.erase_op(mvm)
    return product.crossbar_after
