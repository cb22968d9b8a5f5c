"""The clock of the simulator."""

import pytest

from cimc.errors import CimcError
from cimc.runtime.tile import Tile
from cimc.runtime.timeline import Counters, Event, Timeline

TILE = Tile(0, ((0, 1),), ((0, 1),))


def test_a_crossbar_does_one_thing_at_a_time() -> None:
    timeline = Timeline()
    timeline.occupy(Event("write", 0, "a", 0, 10, TILE), Counters(tile_writes=1))
    timeline.occupy(Event("mvm", 1, "a", 5, 25, TILE), Counters(mvm_cycles=4))
    with pytest.raises(CimcError, match="crossbar 0 does two things at once: mvm of layer 'b'"):
        timeline.occupy(Event("mvm", 0, "b", 9, 12, TILE), Counters())
    timeline.occupy(Event("mvm", 0, "b", 10, 12, TILE), Counters(mvm_cycles=2))
    assert [event.layer for event in timeline.events] == ["a", "a", "b"]
    assert timeline.end_ps == 25


def test_counters_add_up_by_layer_and_in_total() -> None:
    timeline = Timeline()
    assert timeline.total == Counters()
    assert timeline.end_ps == 0
    counters = Counters(1, 2, 3, 4, 5, 6)
    for start, layer in enumerate(("a", "b", "a")):
        timeline.occupy(Event("mvm", 0, layer, start, start + 1, TILE), counters)
    assert timeline.layers == {"a": Counters(2, 4, 6, 8, 10, 12), "b": counters}
    assert timeline.total == Counters(3, 6, 9, 12, 15, 18)
