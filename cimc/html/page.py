"""The page: text, tables and pictures in one file."""

from collections.abc import Iterator, Sequence
from html import escape
from importlib import import_module
from typing import Any

from cimc.errors import CimcError
from cimc.html.layers import comparison, latency, precision
from cimc.html.occupancy import MOST_TILES, left_out, occupancy
from cimc.html.runs import Figure, Run
from cimc.html.schedule import schedule
from cimc.html.scores import spread
from cimc.target import ms

STYLE = """
:root { color-scheme: light; }
body { font-family: system-ui, sans-serif; margin: 0 auto; max-width: 72rem; padding: 0 1rem 3rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .3rem; }
p { margin: .3rem 0; line-height: 1.45; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); gap: .6rem; }
dl div { background: #f4f6f8; border-radius: .4rem; padding: .5rem .7rem; }
dt { font-size: .8rem; color: #566; } dd { margin: 0; font-size: 1.1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .85rem; } th, td { padding: .2rem .6rem; text-align: right; }
th { white-space: nowrap; } td { white-space: nowrap; }
th:first-child, td:first-child { text-align: left; } tr:nth-child(even) { background: #f4f6f8; }
"""

SETTINGS = {"responsive": True, "displayModeBar": False}


def page(title: str, runs: Sequence[Run]) -> str:
    """A page about some programs: the first one in detail, and what distinguishes the others from it.

    Raises `CimcError` if Plotly is not installed.
    """
    try:
        offline: Any = import_module("plotly.offline")
    except ImportError:
        raise CimcError("a page needs Plotly: pip install 'cimc[html]'") from None
    body = "\n".join(_body(title, runs))
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style>"
        f"<script>{offline.get_plotlyjs()}</script></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def _body(title: str, runs: Sequence[Run]) -> Iterator[str]:
    first = runs[0]
    yield f"<h1>{escape(title)}</h1>"
    yield f"<p>{escape(_target(first))}</p>"
    yield _cards(_totals(first))
    if len(runs) > 1:
        yield "<h2>The runs compared</h2>"
        yield _runs_table(runs)
        yield _picture("comparison", comparison(runs))
    yield "<h2>Latency of each layer</h2><p>Time of crossbars, all together; digital work takes none.</p>"
    yield _picture("latency", latency(first))
    if any(layer.bits for layer in first.costs.layers.values()):
        yield "<h2>Precision of each layer</h2>"
        yield _picture("precision", precision(first))
    if first.timeline is not None:
        yield "<h2>What lies in the cells</h2><p>Each tile that is written in an inference, in the order of "
        yield f"time: the rows and columns of a crossbar that it takes.{_left_out(first)}</p>"
        yield _picture("occupancy", occupancy(first.timeline, first.target))
        yield "<h2>What crossbars do, and when</h2><p>Writes are paler than MVMs.</p>"
        yield _picture("schedule", schedule(first.timeline))
    for number, run in enumerate(runs):
        results = run.results
        if results is not None and len(results.shares) > 1:
            yield f"<h2>{escape(run.label)}: {escape(results.what)} on {len(results.shares)} chips</h2>"
            yield _picture(f"scores{number}", spread(results))
    yield "<h2>Layers</h2>"
    yield _layers_table(first)


def _target(run: Run) -> str:
    t = run.target
    crossbars = f"{t.crossbars} crossbar{'s' * (t.crossbars > 1)}"
    return (
        f"Target {t.name}: {crossbars} of {t.rows} x {t.cols} cells of {t.cell_bits} bits; "
        f"a write takes {t.write_us} us, a cycle {t.mvm_us} us."
    )


def _totals(run: Run) -> dict[str, str]:
    costs, bounds = run.costs, run.costs.bounds
    found = {"latency": f"{ms(costs.latency_ps):.3f} ms"}
    if bounds is not None:
        found |= {
            "speedup over 8/8, -O0": f"{bounds.speedup:.3f}x",
            "lower bound": f"{bounds.lower_bound_us / 1000:.3f} ms, gap {100 * bounds.gap:.2f} %",
            "bound of any mapping": f"{bounds.information_bound_us / 1000:.3f} ms",
        }
    found["tile writes"] = str(sum(layer.tile_writes for layer in costs.layers.values()))
    found["MVM cycles"] = str(sum(layer.mvm_cycles for layer in costs.layers.values()))
    if bounds is not None and bounds.energy_uj is not None:
        found["energy"] = f"{bounds.energy_uj:.3f} uJ"
    if run.results is not None:
        mean = 100 * sum(run.results.shares) / len(run.results.shares)
        found[run.results.what] = f"{mean:.2f} % of {run.results.pictures} pictures"
    return found


def _cards(values: dict[str, str]) -> str:
    cells = (f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in values.items())
    return f"<dl>{''.join(cells)}</dl>"


def _runs_table(runs: Sequence[Run]) -> str:
    totals = [_totals(run) for run in runs]
    names = list(dict.fromkeys(name for total in totals for name in total))
    rows = [
        [run.label, *(total.get(name, "") for name in names)] for run, total in zip(runs, totals, strict=True)
    ]
    return _table(["", *names], rows)


def _layers_table(run: Run) -> str:
    rows = [
        [
            name,
            layer.how,
            str(layer.tile_writes),
            str(layer.mvm_cycles),
            f"{ms(layer.write_ps):.3f}",
            f"{ms(layer.mvm_ps):.3f}",
        ]
        for name, layer in run.costs.layers.items()
    ]
    return _table(["layer", "how", "writes", "cycles", "ms of writes", "ms of MVMs"], rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f'<div class="wide"><table><thead><tr>{cells}</tr></thead><tbody>{lines}</tbody></table></div>'


def _left_out(run: Run) -> str:
    assert run.timeline is not None
    more = left_out(run.timeline)
    return f" Shown are the first {MOST_TILES}; {more} more follow." if more else ""


def _picture(name: str, figure: Figure) -> str:
    """A figure of Plotly, as wide as the window."""
    to_html: Any = import_module("plotly.io").to_html
    figure["layout"] |= {"font": {"family": "system-ui, sans-serif"}, "paper_bgcolor": "rgba(0,0,0,0)"}
    return to_html(
        figure,
        config=SETTINGS,
        full_html=False,
        include_plotlyjs=False,
        validate=False,
        div_id=name,
        default_height=figure["layout"]["height"],
    )
