"""What a layer costs on a target, in closed form: the model of Pelke et al., DATE 2026.

    columns = outputs * ceil(weight_bits / cell_bits)    x2 if differential-column; +1 if offset
    rows    = inputs                                     x2 if differential-row
    tiles   = ceil(rows / target rows) * ceil(columns / target columns)
    writes  = repeats * tiles
    cycles  = repeats * tiles * vectors * ceil(activation_bits / dac_bits)

Digital work takes no time. Times are whole picoseconds, so that sums are exact. Tiles are counted in
`cimc.mapping`, which knows more packings and digits; with the paper's they are those of the formula.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from cimc.runtime.encoding import Encoding, MappingName
from cimc.runtime.timeline import Counters
from cimc.schedule.work import LayerWork
from cimc.schedule.wrap_around import Piece
from cimc.target import Target


@dataclass(frozen=True)
class LayerShape:
    """A layer as crossbars see it: `repeats` matrices of `inputs` x `outputs`, each for `vectors` vectors.

    `weights` counts the weights that are really there: in a block-diagonal matrix fewer than its size.
    """

    name: str
    kind: str
    outputs: int
    inputs: int
    vectors: int
    repeats: int
    weights: int


@dataclass(frozen=True)
class TileShape:
    """The part of a crossbar that a tile takes."""

    rows: int
    columns: int
    reads: int
    """Columns, or pairs of them, that are read in a cycle."""

    @property
    def cells(self) -> int:
        """All cells."""
        return self.rows * self.columns


def encoding_for(mapping: MappingName, weight_bits: int, target: Target) -> Encoding:
    """The encoding of weights of so many bits in a target's cells."""
    return Encoding(mapping, target.cell_bits, -(-weight_bits // target.cell_bits))


def counters_of(
    work: LayerWork, tiles: Sequence[TileShape], pieces: Sequence[Piece], target: Target
) -> Counters:
    """What a layer takes of crossbars in one inference. `tiles` are those of each of its matrices.

    A piece writes its tile; all vectors go once through each tile, whichever copies they take:

        cell writes     = sum over pieces of rows * columns of the tile
        DAC conversions = cycles of a tile * sum over tiles of rows
        ADC conversions = cycles of a tile * sum over tiles of reads, each shifted and added
    """
    cycles = work.vectors * (work.vector_ps // target.mvm_ps)
    matrices = work.tiles // len(tiles)
    reads = cycles * matrices * sum(tile.reads for tile in tiles)
    return Counters(
        tile_writes=len(pieces),
        mvm_cycles=cycles * work.tiles,
        adc_conversions=reads,
        dac_conversions=cycles * matrices * sum(tile.rows for tile in tiles),
        write_ps=len(pieces) * target.write_ps,
        mvm_ps=work.mvm_ps,
        cell_writes=sum(tiles[piece.tile % len(tiles)].cells for piece in pieces),
        shift_adds=reads,
    )


def groups_in_matrix(groups: int, inputs: int, outputs: int, encoding: Encoding, target: Target) -> int:
    """How many groups of a convolution fit one crossbar, block by block on its diagonal; at least 1."""
    by_rows = target.rows // encoding.rows(inputs)
    by_columns = (target.cols - encoding.unit_columns) // (encoding.columns(outputs) - encoding.unit_columns)
    return max(1, min(groups, by_rows, by_columns))


def information_bound_ps(layers: Iterable[tuple[LayerShape, int, int]], target: Target) -> Fraction:
    """No mapping of weights onto these cells is faster: each bit of a weight takes a bit of a cell.

    `layers` are shapes with weight and activation bits. A layer fills at least
    weights * bits / (rows * cols * cell_bits) crossbars, each written once and read for all vectors;
    crossbars share the work evenly.
    """
    cells = target.rows * target.cols * target.cell_bits
    total = Fraction(0)
    for shape, weight_bits, activation_bits in layers:
        tiles = Fraction(shape.weights * weight_bits, cells)
        cycles = shape.vectors * target.input_digits(activation_bits)
        total += tiles * (target.write_ps + cycles * target.mvm_ps)
    return total / target.crossbars
