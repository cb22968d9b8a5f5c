"""The report for people: tables, bars, and what would help."""

from typing import TYPE_CHECKING

from cimc.advice import Advice, Change
from cimc.report import LayerReport, Report
from cimc.target import ms
from cimc.tools.cost_text import energy_and_wear, events_table

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

BAR = 20
"""Characters of the bar of the costliest layer."""


SIZES = ("outputs", "inputs", "vectors", "repeats")
COLUMNS = ("kind", *SIZES, "w", "a", "mapping", "writes", "cycles", "ms", "%")
TEXTS = ("kind", "mapping")
WIDE = 130
"""Characters of a line that hold all columns; in fewer there are only these:"""
NARROW = ("w", "a", "writes", "ms", "%")


def print_report(report: Report, advice: Advice, console: "Console") -> None:
    """Prints a report, layers one a line, in the width and with the colours that the console has."""
    target, total = report.target, report.as_json()["total"]
    console.print(
        f"target {target.name}: {target.rows}x{target.cols} cells of {target.cell_bits} bits, "
        f"write {target.write_us} us, cycle {target.mvm_us} us, {target.crossbars} crossbar(s)\n"
    )
    if report.layers:
        console.print(_layers_table(report, narrow=console.width < WIDE))
    console.print(
        f"\n{total['tile_writes']} tile writes an inference, {total['mvm_cycles']} MVM cycles\n"
        f"latency       {_ms(report.latency_ps)}{_interval(report)}\n"
        f"at 8/8 bits   {_ms(report.latency_8bit_ps)}, speedup {total['speedup']:.3f}x\n"
        f"lower bound   {_ms(report.lower_bound_ps)} of any schedule of these tiles, "
        f"gap {100 * total['gap']:.2f} %; {total['information_bound_us'] / 1000:.3f} ms of any mapping\n"
    )
    events = {layer.shape.name: layer.cost for layer in report.layers}
    console.print(events_table(events, report.digital, target.energy))
    console.print(f"\n{energy_and_wear(report.total, report.wear, target)}\n", soft_wrap=True)
    console.print(_advice_table(report, advice))


def _layers_table(report: Report, *, narrow: bool) -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("layer", overflow="fold")
    total_ps = sum(layer.cost.crossbar_ps for layer in report.layers)
    longest_ps = max(layer.cost.crossbar_ps for layer in report.layers)
    shown = NARROW if narrow else COLUMNS
    for name in shown:
        table.add_column(name, justify="left" if name in TEXTS else "right", no_wrap=True)
    table.add_column(Text.assemble(("writes", "yellow"), " and ", ("MVMs", "cyan")), no_wrap=True)
    for layer in report.layers:
        cells = _cells(layer, total_ps)
        table.add_row(layer.shape.name, *(cells[name] for name in shown), _bar(layer, longest_ps))
    return table


def _cells(layer: LayerReport, total_ps: int) -> dict[str, str]:
    """What a table may tell of a layer, by the names of columns."""
    cost = layer.cost
    mapping = layer.mapping if layer.stationary == "weights" else f"{layer.mapping}, inputs stored"
    found: dict[str, object] = {
        "kind": layer.shape.kind,
        **{name: getattr(layer.shape, name) for name in SIZES},
        "w": layer.weight_bits,
        "a": layer.activation_bits,
        "mapping": mapping,
        "writes": cost.tile_writes,
        "cycles": cost.mvm_cycles,
        "ms": f"{ms(cost.crossbar_ps):.3f}",
        "%": f"{100 * cost.crossbar_ps / max(1, total_ps):.1f}",
    }
    return {name: str(value) for name, value in found.items()}


def _bar(layer: LayerReport, longest_ps: int) -> "Text":
    """A layer's time, writes before MVMs; whatever takes time shows."""
    from rich.text import Text

    bar = Text()
    for ps, block, style in ((layer.cost.write_ps, "▒", "yellow"), (layer.cost.mvm_ps, "█", "cyan")):
        bar.append(block * (round(BAR * ps / longest_ps) or (ps > 0)), style)
    return bar


def _advice_table(report: Report, advice: Advice) -> "Table":
    from rich.table import Table

    table = Table(
        box=None,
        pad_edge=False,
        header_style="bold",
        title="what would help, each by itself",
        title_justify="left",
    )
    for name in ("would help", "change"):
        table.add_column(name, overflow="fold")
    for name in ("latency", "saves"):
        table.add_column(name, justify="right")
    for part in advice.layers:
        _add_changes(table, part.layer.shape.name, part.changes, report.latency_ps)
    _add_changes(table, "(network)", advice.network, report.latency_ps)
    return table


def _add_changes(table: "Table", of: str, changes: tuple[Change, ...], latency_ps: int) -> None:
    if not changes:
        table.add_row(of, "nothing that was tried", "", "")
    for change in changes:
        saved = 100 * (1 - change.latency_ps / latency_ps)
        table.add_row(of, change.what, _ms(change.latency_ps), f"{saved:.1f} %")


def _interval(report: Report) -> str:
    if report.interval_ps == report.latency_ps:
        return ""
    return f", an inference every {_ms(report.interval_ps)}"


def _ms(ps: int) -> str:
    return f"{ms(ps):.3f} ms"
