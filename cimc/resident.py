"""When a network whose weights stay in crossbars is done: vectors stream through all layers at a time."""

from collections.abc import Sequence
from math import prod

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from cimc.context import CimcContext
from cimc.dialects.cim.layers import ConvOp, LayerOp
from cimc.dialects.tensor_types import shape_of
from cimc.interpreters.readiness import Readiness, Ready, image_times, patch_times
from cimc.layer_work import crossbars_of, works_of_layers
from cimc.main_function import main_function, target_of
from cimc.runtime.arrays import Array
from cimc.runtime.packing import pack_vectors
from cimc.runtime.streaming import stream
from cimc.schedule.list_schedule import Schedule
from cimc.schedule.resident import resident_pieces
from cimc.schedule.work import LayerWork


def resident_schedule(ctx: CimcContext, module: ModuleOp) -> Schedule:
    """The schedule of layers that all stream: each has crossbars of its own, as many as its `crossbars` says.

    Raises `CimcError` if these do not go with a layer's tiles.
    """
    write_ps = target_of(module).write_ps
    readiness = Readiness(ctx.tensors)
    layers = works_of_layers(ctx, module)
    counts = [crossbars_of(layer, work) for layer, work in layers]
    pieces = resident_pieces([work for _, work in layers], counts)
    copies = {layer: (work, count // work.tiles) for (layer, work), count in zip(layers, counts, strict=True)}
    end_ps = 0
    for op in main_function(module).body.block.ops:
        if not isinstance(op, LayerOp):
            readiness.digital(op)
            continue
        ends = _vector_ends(op, *copies[op], write_ps, readiness)
        readiness.note(op.y, _result_times(op, ends))
        end_ps = max(end_ps, int(ends.max()))
    return Schedule(pieces, end_ps)


def _vector_ends(layer: LayerOp, work: LayerWork, copies: int, write_ps: int, readiness: Readiness) -> Array:
    """When each vector is through all tiles: all tiles take the same vectors at the same time."""
    there = np.broadcast_to(_vector_times(layer, readiness), work.vectors)
    written_ps = readiness.latest(layer.written) + write_ps
    ends = np.empty(work.vectors, np.int64)
    for copy in range(copies):
        ends[copy::copies] = stream(there[copy::copies], written_ps, work.vector_ps)
    return ends


def _positions(layer: LayerOp) -> Sequence[int]:
    if layer.packing is not None:
        return layer.packing.data.positions
    return (1,) * (len(shape_of(layer.w)) - 2 if _by_position(layer) else 1)


def _by_position(layer: LayerOp) -> bool:
    """Whether a vector belongs to a position of a picture."""
    return isinstance(layer, ConvOp) and layer.stationary is None


def _vector_times(layer: LayerOp, readiness: Readiness) -> Ready:
    """When each of the vectors is there, [vectors]."""
    if isinstance(readiness.of(layer.streamed), int):
        return readiness.latest(layer.streamed)
    if _by_position(layer):
        assert isinstance(layer, ConvOp)
        pixels = readiness.by_pixel(layer.x)
        return patch_times(pixels, layer.axes, _positions(layer), layer.pads.get_values()).ravel()
    inputs_axis = -1 if layer.stationary is None else -2
    times = readiness.full(layer.streamed).max(axis=inputs_axis)
    by_vector = times.reshape(prod(shape_of(layer.w)[:-2]), -1).max(axis=0)
    (positions,) = _positions(layer)
    return pack_vectors(by_vector[None, :, None], 1, positions)[0].max(axis=1)


def _result_times(layer: LayerOp, ends: Array) -> Ready:
    """When the elements of a layer's result are there, from when its vectors are through."""
    shape = shape_of(layer.y)
    if _by_position(layer):
        return image_times(ends, shape, _positions(layer))
    if isinstance(layer, ConvOp):
        return int(ends.max())
    (positions,) = _positions(layer)
    times = np.repeat(ends, positions)
    if layer.stationary is not None:
        return times[: shape[-1]].reshape((1,) * (len(shape) - 1) + (-1,))
    if len(shape_of(layer.w)) == 2:
        return times[: prod(shape[:-1])].reshape(*shape[:-1], 1)
    return times[: shape[-2]].reshape((1,) * (len(shape) - 2) + (-1, 1))
