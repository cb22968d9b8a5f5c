"""Timelines as Chrome trace events."""

import json
from pathlib import Path
from typing import Any

import jsonschema
from hypothesis import given
from hypothesis import strategies as st

from cimc.runtime.tile import Tile
from cimc.runtime.timeline import Counters, Event, Timeline
from cimc.trace import trace_events

SCHEMA = json.loads(Path(__file__).with_name("trace_events.schema.json").read_text())
TILE = Tile(2, ((0, 4), (8, 9)), ((0, 256),))


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """Crossbars that write and multiply in any order, with idle time in between."""
    timeline, free = Timeline(), dict.fromkeys(range(draw(st.integers(1, 4))), 0)
    for crossbar in draw(st.lists(st.sampled_from(sorted(free)), max_size=12)):
        start = free[crossbar] + draw(st.integers(0, 10**9))
        end = free[crossbar] = start + draw(st.integers(1, 10**12))
        kind = draw(st.sampled_from(("write", "mvm")))
        layer = draw(st.text(max_size=5))
        event = Event(kind, crossbar, layer, start, end, TILE, 7 if kind == "mvm" else 0)
        timeline.occupy(event, Counters())
    return timeline


@given(timelines(), st.text(max_size=5))
def test_every_event_is_a_valid_trace_event_on_the_track_of_its_crossbar(
    timeline: Timeline, title: str
) -> None:
    trace: Any = json.loads(json.dumps(trace_events(timeline, title)))
    jsonschema.validate(trace, SCHEMA)
    tracks = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    assert tracks == {e.crossbar: f"crossbar {e.crossbar}" for e in timeline.events}
    shown = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    assert [(e["tid"], round(1e6 * e["ts"]), round(1e6 * (e["ts"] + e["dur"]))) for e in shown] == [
        (e.crossbar, e.start_ps, e.end_ps) for e in timeline.events
    ]
    assert [(e["cat"], e["args"]["layer"]) for e in shown] == [(e.kind, e.layer) for e in timeline.events]


def test_an_event_tells_tile_and_vectors() -> None:
    timeline = Timeline()
    timeline.occupy(Event("write", 3, "fc", 0, 56_000_000, TILE), Counters())
    timeline.occupy(Event("mvm", 3, "fc", 56_000_000, 67_200_000, TILE, 1), Counters())
    write, mvm = trace_events(timeline, "chip")["traceEvents"][3:]
    tile = {"layer": "fc", "matrix": 2, "rows": "0 to 4, 8 to 9", "columns": "0 to 256"}
    assert write["args"] == tile
    assert mvm["args"] == {**tile, "vectors": 1}
    assert (mvm["name"], mvm["ts"], mvm["dur"]) == ("fc mvm", 56.0, 11.2)
