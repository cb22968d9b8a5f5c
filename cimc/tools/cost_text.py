"""What an inference costs beyond time, for people: its events, their energy, and how cells wear."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from cimc.runtime.analog.endurance import Endurance
from cimc.runtime.analog.energy import ENERGIES, Energy
from cimc.runtime.timeline import Counters, sum_of
from cimc.runtime.wear import Wear
from cimc.target import Target

if TYPE_CHECKING:
    from rich.table import Table

_LABELS = dict(zip(ENERGIES, ("cell writes", "cycles", "DAC", "ADC", "shift-adds", "digital"), strict=True))


def events_table(layers: Mapping[str, Counters], digital: Counters, energy: Energy) -> "Table":
    """The events of each layer, of other digital work and of all, with their energy if some is known."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="")
    table.add_column("layer", overflow="fold")
    for label in _LABELS.values():
        table.add_column(label, justify="right", overflow="fold")
    if energy != Energy():
        table.add_column("uJ", justify="right")
    total = sum_of((*layers.values(), digital))
    for name, counters in (*layers.items(), ("(other digital work)", digital), ("(total)", total)):
        cells = [str(getattr(counters, counter)) for counter in _LABELS]
        if energy != Energy():
            uj = energy.total_uj(counters)
            cells.append("unknown" if uj is None else f"{uj:.3f}")
        table.add_row(name, *cells)
    return table


def energy_and_wear(total: Counters, wear: Wear, target: Target) -> str:
    """Lines that say what an inference takes of energy, which events take it, and how long cells last."""
    return f"{_energy(total, wear, target.energy)}\n{_wear(wear.writes_per_cell, target)}"


def _energy(total: Counters, wear: Wear, energy: Energy) -> str:
    uj, later_uj = energy.total_uj(total), energy.later_uj(total, wear)
    if uj is None or later_uj is None:
        return f"energy        not known: the target does not say {', '.join(energy.missing(total))}"
    by_event = energy.by_event_uj(total).items()
    shares = [f"{_LABELS[name]} {100 * part / uj:.1f} %" for name, part in by_event if part]
    text = f"energy        {uj:.3f} uJ: {', '.join(shares)}"
    if wear.kept_cells:
        text += f"; {later_uj:.3f} uJ after the first inference: {wear.kept_cells} cells stay as written"
    return text


def _wear(writes_per_cell: int, target: Target) -> str:
    crossbars = f"{target.crossbars} crossbar{'s' * (target.crossbars > 1)}"
    if not writes_per_cell:
        return f"endurance     with {crossbars}, all cells stay as written in the first inference"
    times = "once" if writes_per_cell == 1 else f"{writes_per_cell} times"
    text = f"endurance     with {crossbars}, each inference writes a cell up to {times}"
    if target.endurance.writes is None:
        inferences = Endurance(_FOR_EXAMPLE).inferences(writes_per_cell)
        return (
            f"{text}; the target does not say how many writes a cell stands: {_FOR_EXAMPLE:g}, for example, "
            f"would be spent after {inferences:,} inferences"
        )
    inferences = target.endurance.inferences(writes_per_cell)
    return f"{text}: {target.endurance.writes:g} writes are spent after {inferences:,} inferences"


_FOR_EXAMPLE = 1e6
"""Writes, where the target says none: users must see that cells wear."""
