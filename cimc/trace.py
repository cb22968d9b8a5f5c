"""A timeline as Chrome trace events, which Perfetto (ui.perfetto.dev) and `chrome://tracing` show.

The format is that of Google's "Trace Event Format": complete events (`X`) with start and duration in
microseconds, and metadata events (`M`) that name the tracks.
"""

from typing import Any

from cimc.runtime.tile import Range
from cimc.runtime.timeline import Event, Timeline
from cimc.target import PICOSECONDS_PER_US

CHIP = 0
"""The process of all events."""


def trace_events(timeline: Timeline, title: str) -> dict[str, Any]:
    """The JSON object of a trace: a track for each crossbar, with its writes and batches of MVMs."""
    crossbars = sorted({event.crossbar for event in timeline.events})
    tracks = [_metadata("process_name", CHIP, name=title)]
    for crossbar in crossbars:
        tracks.append(_metadata("thread_name", crossbar, name=f"crossbar {crossbar}"))
        tracks.append(_metadata("thread_sort_index", crossbar, sort_index=crossbar))
    return {
        "traceEvents": [*tracks, *map(_complete, timeline.events)],
        "displayTimeUnit": "ms",
    }


def _metadata(what: str, thread: int, **args: Any) -> dict[str, Any]:
    return {"ph": "M", "name": what, "pid": CHIP, "tid": thread, "ts": 0, "args": args}


def _complete(event: Event) -> dict[str, Any]:
    tile = event.tile
    args: dict[str, Any] = {
        "layer": event.layer,
        "matrix": tile.matrix,
        "rows": _text(tile.rows),
        "columns": _text(tile.columns),
    }
    if event.kind == "mvm":
        args["vectors"] = event.vectors
    return {
        "ph": "X",
        "name": f"{event.layer} {event.kind}",
        "cat": event.kind,
        "pid": CHIP,
        "tid": event.crossbar,
        "ts": event.start_ps / PICOSECONDS_PER_US,
        "dur": (event.end_ps - event.start_ps) / PICOSECONDS_PER_US,
        "args": args,
    }


def _text(ranges: tuple[Range, ...]) -> str:
    return ", ".join(f"{start} to {end}" for start, end in ranges)
