"""The crossbar's limits."""

import numpy as np
import pytest

from cimc.errors import CimcError
from cimc.runtime.analog.chip import Analog
from cimc.runtime.crossbar import Crossbar, ProgrammedTile
from cimc.runtime.tile import Tile


def test_a_tile_must_fit() -> None:
    tile = ProgrammedTile(np.zeros((1, 5, 6), np.uint8), Tile(0, ((0, 5),), ((0, 6),)), Analog())
    with pytest.raises(CimcError, match="5x6 cells does not fit crossbar 3 of 4x6"):
        Crossbar(3, 4, 6).write(tile)


def test_nothing_is_read_before_it_is_written() -> None:
    with pytest.raises(CimcError, match="crossbar 2 is read before anything is written"):
        _ = Crossbar(2, 4, 4).content
