"""Two reports or programs side by side, for people."""

from typing import TYPE_CHECKING

from cimc.comparison import Costs, LayerCosts, compared
from cimc.target import ms

if TYPE_CHECKING:
    from rich.console import Console


def print_comparison(a: Costs, b: Costs, console: "Console") -> None:
    """Prints what each layer and an inference take in both, and what changes."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("layer", overflow="fold")
    for name in ("writes", "", "cycles", "", "ms", "", "change"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("how", overflow="fold")
    for layer in compared(a, b):
        style = "green" if layer.saved_ps > 0 else "red" if layer.saved_ps < 0 else None
        table.add_row(layer.name, *_numbers(layer.a, layer.b), _how(layer.a, layer.b), style=style)
    table.add_row("(latency)", "", "", "", "", *_times(a.latency_ps, b.latency_ps), "")
    console.print(table)


def _numbers(a: LayerCosts | None, b: LayerCosts | None) -> list[str]:
    pairs = [
        ["-" if one is None else str(getattr(one, name)) for one in (a, b)]
        for name in ("tile_writes", "mvm_cycles")
    ]
    times = _times(*(None if one is None else one.crossbar_ps for one in (a, b)))
    return [*pairs[0], *pairs[1], *times]


def _times(a_ps: int | None, b_ps: int | None) -> list[str]:
    """Both in ms, and the change in percent."""
    texts = ["-" if ps is None else f"{ms(ps):.3f}" for ps in (a_ps, b_ps)]
    change = f"{100 * (b_ps / a_ps - 1):+.1f} %" if a_ps and b_ps is not None else ""
    return [*texts, change]


def _how(a: LayerCosts | None, b: LayerCosts | None) -> str:
    if a is None or b is None:
        return "only in the first" if b is None else "only in the second"
    return a.how if a.how == b.how else f"{a.how} -> {b.how}"
