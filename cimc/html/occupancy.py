"""A picture of the cells that each tile takes."""

from collections.abc import Sequence

from cimc.html.runs import Figure, colour
from cimc.runtime.tile import text_of
from cimc.runtime.timeline import Event, Timeline
from cimc.target import Target

MOST_TILES = 2000
"""A browser draws so many with ease; the rest is left out."""
PER_ROW = 8
PITCH = 1.15
"""From one crossbar to the next, in sizes of a crossbar."""
SIDE = 105
"""Pixels of that."""


def occupancy(timeline: Timeline, target: Target) -> Figure:
    """Each write as a crossbar, in the order of time, with the rows and columns that its tile takes."""
    writes = [event for event in timeline.events if event.kind == "write"]
    writes.sort(key=lambda event: (event.start_ps, event.crossbar))
    shown = writes[:MOST_TILES]
    layers = list(dict.fromkeys(event.layer for event in writes))
    per_row = min(PER_ROW, max(1, len(shown)))
    places = [(PITCH * (i % per_row), PITCH * (i // per_row)) for i in range(len(shown))]
    frames = _outlines("crossbar", places, [(1.0, 1.0)] * len(shown))
    frames |= {"line": {"color": "#999", "width": 1}, "hoverinfo": "skip"}
    data: list[Figure] = [frames]
    for number, layer in enumerate(layers):
        own = [i for i, event in enumerate(shown) if event.layer == layer]
        if own:
            data.append(_tiles(layer, [shown[i] for i in own], [places[i] for i in own], target, number))
    lines = -(-len(shown) // per_row)
    axis = {"visible": False, "fixedrange": False}
    return {
        "data": data,
        "layout": {
            "height": lines * SIDE + 90,
            "showlegend": True,
            "legend": {"orientation": "h", "y": 0, "yanchor": "top"},
            "hovermode": "closest",
            "xaxis": {**axis, "range": [-0.05, PITCH * per_row]},
            "yaxis": {
                **axis,
                "range": [PITCH * lines, -0.1],
                "scaleanchor": "x",
                "constrain": "domain",
                "constraintoward": "top",
            },
            "margin": {"t": 10, "b": 10, "l": 10, "r": 10},
        },
    }


def left_out(timeline: Timeline) -> int:
    """How many tiles the picture does not show."""
    return max(0, sum(event.kind == "write" for event in timeline.events) - MOST_TILES)


def _tiles(
    layer: str, events: Sequence[Event], places: Sequence[tuple[float, float]], target: Target, number: int
) -> Figure:
    """The tiles of a layer as one trace."""
    sizes = [(e.tile.shape[1] / target.cols, e.tile.shape[0] / target.rows) for e in events]
    found = _outlines(layer, places, sizes)
    texts = [_text(event, width * height) for event, (width, height) in zip(events, sizes, strict=True)]
    return found | {
        "fill": "toself",
        "fillcolor": colour(number),
        "line": {"color": colour(number), "width": 1},
        "hoveron": "points",
        "text": [text for text in texts for _ in range(6)],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _text(event: Event, share: float) -> str:
    tile = event.tile
    return (
        f"{event.layer}, matrix {tile.matrix}<br>rows {text_of(tile.rows)}<br>"
        f"columns {text_of(tile.columns)}<br>crossbar {event.crossbar}, {100 * share:.1f} % of its cells"
    )


def _outlines(
    name: str, places: Sequence[tuple[float, float]], sizes: Sequence[tuple[float, float]]
) -> Figure:
    """Rectangles, closed and apart from each other: six points each, of which the last one is a gap."""
    x: list[float | None] = []
    y: list[float | None] = []
    for (left, top), (width, height) in zip(places, sizes, strict=True):
        x += [left, left + width, left + width, left, left, None]
        y += [top, top, top + height, top + height, top, None]
    return {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y}
