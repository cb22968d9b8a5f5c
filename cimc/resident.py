"""When a network whose weights stay in crossbars is done: vectors stream through all layers at a time."""

from collections.abc import Sequence
from math import prod
from typing import TypeAlias

import numpy as np
from xdsl.dialects.builtin import ModuleOp

from cimc.context import CimcContext
from cimc.dialects.cim.layers import ConvOp, LayerOp
from cimc.dialects.tensor_types import shape_of
from cimc.interpreters.readiness import Readiness, Ready, image_times, patch_times
from cimc.layer_work import crossbars_of
from cimc.main_function import main_function, target_of
from cimc.runtime.arrays import Array
from cimc.runtime.packing import pack_vectors
from cimc.runtime.streaming import stream
from cimc.schedule.list_schedule import Schedule
from cimc.schedule.resident import resident_pieces, slowest_ps
from cimc.schedule.work import LayerWork, machine_of

Layers: TypeAlias = Sequence[tuple[LayerOp, LayerWork]]
"""The layers of a module, as `works_of_layers` gives them."""


def resident_schedule(ctx: CimcContext, module: ModuleOp, layers: Layers) -> Schedule:
    """The schedule of layers that all stream: each has crossbars of its own, as many as its `crossbars` says.

    Raises `CimcError` if these do not go with a layer's tiles.
    """
    counts = [crossbars_of(layer, work) for layer, work in layers]
    pieces = resident_pieces([work for _, work in layers], counts)
    copies = [count // work.tiles for (_, work), count in zip(layers, counts, strict=True)]
    return Schedule(pieces, _end_ps(ctx, module, layers, copies))


def resident_bound_ps(ctx: CimcContext, module: ModuleOp, layers: Layers) -> int:
    """No schedule of tiles that stay in crossbars of their own ends before.

    However they are copied, the slowest layer takes as long as in the best replication; and nothing is done
    before it would be if each vector had copies of its own.
    """
    works = [work for _, work in layers]
    unlimited = _end_ps(ctx, module, layers, [work.vectors for work in works])
    return max(unlimited, slowest_ps(works, machine_of(target_of(module))))


def _end_ps(ctx: CimcContext, module: ModuleOp, layers: Layers, copies: Sequence[int]) -> int:
    """When the last vector is through, for so many copies of each layer."""
    write_ps = target_of(module).write_ps
    readiness = Readiness(ctx.tensors)
    of = {layer: (work, count) for (layer, work), count in zip(layers, copies, strict=True)}
    end_ps = 0
    for op in main_function(module).body.block.ops:
        if not isinstance(op, LayerOp):
            readiness.digital(op)
            continue
        ends = _vector_ends(op, *of[op], write_ps, readiness)
        readiness.note(op.y, _result_times(op, ends))
        end_ps = max(end_ps, int(ends.max()))
    return end_ps


def _vector_ends(layer: LayerOp, work: LayerWork, copies: int, write_ps: int, readiness: Readiness) -> Array:
    """When each vector is through all tiles: all tiles take the same vectors at the same time."""
    there = np.broadcast_to(_vector_times(layer, readiness), work.vectors)
    written_ps = _cells_time(layer, readiness) + write_ps
    if copies == work.vectors:  # none waits for another
        return np.maximum(there, written_ps) + work.vector_ps
    ends = np.empty(work.vectors, np.int64)
    for copy in range(copies):
        ends[copy::copies] = stream(there[copy::copies], written_ps, work.vector_ps)
    return ends


def _cells_time(layer: LayerOp, readiness: Readiness) -> int:
    """When all that a layer stores is there."""
    if not isinstance(layer, ConvOp) or layer.stationary is None:
        return readiness.latest(layer.written)
    if isinstance(readiness.of(layer.x), int):
        return readiness.latest(layer.x)
    pixels, positions = readiness.by_pixel(layer.x), (1,) * len(layer.axes)
    return int(patch_times(pixels, layer.axes, positions, layer.pads.get_values()).max())


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
        return np.full((1,) * len(shape), ends.max())
    (positions,) = _positions(layer)
    times = np.repeat(ends, positions)
    if layer.stationary is not None:
        return times[: shape[-1]].reshape((1,) * (len(shape) - 1) + (-1,))
    if len(shape_of(layer.w)) == 2:
        return times[: prod(shape[:-1])].reshape(*shape[:-1], 1)
    return times[: shape[-2]].reshape((1,) * (len(shape) - 2) + (-1, 1))
