"""Covers with few tiles, found with OR-tools' CP-SAT: slow, so they are kept in a table.

Two searches, one after the other, for one tile less until they fail:

- Half of the tiles are the other half turned by 180 degrees: that leaves so little to choose that all tiles
  are chosen at once.
- One tile is taken away, and what only it held is uncovered. Again and again, a few tiles near an uncovered
  block are chosen anew, so that they leave as few blocks uncovered as possible (large neighbourhood search).
"""

import random
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from ortools.sat.python import cp_model

from cimc.mapping.cover import BlockTile, Cover
from cimc.mapping.structure import Structure
from cimc.mapping.tiling import Cells
from cimc.runtime.arrays import Array

_ALL_EFFORT, _EFFORT = 0.5, 0.1
"""CP-SAT's deterministic time for all tiles, and for a few: about seconds, but the same on every machine."""

_NEIGHBOURS = 5
"""Tiles that are chosen anew at a time."""


def solve_cover(structure: Structure, rows: int, columns: int, trials: int, seed: int = 0) -> Cover:
    """A cover that `trials` choices in a row have not made smaller. The same seed gives the same cover."""
    search = _Search(structure.uses, rows, columns, random.Random(seed))
    by_row = [(r, c) for c, r in _chunks(structure.uses.T, columns, rows)]
    tiles = min(chunks(structure, rows, columns), by_row, key=len)
    fewest = blocks_as_cells(structure, rows, columns).fewest_tiles
    while len(tiles) > fewest and (fewer := search.turned(len(tiles) - 1)):
        tiles = fewer
    while len(tiles) > fewest and (fewer := search.one_less(tiles, trials)):
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


_Choice = tuple[dict[int, cp_model.IntVar], dict[int, cp_model.IntVar]]
"""Of a tile: whether it takes a block of rows, and of columns."""


@dataclass(frozen=True)
class _Search:
    """A search for covers of the blocks in use (bool [row blocks, column blocks])."""

    uses: Array
    rows: int
    columns: int
    generator: random.Random

    def turned(self, count: int) -> list[BlockTile] | None:
        """So many tiles that cover all, of which half are the others turned; None if none were found."""
        model, sizes = cp_model.CpModel(), self.uses.shape
        choices = [self._choice(model, *map(range, sizes)) for _ in range(count // 2)]
        choices += [_turned(choice, sizes) for choice in choices]
        if count % 2:  # one is the same when it is turned
            halves = self._choice(model, *(range(-(-size // 2)) for size in sizes))
            own, turned = halves, _turned(halves, sizes)
            choices.append((own[0] | turned[0], own[1] | turned[1]))
            self._limit(model, choices[-1])
        used = np.argwhere(self.uses).tolist()
        for row, column in used[: -(-len(used) // 2)]:  # the others are these, turned
            model.add_bool_or(_holds(model, choices, row, column))
        # What follows from that: a block's tiles have room for all that it has in use.
        for axis, room in ((0, self.columns), (1, self.rows)):
            for block, uses in enumerate(self.uses.sum(axis=1 - axis).tolist()):
                model.add(sum(choice[axis][block] for choice in choices) >= -(-uses // room))
        solver = self._solve(model, _ALL_EFFORT)
        return None if solver is None else _chosen(solver, choices)

    def one_less(self, tiles: list[BlockTile], trials: int) -> list[BlockTile] | None:
        """Tiles that cover all, one less than these; None if none were found in so many trials."""
        tiles = min(
            ([t for t in tiles if t is not tile] for tile in tiles),
            key=lambda rest: int(self._uncovered(rest).sum()),
        )
        uncovered = np.argwhere(self._uncovered(tiles))
        for _ in range(trials):
            if not len(uncovered):
                return tiles
            row, column = self.generator.choice(uncovered.tolist())
            near = [
                int(self.uses[list(r), column].sum() + self.uses[row, list(c)].sum())
                + self.rows * self.generator.random()
                for r, c in tiles
            ]
            order = sorted(range(len(tiles)), key=lambda i: -near[i])
            chosen = [tiles[i] for i in order[:_NEIGHBOURS]]
            others = [tiles[i] for i in order[_NEIGHBOURS:]]
            anew = others + self._best(self._uncovered(others), chosen)
            left = np.argwhere(self._uncovered(anew))
            if len(left) <= len(uncovered):
                tiles, uncovered = anew, left
        return None

    def _uncovered(self, tiles: list[BlockTile]) -> Array:
        """The blocks in use that no tile has."""
        uncovered = self.uses.copy()
        for tile in tiles:
            uncovered[np.ix_(*tile)] = False
        return uncovered

    def _best(self, wanted: Array, before: list[BlockTile]) -> list[BlockTile]:
        """As many tiles as before, with as many of the wanted blocks as CP-SAT finds."""
        model = cp_model.CpModel()
        rows, columns = (np.flatnonzero(wanted.any(axis=axis)).tolist() for axis in (1, 0))
        choices = [self._choice(model, rows, columns) for _ in before]
        for choice, tile in zip(choices, before, strict=True):
            for variables, blocks in zip(choice, tile, strict=True):
                for block, variable in variables.items():
                    model.add_hint(variable, block in blocks)
        left: list[cp_model.IntVar] = []
        for row, column in np.argwhere(wanted).tolist():
            left.append(model.new_bool_var(""))
            model.add_bool_or([*_holds(model, choices, row, column), left[-1]])
        model.minimize(sum(left))
        solver = self._solve(model, _EFFORT)
        return before if solver is None else _chosen(solver, choices)

    def _choice(self, model: cp_model.CpModel, rows: Iterable[int], columns: Iterable[int]) -> _Choice:
        choice = (
            {row: model.new_bool_var("") for row in rows},
            {column: model.new_bool_var("") for column in columns},
        )
        self._limit(model, choice)
        return choice

    def _limit(self, model: cp_model.CpModel, choice: _Choice) -> None:
        for variables, most in zip(choice, (self.rows, self.columns), strict=True):
            model.add(sum(variables.values()) <= most)

    def _solve(self, model: cp_model.CpModel, effort: float) -> cp_model.CpSolver | None:
        solver = cp_model.CpSolver()
        solver.parameters.max_deterministic_time = effort
        solver.parameters.num_workers = 1
        solver.parameters.random_seed = self.generator.randrange(1 << 30)
        return solver if solver.solve(model) in (cp_model.OPTIMAL, cp_model.FEASIBLE) else None


def _turned(choice: _Choice, sizes: tuple[int, ...]) -> _Choice:
    """The same tile, when all is turned by 180 degrees: the last block is the first one then."""
    rows, columns = choice
    return (
        {sizes[0] - 1 - row: variable for row, variable in rows.items()},
        {sizes[1] - 1 - column: variable for column, variable in columns.items()},
    )


def _holds(model: cp_model.CpModel, choices: list[_Choice], row: int, column: int) -> list[cp_model.IntVar]:
    """Whether each tile holds a block."""
    holds: list[cp_model.IntVar] = []
    for rows, columns in choices:
        holds.append(model.new_bool_var(""))
        model.add_implication(holds[-1], rows[row])
        model.add_implication(holds[-1], columns[column])
    return holds


def _chosen(solver: cp_model.CpSolver, choices: list[_Choice]) -> list[BlockTile]:
    return [
        (
            tuple(sorted(block for block, variable in rows.items() if solver.value(variable))),
            tuple(sorted(block for block, variable in columns.items() if solver.value(variable))),
        )
        for rows, columns in choices
    ]


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
