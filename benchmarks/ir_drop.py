"""The approximation of resistive wires against the exact network: the table of docs/ir_drop.md.

    python benchmarks/ir_drop.py

Errors are those of column currents, relative to the exact current of the same column and vector, over 64
vectors of random bits. Cells have 4 bits: random ones, and normally distributed 8-bit weights in differential
columns. The loss is what the wires take of all currents. Times are the best of a few.
"""

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from cimc.runtime.analog.wires import Wires, effective
from cimc.runtime.arrays import Array
from cimc.runtime.encoding import Encoding

SIDES = (32, 64, 128, 256)
ON_SIEMENS = (1e-5, 1e-4)
OHMS = (0.1, 1.0, 5.0)
VECTORS = 64
WEIGHTS = Encoding("differential-column", cell_bits=4, slices=2)

HEADER = """\
| | | | random cells | | | weights | | | ms a tile | |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| **cells** | **ohm** | **siemens** | **loss** | **largest error** | **mean** | **loss** | **largest error** \
| **mean** | **fast** | **exact** |"""


def random_cells(rng: np.random.Generator, side: int) -> Array:
    """Levels of 4 bits, all of them equally often."""
    return rng.integers(0, 16, (side, side))


def cells_of_weights(rng: np.random.Generator, side: int) -> Array:
    """Weights of 8 bits; the largest of 127 lies at about four standard deviations."""
    weights = np.rint(rng.normal(0, 30, (side, side // WEIGHTS.columns_per_output)))
    return WEIGHTS.encode(weights.clip(-127, 127).astype(np.int64))


def timed(function: Callable[[], Array], repetitions: int) -> tuple[Array, float]:
    """What a function gives, and its best time in ms."""
    times: list[float] = []
    for _ in range(repetitions):
        start = time.perf_counter()
        result = function()
        times.append(1e3 * (time.perf_counter() - start))
    return result, min(times)


def row(side: int, ohm: float, on_siemens: float) -> str:
    """A line of the table."""
    wires, step = Wires(ohm, ohm, on_siemens), on_siemens / 15
    figures: list[str] = []
    took: list[tuple[float, float]] = []
    for cells_of in (random_cells, cells_of_weights):
        rng = np.random.default_rng(side)
        cells, bits = cells_of(rng, side), rng.integers(0, 2, (VECTORS, side))
        fast, fast_ms = timed(lambda cells=cells: effective(cells, wires, step), 5)
        exact, exact_ms = timed(lambda cells=cells: effective(cells, replace(wires, exact=True), step), 1)
        took.append((fast_ms, exact_ms))
        currents = bits @ exact
        read = bits @ cells > 0
        errors = np.abs(bits @ fast - currents)[read] / currents[read]
        figures += [f"{1 - exact.sum() / cells.sum():.2%}", f"{errors.max():.1e}", f"{errors.mean():.1e}"]
    fast_ms, exact_ms = map(min, zip(*took, strict=True))
    cells = [f"{side}x{side}", f"{ohm:g}", f"{on_siemens:.0e}", *figures, f"{fast_ms:.1f}", f"{exact_ms:.0f}"]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Prints the table in Markdown."""
    print(HEADER)
    for side in SIDES:
        for on_siemens in ON_SIEMENS:
            for ohm in OHMS:
                print(row(side, ohm, on_siemens), flush=True)


if __name__ == "__main__":
    main()
