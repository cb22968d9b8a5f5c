"""A picture of when each crossbar does what."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cimc.html.runs import Figure, colour
from cimc.runtime.timeline import Event, Timeline
from cimc.target import ms

MOST_EVENTS = 3000
"""A browser draws so many with ease. With more, what follows each other for a layer is drawn as one."""
ROW = 26
"""Pixels of a crossbar."""


@dataclass(frozen=True)
class Segment:
    """A crossbar's time for a layer."""

    kind: str
    crossbar: int
    layer: str
    start_ps: int
    end_ps: int
    text: str


def schedule(timeline: Timeline) -> Figure:
    """Crossbars from top to bottom, time from left to right, a colour for each layer; writes are paler."""
    segments = list(_segments(timeline.events))
    if len(segments) > MOST_EVENTS:
        segments = list(_merged(timeline.events))
    layers = list(dict.fromkeys(segment.layer for segment in segments))
    bars: list[Figure] = []
    for number, layer in enumerate(layers):
        for kind in dict.fromkeys(segment.kind for segment in segments):
            own = [s for s in segments if (s.layer, s.kind) == (layer, kind)]
            if own:
                bars.append(_bars(own, colour(number)))
    crossbars = sorted({segment.crossbar for segment in segments})
    return {
        "data": bars,
        "layout": {
            "barmode": "overlay",
            "bargap": 0.15,
            "showlegend": False,
            "height": len(crossbars) * ROW + 110,
            "xaxis": {"title": {"text": "ms"}, "automargin": True, "rangemode": "tozero"},
            "yaxis": {
                "autorange": "reversed",
                "automargin": True,
                "type": "category",
                "categoryorder": "array",
                "categoryarray": [_name(crossbar) for crossbar in crossbars],
            },
            "margin": {"t": 20, "b": 50, "l": 10, "r": 10},
        },
    }


def _name(crossbar: int) -> str:
    return f"crossbar {crossbar}"


def _segments(events: Sequence[Event]) -> Iterator[Segment]:
    for event in events:
        rows, columns = event.tile.shape
        text = f"tile of {rows} x {columns} cells"
        if event.kind == "mvm":
            text += f", {event.vectors} vectors"
        yield Segment(event.kind, event.crossbar, event.layer, event.start_ps, event.end_ps, text)


def _merged(events: Sequence[Event]) -> Iterator[Segment]:
    """What each crossbar does for a layer without another one in between."""
    by_crossbar: dict[int, list[Event]] = {}
    for event in sorted(events, key=lambda event: event.start_ps):
        run = by_crossbar.setdefault(event.crossbar, [])
        if run and run[-1].layer != event.layer:
            yield _whole(run)
            run.clear()
        run.append(event)
    for run in by_crossbar.values():
        yield _whole(run)


def _whole(run: Sequence[Event]) -> Segment:
    writes = sum(event.kind == "write" for event in run)
    text = f"{writes} writes, {len(run) - writes} batches of MVMs"
    return Segment("both", run[0].crossbar, run[0].layer, run[0].start_ps, run[-1].end_ps, text)


def _bars(segments: Sequence[Segment], colour: str) -> Figure:
    """The segments of a layer, of one kind."""
    layer, kind = segments[0].layer, segments[0].kind
    return {
        "type": "bar",
        "orientation": "h",
        "name": layer,
        "y": [_name(s.crossbar) for s in segments],
        "base": [ms(s.start_ps) for s in segments],
        "x": [ms(s.end_ps - s.start_ps) for s in segments],
        "customdata": [[ms(s.start_ps), ms(s.end_ps), s.text] for s in segments],
        "marker": {"color": colour, "opacity": 0.45 if kind == "write" else 1.0},
        "hovertemplate": f"{layer} {kind}: %{{customdata[0]:.3f}} to %{{customdata[1]:.3f}} ms"
        "<br>%{customdata[2]}<extra></extra>",
    }
