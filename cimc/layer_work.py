"""The layers of a module as work for crossbars: before they are cut into tiles, and after."""

from collections.abc import Sequence
from itertools import groupby

from xdsl.dialects.builtin import ModuleOp

from cimc.context import CimcContext
from cimc.cost import TileShape
from cimc.dialects.cim.layers import LayerOp
from cimc.dialects.cim.mapping import MvmOp
from cimc.dialects.tensor_types import integer_of, shape_of
from cimc.errors import CimcError
from cimc.layer_graph import LayerGraph, Needs
from cimc.layer_shape import layer_product, packing_of
from cimc.main_function import main_function, target_of
from cimc.mapping.choose import Mapped, cells_for, mapped
from cimc.mapping.tiling import tiles
from cimc.runtime.tile import Tile, size_of
from cimc.schedule.work import LayerWork
from cimc.target import Target


def mapping_of(ctx: CimcContext, layer: LayerOp, target: Target) -> Mapped:
    """How a layer is mapped. Raises `CimcError` if that is not decided yet."""
    if layer.precision is None or layer.encoding is None:
        raise CimcError(f"layer {layer.layer.data!r} has no precision or encoding yet")
    product = layer_product(ctx, layer, target)
    return mapped(product, layer.encoding.data, packing_of(layer, product), target)


def tile_shapes(ctx: CimcContext, layer: LayerOp, target: Target) -> list[TileShape]:
    """The tiles of each matrix of a layer that is mapped, in their order."""
    assert layer.encoding is not None
    product, encoding = layer_product(ctx, layer, target), layer.encoding.data
    parts = tiles(cells_for(product, encoding, packing_of(layer, product), target))
    shapes: list[TileShape] = []
    for columns, alike in groupby(parts, key=lambda part: part.columns):
        width, reads = size_of(columns), encoding.readouts(Tile(0, (), columns))
        shapes += [TileShape(size_of(part.rows), width, reads) for part in alike]
    return shapes


def crossbars_of(op: LayerOp | MvmOp, work: LayerWork) -> int:
    """The crossbars that work on a layer; if it does not say, one, or one for each tile that stays there."""
    if op.crossbars is not None:
        return op.crossbars.value.data
    return 1 if op.streaming is None else work.tiles


def works_of_layers(ctx: CimcContext, module: ModuleOp) -> list[tuple[LayerOp, LayerWork]]:
    """The layers that are mapped, and what they are for crossbars."""
    target, graph = target_of(module), LayerGraph()
    works: list[tuple[LayerOp, LayerWork]] = []
    for op in main_function(module).body.block.ops:
        if not isinstance(op, LayerOp):
            graph.digital(op)
            continue
        way = mapping_of(ctx, op, target)
        needs = graph.needs(op.streamed, op.written)
        vector_ps = way.vector_cycles * target.mvm_ps
        works.append((op, _work(op.layer.data, way.tiles, way.vectors, vector_ps, needs)))
        graph.layer(op.y, len(works) - 1)
    return works


def works_of_tiles(module: ModuleOp) -> list[tuple[list[MvmOp], LayerWork]]:
    """The products of each layer's tiles, in the order in which they add up, and what they are for crossbars.

    Raises `CimcError` if a layer is not cut into tiles.
    """
    target, graph = target_of(module), LayerGraph()
    works: list[tuple[list[MvmOp], LayerWork]] = []
    for op in main_function(module).body.block.ops:
        if not isinstance(op, MvmOp):
            graph.digital(op)
        elif not isinstance(op.sums.owner, MvmOp):
            chain = chain_of(op)
            works.append((chain, _work_of_chain(chain, graph, target)))
            graph.layer(chain[-1].result, len(works) - 1)
    return works


def chain_of(first: MvmOp) -> list[MvmOp]:
    """The products that add to one set of accumulators, from the first on.

    Raises `CimcError` if one is of no tile.
    """
    chain = [first]
    while isinstance(user := (sums := chain[-1].result).get_user_of_unique_use(), MvmOp):
        if user.sums != sums:
            break
        chain.append(user)
    for part in chain:
        if part.tile is None:
            raise CimcError(f"layer {part.layer.data!r} is not cut into tiles; run cim-tile")
    return chain


def _work_of_chain(chain: Sequence[MvmOp], graph: LayerGraph, target: Target) -> LayerWork:
    first = chain[0]
    digits = target.input_digits(integer_of(first.vectors).width.data)
    vector_ps = first.encoding.data.cycles(digits) * target.mvm_ps
    needs = graph.needs(first.vectors, first.cells)
    return _work(first.layer.data, len(chain), shape_of(first.vectors)[1], vector_ps, needs)


def _work(name: str, tiles: int, vectors: int, vector_ps: int, needs: Needs) -> LayerWork:
    return LayerWork(name, tiles, vectors, vector_ps, needs.vectors, needs.cells)
