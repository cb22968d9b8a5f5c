"""Pictures of layers: what each takes, in each run, and with how many bits."""

from collections.abc import Sequence

from cimc.html.runs import Figure, Run, colour
from cimc.target import ms

ROW = 22
"""Pixels of a layer."""
MARGINS = 110
"""Pixels of what is above and below the layers."""


def latency(run: Run) -> Figure:
    """The time that crossbars take for each layer: writes, then MVMs."""
    layers = run.costs.layers
    parts = {
        "writes": [ms(layer.write_ps) for layer in layers.values()],
        "MVMs": [ms(layer.mvm_ps) for layer in layers.values()],
    }
    colours = dict(zip(parts, ("#f0ad4e", "#2a7ab0"), strict=True))
    bars = [_bars(name, list(layers), times, colours[name], "%{x:.3f} ms") for name, times in parts.items()]
    return {"data": bars, "layout": _layout(len(layers), "stack", "ms of crossbars")}


def precision(run: Run) -> Figure:
    """The bits of weights and activations of each layer; nothing where they are not known."""
    layers = {name: layer for name, layer in run.costs.layers.items() if layer.bits is not None}
    kinds = {"weights": "#8c564b", "activations": "#17becf"}
    bars = [
        _bars(kind, list(layers), [layer.bits[i] for layer in layers.values() if layer.bits], c, "%{x} bits")
        for i, (kind, c) in enumerate(kinds.items())
    ]
    layout = _layout(len(layers), "group", "bits")
    layout["xaxis"] |= {"range": [0, 8], "dtick": 1}
    return {"data": bars, "layout": layout}


def comparison(runs: Sequence[Run]) -> Figure:
    """The time that crossbars take for each layer in each of some runs."""
    names = list(dict.fromkeys(name for run in runs for name in run.costs.layers))
    bars: list[Figure] = []
    for number, run in enumerate(runs):
        known = [name for name in names if name in run.costs.layers]
        times = [ms(run.costs.layers[name].crossbar_ps) for name in known]
        bars.append(_bars(run.label, known, times, colour(number), "%{x:.3f} ms"))
    layout = _layout(len(names) * max(1, len(runs) // 2), "group", "ms of crossbars")
    layout["yaxis"] |= {"categoryorder": "array", "categoryarray": names}
    return {"data": bars, "layout": layout}


def _bars(name: str, layers: list[str], values: Sequence[float], colour: str, text: str) -> Figure:
    return {
        "type": "bar",
        "orientation": "h",
        "name": name,
        "y": layers,
        "x": list(values),
        "marker": {"color": colour},
        "hovertemplate": f"%{{y}}: {text}<extra>{name}</extra>",
    }


def _layout(rows: int, mode: str, unit: str) -> Figure:
    """Layers from the top down."""
    return {
        "barmode": mode,
        "height": rows * ROW + MARGINS,
        "xaxis": {"title": {"text": unit}, "automargin": True},
        "yaxis": {"autorange": "reversed", "automargin": True, "type": "category"},
        "legend": {"orientation": "h", "y": 1, "yanchor": "bottom", "traceorder": "normal"},
        "margin": {"t": 40, "b": 50, "l": 10, "r": 10},
    }
