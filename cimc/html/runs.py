"""What a page tells about."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from cimc.comparison import Costs
from cimc.results import Results
from cimc.runtime.timeline import Timeline
from cimc.target import Target

Figure: TypeAlias = dict[str, Any]
"""A figure of Plotly: `data` and `layout`."""

COLOURS = (
    *("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd"),
    *("#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf"),
)
"""Of layers, in their order; those of more layers begin anew."""


@dataclass(frozen=True)
class Run:
    """A program, or a report of one, and what it gave when it was run."""

    label: str
    costs: Costs
    target: Target
    timeline: Timeline | None = None
    results: Results | None = None


def colour(number: int) -> str:
    """The colour of a layer by its place."""
    return COLOURS[number % len(COLOURS)]
