"""The packing and the digits with which a layer takes least time on one crossbar."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from math import prod
from typing import Any

from cimc.mapping.digits import fewest_digits
from cimc.mapping.layer_product import LayerProduct
from cimc.mapping.structure import Packing, Structure
from cimc.mapping.tiling import Cells, cells_of, count_tiles, cover_saves_tiles
from cimc.runtime.encoding import Encoding, MappingName
from cimc.target import Target

MAX_POSITIONS = 32
"""Output positions of a patch: beyond, a patch saves little, and its matrix grows large."""

MAX_PLANES = 16
"""Planes of input digits that are stacked: activations have no more bits."""

MAX_CELLS = 1 << 24
"""Cells of a packed matrix: larger ones are dense enough as they are."""


@dataclass(frozen=True)
class Mapped:
    """A way to map a layer, and what it costs."""

    encoding: Encoding
    packing: Packing
    tiles: int
    """Of all matrices."""
    vectors: int
    """That each tile sees."""
    vector_cycles: int
    latency_ps: int
    """On one crossbar."""


def unpacked(layer: LayerProduct) -> Packing:
    """The packing that packs nothing."""
    return Packing(1, (1,) * len(layer.axes))


def cells_for(layer: LayerProduct, encoding: Encoding, packing: Packing, target: Target) -> Cells:
    """The cells of one packed matrix."""
    structure = Structure(packing.groups, packing.positions, layer.axes, packing.covered)
    return cells_of(structure, encoding, layer.channels, layer.outputs, target.rows, target.cols)


@lru_cache(maxsize=4096)
def mapped(layer: LayerProduct, encoding: Encoding, packing: Packing, target: Target) -> Mapped:
    """What a layer costs in an encoding and a packing."""
    tiles = count_tiles(cells_for(layer, encoding, packing, target))
    return _mapped(layer, encoding, packing, target, tiles)


def _mapped(layer: LayerProduct, encoding: Encoding, packing: Packing, target: Target, tiles: int) -> Mapped:
    tiles *= -(-layer.matrices // packing.groups)
    patches = (-(-size // p) for size, p in zip(layer.sizes, packing.positions, strict=True))
    vectors = layer.pictures * prod(patches)
    cycles = encoding.cycles(layer.input_digits)
    latency_ps = tiles * (target.write_ps + vectors * cycles * target.mvm_ps)
    return Mapped(encoding, packing, tiles, vectors, cycles, latency_ps)


@lru_cache(maxsize=4096)
def best(layer: LayerProduct, codes: tuple[int, int], mapping: MappingName, target: Target) -> Mapped | None:
    """The fastest way to map a layer whose stored codes go from the first to the second, in a mapping.

    None if no encoding holds the codes.
    """
    return _fastest(layer, _encodings(layer, codes, mapping, target), target, covers=True)


@lru_cache(maxsize=4096)
def best_packing(layer: LayerProduct, encoding: Encoding, target: Target, *, covers: bool) -> Packing:
    """The fastest packing of a layer in an encoding, with known covers or without."""
    found = _fastest(layer, [encoding], target, covers=covers)
    assert found is not None, "a layer may be unpacked"
    return found.packing


def _fastest(
    layer: LayerProduct, encodings: Iterable[Encoding], target: Target, *, covers: bool
) -> Mapped | None:
    """The fastest way in one of some encodings; of equally fast ones, that with the lowest bound, then the
    fewest planes, then positions.

    Patches whose bound says that no number of groups is faster are left out: few are looked into.
    """
    patches = [
        (_bound_ps(layer, encoding, positions, target), encoding, positions)
        for encoding, positions in product(encodings, patch_sizes(layer))
    ]
    found: Mapped | None = None
    rank: tuple[Any, ...] = ()
    for patch_bound_ps, encoding, positions in sorted(patches, key=lambda patch: patch[0]):
        if found is not None and patch_bound_ps > found.latency_ps:
            break
        for groups in group_counts(layer, prod(positions)):
            packing = Packing(groups, positions)
            cells = cells_for(layer, encoding, packing, target)
            if prod(cells.shape) > MAX_CELLS and not packing.is_plain:
                continue
            bound_ps = _mapped(layer, encoding, packing, target, cells.fewest_tiles).latency_ps
            order = bound_ps, encoding.planes, groups * prod(positions), positions, groups
            if found is not None and (bound_ps, *order) > rank:
                continue
            packing = replace(packing, covered=covers and cover_saves_tiles(cells))
            candidate = mapped(layer, encoding, packing, target)
            if found is None or (candidate.latency_ps, *order) < rank:
                found, rank = candidate, (candidate.latency_ps, *order)
    return found


def _bound_ps(layer: LayerProduct, encoding: Encoding, positions: tuple[int, ...], target: Target) -> int:
    """No number of groups makes a patch faster: so long it takes if tiles of all matrices could be mixed."""
    # Matrices with a column of ones are dense, and no part of a larger one.
    sparse = replace(encoding, digital=True) if encoding.unit_columns else encoding
    packing = Packing(layer.matrices, positions)
    cells = cells_for(layer, sparse, packing, target)
    return _mapped(layer, sparse, packing, target, cells.fewest_tiles).latency_ps


def _encodings(
    layer: LayerProduct, codes: tuple[int, int], mapping: MappingName, target: Target
) -> Iterator[Encoding]:
    """Those that hold the codes, by the planes that are stacked."""
    cycles_before = 0
    for planes in range(1, min(MAX_PLANES, layer.input_digits) + 1):
        encoding = fewest_digits(mapping, *codes, target, planes)
        if encoding is None:
            return
        cycles = encoding.cycles(layer.input_digits)
        if cycles == cycles_before:
            continue  # more planes that save no cycle only take rows
        cycles_before = cycles
        yield encoding


@lru_cache(maxsize=1024)
def patch_sizes(layer: LayerProduct) -> tuple[tuple[int, ...], ...]:
    """Patches of output positions worth a try, by axis: those that leave no axis mostly empty."""
    by_axis = [_even_parts(size, MAX_POSITIONS) for size in layer.sizes]
    return tuple(positions for positions in product(*by_axis) if prod(positions) <= MAX_POSITIONS)


def group_counts(layer: LayerProduct, positions: int) -> tuple[int, ...]:
    """Numbers of matrices that may lie on the diagonal of one, for a patch of so many positions."""
    return _even_parts(layer.matrices, min(256, 8 * MAX_POSITIONS // positions))


@lru_cache(maxsize=1024)
def _even_parts(count: int, most: int) -> tuple[int, ...]:
    """How many of `count` things lie together if they are parted evenly, and not more than `most`."""
    return tuple(sorted({part for parts in range(1, count + 1) if (part := -(-count // parts)) <= most}))
