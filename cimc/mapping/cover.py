"""Covers: which blocks of a packed matrix share a crossbar, beyond what cutting its columns gives.

A tile may take any blocks of rows and any blocks of columns, as many as fit. Every block in use must lie in
some tile; the fewest tiles are a cover of a bipartite graph by bicliques of limited size. Good covers are
searched beforehand (`make_covers.py`) and looked up here.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TypeAlias

import numpy as np

from cimc.mapping.structure import Structure
from cimc.runtime.arrays import Array
from cimc.runtime.packing import Axis

BlockTile: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]
"""Rising numbers of blocks of rows and of columns."""

TABLE = files("cimc.mapping") / "covers.json"


@dataclass(frozen=True)
class Cover:
    """Tiles of at most `rows` x `columns` blocks that hold all blocks of a structure that are in use."""

    structure: Structure
    rows: int
    columns: int
    tiles: tuple[BlockTile, ...]

    @property
    def without(self) -> tuple[Array, ...]:
        """Of each tile, the blocks in use that lie in it, but that a tile before holds.

        bool [row blocks, column blocks] of the matrix.
        """
        held = np.zeros_like(self.structure.uses)
        found: list[Array] = []
        for rows, columns in self.tiles:
            inside = np.zeros_like(held)
            inside[np.ix_(rows, columns)] = self.structure.uses[np.ix_(rows, columns)]
            found.append(inside & held)
            held |= inside
        return tuple(found)


def find_cover(structure: Structure, rows: int, columns: int) -> Cover | None:
    """The cover with the fewest tiles of at most so many blocks that is known, if one is."""
    if structure.groups > 1:
        return None
    order = _order(structure)
    known = _table().get(_ordered(structure, order), ())
    fitting = [cover for cover in known if cover.rows <= rows and cover.columns <= columns]
    if not fitting:
        return None
    cover = min(fitting, key=lambda cover: len(cover.tiles))
    pixels = tuple(len(a.taps(p)) for a, p in zip(structure.axes, structure.positions, strict=True))
    row_numbers, column_numbers = _numbers(pixels, order), _numbers(structure.positions, order)
    tiles = tuple(
        (tuple(sorted(row_numbers[i] for i in r)), tuple(sorted(column_numbers[j] for j in c)))
        for r, c in cover.tiles
    )
    return Cover(structure, cover.rows, cover.columns, tiles)


def _order(structure: Structure) -> tuple[int, ...]:
    """The axes, in the order of the table: a patch and its mirror image at the diagonal have one cover."""
    axes, positions = structure.axes, structure.positions
    return tuple(sorted(range(len(axes)), key=lambda i: (axes[i].kernel, axes[i].stride, positions[i])))


def _ordered(structure: Structure, order: tuple[int, ...]) -> Structure:
    positions = tuple(structure.positions[i] for i in order)
    return Structure(structure.groups, positions, tuple(structure.axes[i] for i in order))


def _numbers(sizes: tuple[int, ...], order: tuple[int, ...]) -> list[int]:
    """The number of each block, when blocks are counted with the axes in another order."""
    return np.arange(np.prod(sizes)).reshape(sizes).transpose(order).ravel().tolist()


@cache
def _table() -> dict[Structure, tuple[Cover, ...]]:
    table: dict[Structure, tuple[Cover, ...]] = {}
    for cover in read_covers(TABLE.read_text()):
        table[cover.structure] = (*table.get(cover.structure, ()), cover)
    return table


def read_covers(text: str) -> list[Cover]:
    """The covers of a table in JSON."""
    covers: list[Cover] = []
    for entry in json.loads(text):
        axes = tuple(Axis(k, s) for k, s in zip(entry["kernel"], entry["strides"], strict=True))
        rows, columns = entry["blocks"]
        tiles = tuple((tuple(r), tuple(c)) for r, c in entry["tiles"])
        covers.append(Cover(Structure(1, tuple(entry["positions"]), axes), rows, columns, tiles))
    return covers


def write_covers(covers: list[Cover]) -> str:
    """The table in JSON, a cover a line."""
    lines = [
        json.dumps(
            {
                "kernel": [axis.kernel for axis in cover.structure.axes],
                "strides": [axis.stride for axis in cover.structure.axes],
                "positions": cover.structure.positions,
                "blocks": [cover.rows, cover.columns],
                "tiles": cover.tiles,
            },
            separators=(",", ":"),
        )
        for cover in covers
    ]
    return "[\n" + ",\n".join(lines) + "\n]\n"
