"""Read noise that is drawn once a sum, against noise that is drawn for each cell: the same distribution."""

from dataclasses import replace

import numpy as np
import pytest

from cimc.runtime.analog.adc import Adc
from cimc.runtime.analog.cells import Cells, Noise
from cimc.runtime.analog.chip import Analog, read_parts
from cimc.runtime.analog.conductances import programmed
from cimc.runtime.analog.digits import InputDigits
from cimc.runtime.analog.readout import ReadCounts
from cimc.runtime.analog.streams import Drawn, normals, stream_of
from cimc.runtime.analog.sums import ColumnSums, NoisyCells, NoisyColumns
from cimc.runtime.arrays import Array
from cimc.runtime.encoding import Encoding, MappingName
from cimc.runtime.tile import Tile

DRAWS = 4000


def test_normals_are_normal() -> None:
    z = normals(np.random.default_rng(0), 1_000_001).astype(np.float64)
    assert z.shape == (1_000_001,)
    count = len(z)
    # Moments of a standard normal: the variance of z^k is E z^2k - (E z^k)^2.
    for power, moment, variance in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96), (6, 15, 10170)):
        assert abs(np.mean(z**power) - moment) < 5 * (variance / count) ** 0.5
    # Neighbours, and the two that Box and Muller make of one pair of uniforms, know nothing of each other.
    half = 1 << 15
    for a, b in ((z[:-1], z[1:]), (z[:half], z[half : 2 * half])):
        assert abs(np.mean(a * b)) < 5 / len(a) ** 0.5
        assert abs(np.mean(a**2 * b**2) - 1) < 5 * (8 / len(a)) ** 0.5
    share = np.array([np.mean(z < limit) for limit in (-3, -2, -1, 0, 1, 2, 3)])
    expected = np.array([0.00134990, 0.02275013, 0.15865525, 0.5, 0.84134475, 0.97724987, 0.99865010])
    assert np.all(np.abs(share - expected) < 5 * (expected * (1 - expected) / count) ** 0.5)


def test_streams_are_their_own() -> None:
    streams = [
        stream_of(0, 0, Drawn.READ, 1),
        stream_of(1, 0, Drawn.READ, 1),
        stream_of(0, 1, Drawn.READ, 1),
        stream_of(0, 0, Drawn.FAULTS, 1),
        stream_of(0, 0, Drawn.READ, 1, 1),
    ]
    firsts = [stream.integers(1 << 60) for stream in streams]
    assert len(set(firsts)) == len(firsts)
    assert stream_of(0, 0, Drawn.READ, 1).integers(1 << 60) == firsts[0]


def column_sums(cells: Cells, mapping: MappingName, cell_bits: int) -> tuple[ColumnSums, Array, NoisyCells]:
    """The noisy sums of a random tile, its digits' exact sums' weights, and the same with noise by cell."""
    rng = np.random.default_rng(1)
    encoding = Encoding(mapping, cell_bits, 1)
    low, high = encoding.limits
    codes = encoding.encode(rng.integers(low, high, (20, 3), endpoint=True))
    tile = Tile(0, ((0, codes.shape[0]),), ((0, codes.shape[1]),))
    g = programmed(codes, cells, cell_bits, None, rng)
    digits = InputDigits(2, 2, 2, signed=False, largest_code=15)
    (group,), (still,) = (
        Analog(Adc(8), c).groups(read_parts(c, g, tile, encoding), tile, digits, None)
        for c in (cells, replace(cells, read_noise=0.0))
    )
    unit = still.sums.of(np.eye(20, dtype=np.uint8), 1, 1, rng)
    highest = (1 << cell_bits) - 1
    return group.sums, unit, NoisyCells(g, cells, highest, encoding.reads(tile), encoding.row_step)


@pytest.mark.parametrize("mapping", ["differential-column", "differential-row", "offset"])
@pytest.mark.parametrize("kind", ["additive", "proportional"])
@pytest.mark.parametrize("ratio", [float("inf"), 5.0])
def test_noise_by_sum_is_noise_by_cell(ratio: float, kind: Noise, mapping: MappingName) -> None:
    cells = Cells(on_off_ratio=ratio, read_noise=0.05, read_kind=kind)
    by_sum, weights, by_cell = column_sums(cells, mapping, 3)
    assert isinstance(by_sum, NoisyColumns)
    driven = np.random.default_rng(2).integers(0, 4, 20).astype(np.uint8)
    digits = np.tile(driven, (DRAWS, 1))
    drawn = [sums.of(digits, 3, 1, np.random.default_rng(3)).astype(np.float64) for sums in (by_sum, by_cell)]
    for values in drawn:
        deviation = values.std(axis=0)
        assert np.all(np.abs(values.mean(axis=0) - driven @ weights) < 5 * deviation / DRAWS**0.5)
    ratio_of_variances = drawn[0].var(axis=0) / drawn[1].var(axis=0)
    # Each sample variance of n normals is off by sqrt(2 / n).
    assert np.all(np.abs(ratio_of_variances - 1) < 5 * (4 / DRAWS) ** 0.5)
    correlation = np.corrcoef(drawn[0].T) - np.eye(drawn[0].shape[1])
    assert np.all(np.abs(correlation) < 5 / DRAWS**0.5)


@pytest.mark.parametrize("kind", ["additive", "proportional"])
def test_noise_at_once_is_noise_by_cycle(kind: Noise) -> None:
    """Without an ADC, one draw for all cycles and slices has the distribution of theirs together."""
    rng = np.random.default_rng(1)
    encoding = Encoding("differential-column", 2, 3)
    w = rng.integers(-63, 64, (12, 2))
    codes = encoding.encode(w)
    tile = Tile(0, ((0, 12),), ((0, codes.shape[1]),))
    analog = Analog(cells=Cells(read_noise=0.1, read_kind=kind))
    digits = analog.digits(encoding, 4, signed=False)
    g = programmed(codes, analog.cells, 2, None, rng)
    x = rng.integers(0, 16, 12).astype(np.uint8)
    at_once = analog.readout(g, tile, encoding, digits)
    driven = np.tile(x, (DRAWS, 1))
    found = at_once.products(driven, digits, np.random.default_rng(4), ReadCounts())
    # By cycle: each digit's noisy sums, shifted and added here.
    by_cell = NoisyCells(g, analog.cells, 3, encoding.reads(tile), 1)
    total = np.zeros((DRAWS, 2))
    for cycle in range(4):
        bits = np.tile((x >> cycle) & 1, (DRAWS, 1))
        sums = by_cell.of(bits, 1, 1, rng)
        for digit in range(3):
            total += 2**cycle * 4**digit * sums[:, 2 * digit : 2 * digit + 2]
    for values in (found, total):
        error = 5 * values.std(axis=0) / DRAWS**0.5
        assert np.all(np.abs(values.mean(axis=0) - x.astype(np.int64) @ w) < error)
    assert np.all(np.abs(found.var(axis=0) / total.var(axis=0) - 1) < 5 * (4 / DRAWS) ** 0.5)


def test_log_normal_read_noise_is_drawn_by_cell() -> None:
    cells = Cells(read_noise=0.3, read_kind="log-normal")
    sums, weights, _ = column_sums(cells, "offset", 3)
    assert isinstance(sums, NoisyCells)
    digits = np.ones((DRAWS, 20), np.uint8)
    values = sums.of(digits, 1, 1, np.random.default_rng(3)).astype(np.float64)
    # The mean of exp(s z) is exp(s^2 / 2), its variance exp(s^2) (exp(s^2) - 1).
    mean = weights.sum(axis=0) * np.exp(0.3**2 / 2)
    variance = np.square(weights).sum(axis=0) * np.exp(0.3**2) * (np.exp(0.3**2) - 1)
    assert np.all(np.abs(values.mean(axis=0) - mean) < 5 * (variance / DRAWS) ** 0.5)
    assert np.all(np.abs(values.var(axis=0) / variance - 1) < 8 * (2 / DRAWS) ** 0.5)
