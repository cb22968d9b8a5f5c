"""Makes the table of covers, `covers.json`: `make covers`, or

    python -m cimc.mapping.make_covers [--trials N] [--jobs N]

It takes half an hour, and needs OR-tools (`pip install 'cimc[optimal]'`). The same versions make the same
table.
"""

import argparse
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import prod
from pathlib import Path

from cimc.mapping.choose import MAX_POSITIONS
from cimc.mapping.cover import TABLE, Cover, write_covers
from cimc.mapping.solve_cover import blocks_as_cells, chunks, solve_cover
from cimc.mapping.structure import Structure
from cimc.runtime.packing import Axis


@dataclass(frozen=True)
class Wanted:
    """Covers that are wanted of convolutions with square kernels."""

    kernel: int
    stride: int
    blocks: tuple[int, ...]
    """Blocks of rows, and of columns, that may fit a crossbar: 256 over channels, and over columns."""


WANTED = (
    Wanted(3, 1, (1, 2, 3, 4, 5, 6, 8)),
    Wanted(3, 2, (1, 2, 3, 4, 6, 8)),
    Wanted(5, 1, (1, 2, 4, 8)),
)

PATCHES = ((2, 2), (2, 4), (4, 4), (4, 7), (4, 8))
"""Of output positions, the smallest first: they divide 56 x 56, 28 x 28, 32 x 32."""


def structure_of(wanted: Wanted, positions: tuple[int, ...]) -> Structure:
    """The band matrix of a patch."""
    axis = Axis(wanted.kernel, wanted.stride)
    return Structure(1, positions, (axis, axis))


def solve(task: tuple[Wanted, int, int], trials: int) -> list[Cover]:
    """Covers for one size of crossbar that need fewer tiles a position than any smaller patch."""
    wanted, rows, columns = task
    patches = [p for p in product(range(1, MAX_POSITIONS + 1), repeat=2) if prod(p) <= MAX_POSITIONS]
    best = min(len(chunks(structure_of(wanted, p), rows, columns)) / prod(p) for p in patches)
    found: list[Cover] = []
    for positions in PATCHES:
        structure = structure_of(wanted, positions)
        if blocks_as_cells(structure, rows, columns).fewest_tiles / prod(positions) >= best:
            continue
        cover = solve_cover(structure, rows, columns, trials)
        if len(cover.tiles) / prod(positions) < best:
            found.append(cover)
            best = len(cover.tiles) / prod(positions)
    return found


def undominated(covers: list[Cover]) -> Iterator[Cover]:
    """Those that no other cover of the same patch equals with fewer tiles, or with less room in each."""
    for cover in covers:
        rivals = [
            other
            for other in covers
            if other is not cover
            and other.structure == cover.structure
            and other.rows <= cover.rows
            and other.columns <= cover.columns
        ]
        if all(len(other.tiles) > len(cover.tiles) for other in rivals):
            yield cover


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=40, help="without success, until a search ends")
    parser.add_argument("--jobs", type=int, default=1)
    args = parser.parse_args()
    tasks = [(w, r, c) for w in WANTED for r in w.blocks for c in w.blocks]
    covers: list[Cover] = []
    with ProcessPoolExecutor(args.jobs) as pool:
        for (wanted, rows, columns), found in zip(
            tasks, pool.map(partial(solve, trials=args.trials), tasks), strict=True
        ):
            print(f"kernel {wanted.kernel}, stride {wanted.stride}, {rows} x {columns} blocks:", end="")
            for cover in found:
                print(f"  {cover.structure.positions} {len(cover.tiles)}", end="")
            print(flush=True)
            covers += found
    Path(str(TABLE)).write_text(write_covers(list(undominated(covers))))


if __name__ == "__main__":
    main()
