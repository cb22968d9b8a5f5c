"""The explanation of a layer, for people."""

from typing import TYPE_CHECKING

from cimc.explain import Explanation, Step
from cimc.runtime.tile import text_of
from cimc.runtime.timeline import Event
from cimc.target import ms

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

MOST_TILES = 20
"""Lines of the table of tiles."""


def print_explanation(found: Explanation, console: "Console") -> None:
    """Prints where a layer comes from, what becomes of its numbers, and what crossbars do for it."""
    from rich.text import Text

    console.print(Text.assemble((f"layer {found.layer}", "bold"), _origin(found), "\n"))
    _print_steps("what streams", found.before, console)
    _print_steps("what is stored", found.stored, console)
    for line in (*_cells(found), *_work(found), *_time(found)):
        console.print(line)
    console.print()
    console.print(_tiles(found.events))
    if found.after:
        console.print()
        _print_steps("what becomes of the sums", found.after, console)


def _origin(found: Explanation) -> str:
    if not found.node:
        return ""
    node, *modules = found.node
    return f", from the ONNX node {node!r}" + "".join(f" of module {name!r}" for name in modules)


def _print_steps(title: str, steps: tuple[Step, ...], console: "Console") -> None:
    if not steps:
        return
    console.print(title, style="bold")
    for step in steps:
        console.print(f"  {step.op:18} {step.meaning}\n  {'':18} {step.result}", soft_wrap=True)
    console.print()


def _cells(found: Explanation) -> list[str]:
    encoding, target = found.encoding, found.target
    lines: list[str] = []
    if found.input is not None:
        q = found.input
        lines.append(
            f"inputs        codes {q.low} to {q.high} of steps of {q.scale:.6g}, zero point {q.zero_point}"
        )
    planes = f", for {encoding.planes} bits of an input at a time" if encoding.planes > 1 else ""
    return [
        *lines,
        f"weights       {encoding.mapping}, {encoding.slices} slices of {encoding.cell_bits} bits{planes}",
        f"matrices      {found.matrices} of {found.rows} x {found.columns} cells",
        f"tiles         {found.counters.tile_writes} writes into crossbars of {target.rows} x {target.cols}",
    ]


def _work(found: Explanation) -> list[str]:
    counters = found.counters
    cycles = found.encoding.cycles(found.target.input_digits(found.streamed_bits))
    return [
        f"cycles        {cycles} for a vector of {found.streamed_bits} bits, {counters.mvm_cycles} in all",
        f"conversions   {counters.dac_conversions} by DACs, {counters.adc_conversions} by ADCs",
    ]


def _time(found: Explanation) -> list[str]:
    counters = found.counters
    start, end = (
        min(event.start_ps for event in found.events),
        max(event.end_ps for event in found.events),
    )
    share = 100 * counters.crossbar_ps / found.crossbar_ps
    return [
        f"time          {_ms(counters.write_ps)} ms of writes and {_ms(counters.mvm_ps)} ms of MVMs, "
        f"{share:.1f} % of what crossbars work",
        f"when          from {_ms(start)} to {_ms(end)} ms of {_ms(found.network_ps)}",
    ]


def _tiles(events: tuple[Event, ...]) -> "Table":
    """What crossbars do, tile by tile."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("crossbar", "", "matrix", "rows", "columns", "vectors", "from ms", "to ms"):
        table.add_column(name, justify="left" if name == "" else "right", overflow="fold")
    for event in events[:MOST_TILES]:
        tile = event.tile
        vectors = str(event.vectors) if event.kind == "mvm" else ""
        times = _ms(event.start_ps), _ms(event.end_ps)
        table.add_row(
            str(event.crossbar),
            event.kind,
            str(tile.matrix),
            text_of(tile.rows),
            text_of(tile.columns),
            vectors,
            *times,
        )
    if len(events) > MOST_TILES:
        table.add_row("", f"and {len(events) - MOST_TILES} more", *[""] * 6)
    return table


def _ms(ps: int) -> str:
    return f"{ms(ps):.3f}"
