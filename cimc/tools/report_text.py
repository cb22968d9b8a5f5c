"""The report as a table for people."""

from io import StringIO

from cimc.report import Report
from cimc.target import PICOSECONDS_PER_US
from cimc.tools.cost_text import energy_and_wear, events_table


def report_text(report: Report) -> str:
    """The report as text, layers one a line."""
    from rich.console import Console
    from rich.table import Table

    target = report.target
    table = Table(box=None, pad_edge=False, header_style="")
    table.add_column("layer", overflow="fold")
    table.add_column("kind")
    for name in (
        "outputs",
        "inputs",
        "vectors",
        "repeats",
        "w",
        "a",
        "mapping",
        "writes",
        "cycles",
        "ms",
        "%",
    ):
        table.add_column(name, justify="right")
    total_ps = sum(layer.cost.crossbar_ps for layer in report.layers)
    for layer in report.layers:
        shape, cost = layer.shape, layer.cost
        numbers = (
            shape.outputs,
            shape.inputs,
            shape.vectors,
            shape.repeats,
            layer.weight_bits,
            layer.activation_bits,
            layer.mapping,
            cost.tile_writes,
            cost.mvm_cycles,
        )
        table.add_row(
            shape.name,
            shape.kind,
            *map(str, numbers),
            f"{cost.crossbar_ps / PICOSECONDS_PER_US / 1000:.3f}",
            f"{100 * cost.crossbar_ps / total_ps:.1f}",
        )
    total = report.as_json()["total"]
    stream = StringIO()
    console = Console(file=stream, width=160, highlight=False)
    console.print(
        f"target {target.name}: {target.rows}x{target.cols} cells of {target.cell_bits} bits, "
        f"write {target.write_us} us, cycle {target.mvm_us} us, {target.crossbars} crossbar(s)\n"
    )
    console.print(table)
    console.print(
        f"\n{total['tile_writes']} tile writes an inference, {total['mvm_cycles']} MVM cycles\n"
        f"latency       {total['latency_us'] / 1000:.3f} ms{_interval(report)}\n"
        f"at 8/8 bits   {total['latency_8bit_us'] / 1000:.3f} ms, speedup {total['speedup']:.3f}x\n"
        f"lower bound   {total['lower_bound_us'] / 1000:.3f} ms of any schedule of these tiles, "
        f"gap {100 * total['gap']:.2f} %; {total['information_bound_us'] / 1000:.3f} ms of any mapping\n"
    )
    events = {layer.shape.name: layer.cost for layer in report.layers}
    console.print(events_table(events, report.digital, target.energy))
    console.print(f"\n{energy_and_wear(report.total, report.wear, target)}", soft_wrap=True)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def _interval(report: Report) -> str:
    if report.interval_ps == report.latency_ps:
        return ""
    return f", an inference every {report.interval_ps / PICOSECONDS_PER_US / 1000:.3f} ms"
