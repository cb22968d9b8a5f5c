"""Pass `cim-schedule`."""

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from cimc.dialects.cim.attributes import VectorsAttr
from cimc.dialects.cim.mapping import MvmOp
from cimc.dialects.tensor_types import shape_of
from cimc.errors import CimcError
from cimc.layer_work import crossbars_of, works_of_tiles
from cimc.main_function import target_of
from cimc.runtime.vectors import Vectors
from cimc.schedule.list_schedule import list_schedule
from cimc.schedule.resident import resident_pieces
from cimc.schedule.work import LayerWork, Machine, machine_of
from cimc.schedule.wrap_around import Piece


@dataclass(frozen=True)
class CimSchedulePass(ModulePass):
    """Decides which crossbar takes which vectors of which tile, and in which order.

    Layers take their turn in the order of the program, each on as many crossbars as its `crossbars` says (one
    without it): those on which its vectors can begin first. Its tiles fill one crossbar after the other up to
    a common end; what is left of a tile goes on on the next, into which it is written too. Writes do not wait
    for the vectors, so a tile is there when the layer before ends, if a crossbar is free. Tiles of
    `streaming` layers stay in crossbars of their own, and take the vectors in turn.

    ```mlir
    %s = cim.mvm %v, %c, %0 {…, tile = #cim.tile<…>, crossbars = 2 : i64} : …
    ```
    becomes, for 5 vectors,
    ```mlir
    %1 = cim.mvm %v, %c, %0 {…, tile = #cim.tile<…>, vectors = #cim.vectors<0 to 3>, crossbar = 0 : i64,
        order = 0 : i64} : …
    %s = cim.mvm %v, %c, %1 {…, tile = #cim.tile<…>, vectors = #cim.vectors<3 to 5>, crossbar = 1 : i64,
        order = 1 : i64} : …
    ```
    """

    name = "cim-schedule"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        layers = works_of_tiles(op)
        schedule = _pieces([(chain[0], work) for chain, work in layers], machine_of(target_of(op)))
        order = 0
        for (chain, _), pieces in zip(layers, schedule, strict=True):
            _place(chain, pieces, order)
            order += len(pieces)


def _pieces(layers: Sequence[tuple[MvmOp, LayerWork]], machine: Machine) -> Sequence[Sequence[Piece]]:
    counts = [crossbars_of(mvm, work) for mvm, work in layers]
    works = [work for _, work in layers]
    streaming = {mvm.streaming is not None for mvm, _ in layers}
    if len(streaming) > 1:
        raise CimcError("some layers are streaming and some are not; tiles stay in crossbars for all or none")
    if streaming == {True}:
        _check_crossbars("the network", sum(counts), machine)
        return resident_pieces(works, counts)
    for (mvm, _), count in zip(layers, counts, strict=True):
        _check_crossbars(f"layer {mvm.layer.data!r}", count, machine)
    return list_schedule(works, counts, machine).pieces


def _check_crossbars(what: str, count: int, machine: Machine) -> None:
    if count > machine.crossbars:
        raise CimcError(f"{what} wants {count} crossbars, the target has {machine.crossbars}")


def _place(chain: Sequence[MvmOp], pieces: Sequence[Piece], order: int) -> None:
    """Replaces the products of a layer's tiles by those of the pieces."""
    sums: SSAValue = chain[0].sums
    for number, piece in enumerate(pieces, order):
        mvm = chain[piece.tile]
        properties = {k: v for k, v in mvm.properties.items() if k != "crossbars"}
        properties["crossbar"] = IntegerAttr(piece.crossbar, i64)
        properties["order"] = IntegerAttr(number, i64)
        vectors = Vectors(piece.first, piece.last, piece.step)
        if vectors.count < shape_of(mvm.vectors)[1]:
            properties["vectors"] = VectorsAttr(vectors)
        part = MvmOp.create(
            operands=[mvm.vectors, mvm.cells, sums], result_types=[sums.type], properties=properties
        )
        part.location = mvm.location
        Rewriter.insert_op(part, InsertPoint.before(chain[0]))
        sums = part.result
    chain[-1].result.replace_all_uses_with(sums)
    for mvm in reversed(chain):
        Rewriter.erase_op(mvm)
