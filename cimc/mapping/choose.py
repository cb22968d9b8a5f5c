"""The packing and the digits with which a layer takes least time on one crossbar."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from math import prod

from cimc.mapping.digits import fewest_digits
from cimc.mapping.layer_product import LayerProduct
from cimc.mapping.structure import Packing, Structure
from cimc.mapping.tiling import Cells, cells_of, count_tiles, cover_saves_tiles
from cimc.runtime.encoding import Encoding, MappingName
from cimc.target import Target

MAX_POSITIONS = 32
"""Output positions of a patch: beyond, a patch saves little, and its matrix grows large."""

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
def best(
    layer: LayerProduct, codes: tuple[int, int], mapping: MappingName, target: Target, max_planes: int
) -> Mapped | None:
    """The fastest way to map a layer whose stored codes go from the first to the second, in a mapping.

    At most so many planes of input digits are stacked. None if no encoding holds the codes.
    """
    return _fastest(layer, _encodings(layer, codes, mapping, target, max_planes), target, covers=True)


@lru_cache(maxsize=4096)
def best_packing(layer: LayerProduct, encoding: Encoding, target: Target, *, covers: bool) -> Packing:
    """The fastest packing of a layer in an encoding, with known covers or without."""
    found = _fastest(layer, [encoding], target, covers=covers)
    assert found is not None, "a layer may be unpacked"
    return found.packing


def _fastest(
    layer: LayerProduct, encodings: Iterable[Encoding], target: Target, *, covers: bool
) -> Mapped | None:
    """The fastest way in one of some encodings; of equally fast ones, that with the fewest planes, then
    positions."""
    candidates: list[tuple[int, int, int, int, Encoding, Packing]] = []
    for encoding, packing in product(encodings, packings(layer)):
        cells = cells_for(layer, encoding, packing, target)
        if prod(cells.shape) > MAX_CELLS and not packing.is_plain:
            continue
        bound = _mapped(layer, encoding, packing, target, cells.fewest_tiles)
        positions = packing.groups * prod(packing.positions)
        key = bound.latency_ps, encoding.planes, positions, len(candidates)
        candidates.append((*key, encoding, packing))
    found: Mapped | None = None
    for bound_ps, *_, encoding, packing in sorted(candidates, key=lambda c: c[:4]):
        if found is not None and bound_ps >= found.latency_ps:
            break
        if covers and cover_saves_tiles(cells_for(layer, encoding, packing, target)):
            packing = replace(packing, covered=True)
        candidate = mapped(layer, encoding, packing, target)
        if found is None or candidate.latency_ps < found.latency_ps:
            found = candidate
    return found


def _encodings(
    layer: LayerProduct, codes: tuple[int, int], mapping: MappingName, target: Target, max_planes: int
) -> Iterator[Encoding]:
    """Those that hold the codes, by the planes that are stacked."""
    cycles_before = 0
    for planes in range(1, min(max_planes, layer.input_digits) + 1):
        encoding = fewest_digits(mapping, *codes, target.cell_bits, planes, target.dac_bits)
        if encoding is None:
            return
        cycles = encoding.cycles(layer.input_digits)
        if cycles == cycles_before:
            continue  # more planes that save no cycle only take rows
        cycles_before = cycles
        yield encoding


@lru_cache(maxsize=1024)
def packings(layer: LayerProduct) -> tuple[Packing, ...]:
    """Packings worth a try: patches that leave no axis mostly empty, and groups up to all."""
    by_axis = [
        sorted({-(-size // count) for count in range(1, size + 1)} & set(range(1, MAX_POSITIONS + 1)))
        for size in layer.sizes
    ]
    found = [Packing(1, p) for p in product(*by_axis) if prod(p) <= MAX_POSITIONS]
    if layer.matrices > 1:
        counts = {-(-layer.matrices // count) for count in range(1, layer.matrices + 1)}
        found = [
            Packing(groups, packing.positions)
            for packing in found
            for groups in sorted(counts)
            if groups <= 256 and groups * prod(packing.positions) <= 8 * MAX_POSITIONS
        ]
    return tuple(found)
