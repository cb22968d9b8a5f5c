"""Covers with few tiles, found with OR-tools' CP-SAT: slow, so they are kept in a table.

From a cover, one tile is taken away, and what only it held is uncovered. Again and again, a few tiles near an
uncovered block are chosen anew, so that they leave as few blocks uncovered as possible (large neighbourhood
search). When all are covered, the next tile is taken away.
"""

import random

import numpy as np
from ortools.sat.python import cp_model

from cimc.mapping.cover import BlockTile, Cover
from cimc.mapping.structure import Structure
from cimc.mapping.tiling import Cells
from cimc.runtime.arrays import Array

_NEIGHBOURS = 5
"""Tiles that are chosen anew at a time."""

_EFFORT = 0.1
"""CP-SAT's deterministic time for them: about seconds, but the same on every machine."""


def solve_cover(structure: Structure, rows: int, columns: int, trials: int, seed: int = 0) -> Cover:
    """A cover that `trials` choices in a row have not made smaller. The same seed gives the same cover."""
    generator = random.Random(seed)
    by_row = [(r, c) for c, r in _chunks(structure.uses.T, columns, rows)]
    tiles = min(chunks(structure, rows, columns), by_row, key=len)
    while len(tiles) > blocks_as_cells(structure, rows, columns).fewest_tiles:
        fewer = _with_one_tile_less(structure, rows, columns, tiles, trials, generator)
        if fewer is None:
            break
        tiles = fewer
    return Cover(structure, rows, columns, _tidy(structure, tiles))


def blocks_as_cells(structure: Structure, rows: int, columns: int) -> Cells:
    """Blocks of one cell, on a crossbar of so many."""
    return Cells(structure, 1, 1, 0, 1, (1, 1), rows, columns)


def chunks(structure: Structure, rows: int, columns: int) -> list[BlockTile]:
    """The cover that takes columns as they come, and the rows that they use."""
    return _chunks(structure.uses, rows, columns)


def _chunks(uses: Array, rows: int, columns: int) -> list[BlockTile]:
    tiles: list[BlockTile] = []
    for start in range(0, uses.shape[1], columns):
        chunk = range(start, min(start + columns, uses.shape[1]))
        used: list[int] = np.flatnonzero(uses[:, chunk].any(axis=1)).tolist()
        tiles += [(tuple(used[i : i + rows]), tuple(chunk)) for i in range(0, len(used), rows)]
    return tiles


def _with_one_tile_less(
    structure: Structure,
    rows: int,
    columns: int,
    tiles: list[BlockTile],
    trials: int,
    generator: random.Random,
) -> list[BlockTile] | None:
    """Tiles that cover all, one less than these; None if none were found in so many trials."""
    uses = structure.uses
    tiles = min(
        ([t for t in tiles if t is not tile] for tile in tiles),
        key=lambda rest: int(_uncovered(uses, rest).sum()),
    )
    uncovered = np.argwhere(_uncovered(uses, tiles))
    for _ in range(trials):
        if not len(uncovered):
            return tiles
        row, column = generator.choice(uncovered.tolist())
        near = {
            tile: sum(uses[r, column] for r in tile[0])
            + sum(uses[row, c] for c in tile[1])
            + rows * generator.random()
            for tile in tiles
        }
        ordered = sorted(tiles, key=lambda tile: -near[tile])
        chosen, others = ordered[:_NEIGHBOURS], ordered[_NEIGHBOURS:]
        anew = _choose(_uncovered(uses, others), rows, columns, chosen, generator)
        left = np.argwhere(_uncovered(uses, [*others, *anew]))
        if len(left) <= len(uncovered):
            tiles, uncovered = [*others, *anew], left
    return None


def _uncovered(uses: Array, tiles: list[BlockTile]) -> Array:
    """The blocks in use that no tile has."""
    uncovered = uses.copy()
    for tile in tiles:
        uncovered[np.ix_(*tile)] = False
    return uncovered


def _choose(
    wanted: Array, rows: int, columns: int, before: list[BlockTile], generator: random.Random
) -> list[BlockTile]:
    """As many tiles as before, with as many of the wanted blocks as CP-SAT can find."""
    model = cp_model.CpModel()
    sides = [(np.flatnonzero(wanted.any(axis=1 - axis)).tolist(), (rows, columns)[axis]) for axis in (0, 1)]
    takes: list[list[dict[int, cp_model.IntVar]]] = []
    for tile in before:
        taken: list[dict[int, cp_model.IntVar]] = []
        for (blocks, most), hint in zip(sides, tile, strict=True):
            variables = {block: model.new_bool_var("") for block in blocks}
            model.add(sum(variables.values()) <= most)
            for block, variable in variables.items():
                model.add_hint(variable, block in hint)
            taken.append(variables)
        takes.append(taken)
    left: list[cp_model.IntVar] = []
    for row, column in np.argwhere(wanted).tolist():
        holds: list[cp_model.IntVar] = []
        for of_rows, of_columns in takes:
            held = model.new_bool_var("")
            model.add_implication(held, of_rows[row])
            model.add_implication(held, of_columns[column])
            holds.append(held)
        left.append(model.new_bool_var(""))
        model.add_bool_or([*holds, left[-1]])
    model.minimize(sum(left))
    solver = cp_model.CpSolver()
    solver.parameters.max_deterministic_time = _EFFORT
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = generator.randrange(1 << 30)
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return before
    of_row, of_column = (
        [tuple(block for block, v in taken[axis].items() if solver.value(v)) for taken in takes]
        for axis in (0, 1)
    )
    return list(zip(of_row, of_column, strict=True))


def _tidy(structure: Structure, tiles: list[BlockTile]) -> tuple[BlockTile, ...]:
    """The tiles by their first column, without blocks of which they hold nothing that no other holds."""
    uncovered = structure.uses.copy()
    tidy: list[BlockTile] = []
    for rows, columns in sorted(tiles, key=lambda tile: (tile[1], tile[0])):
        held = np.zeros_like(uncovered)
        held[np.ix_(rows, columns)] = uncovered[np.ix_(rows, columns)]
        uncovered &= ~held
        kept = [tuple(np.flatnonzero(held.any(axis=axis)).tolist()) for axis in (1, 0)]
        tidy.append((kept[0], kept[1]))
    return tuple(tile for tile in tidy if tile[0])
