"""What mapping and scheduling give, apart from what precision gives: tables for the documentation.

    python benchmarks/mapping.py POLICIES.json [--policies NAME ...] [-o TABLES.md]

POLICIES.json holds published policies by name: `network` (resnet18, vgg16 or vitb32), `cell_bits` and
`layers`, as the command line takes them. The networks are exported once, with an open batch, to
.cache/mapping. All is computed by the compiler's own passes and report; nothing is executed, tests do that.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from rich.console import Console
from rich.progress import track
from xdsl.dialects.builtin import ModuleOp

from cimc.context import CimcContext, new_context
from cimc.driver import run_pipeline
from cimc.frontend.importer import import_onnx
from cimc.main_function import set_target, target_of
from cimc.report import Report, report_of
from cimc.target import load_target

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache" / "mapping"

FAMILIES = {"hard pairs": "differential-column", "mixed digits": "mixed-digits", "any": "any"}
CROSSBARS = (1, 2, 4, 8, 16, 64, 256)
BATCHES = (1, 8, 64)

TO_LAYERS = "onnx-fold-constants,onnx-decompose-attention,onnx-fold-batch-norm,convert-onnx-to-cim"
PAPER = "cim-select-mapping,cim-pack-groups"

STATIONARY = 'cim-select-stationary{{mapping="{0}"}}'
DIGITS = 'cim-select-mapping{{mapping="{0}" digits="fewest"}}'
ALL = f"{STATIONARY},{DIGITS},cim-pack,cim-stack-planes"

PACK = 'cim-pack{{covers="none"}}'

STEPS = {
    "paper": PAPER,
    "digits alone": f"{DIGITS},cim-pack-groups",
    "packing alone": f"cim-select-mapping,{PACK}",
    "packing, covers": "cim-select-mapping,cim-pack",
    "planes alone": f"{PAPER},cim-stack-planes",
    "digits, operands": f"{STATIONARY},{DIGITS},cim-pack-groups",
    "and planes": f"{STATIONARY},{DIGITS},cim-stack-planes",
    "and packing": f"{STATIONARY},{DIGITS},{PACK},cim-stack-planes",
    "and covers: all": ALL,
}
"""Passes from layers with a precision to a mapping."""


@dataclass(frozen=True)
class Network:
    """A network's layers at a batch, before anything is decided."""

    ctx: CimcContext
    module: ModuleOp
    batch: int

    def mapped(self, precision: str, passes: str, target: str) -> "Network":
        """The same after some passes."""
        copy = Network(self.ctx, self.module.clone(), self.batch)
        set_target(copy.module, load_target(target))
        copy.run(f"{precision},{passes}")
        return copy

    def run(self, passes: str) -> None:
        """Runs passes on it."""
        run_pipeline(self.ctx, self.module, passes, verify_each=False)

    def on(self, crossbars: int) -> tuple[Report, float]:
        """The report with so many crossbars, and the seconds that scheduling took."""
        copy = Network(self.ctx, self.module.clone(), self.batch)
        set_target(copy.module, target_of(self.module).with_crossbars(crossbars))
        start = time.perf_counter()
        copy.run("cim-allot-crossbars")
        return report_of(copy.ctx, copy.module), time.perf_counter() - start

    def report(self) -> Report:
        """The report on one crossbar."""
        return report_of(self.ctx, self.module)


@cache
def network(name: str, batch: int) -> Network:
    """A network's layers, exported by a process of its own."""
    path = CACHE / f"{name}.onnx"
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        command = [sys.executable, ROOT / "examples" / "export.py", name, part, "--dynamic-batch"]
        subprocess.run(command, check=True, stdout=sys.stderr)
        part.rename(path)
    ctx = new_context()
    module = import_onnx(path, ctx.tensors, batch)
    run_pipeline(ctx, module, TO_LAYERS, verify_each=False)
    return Network(ctx, module, batch)


@dataclass(frozen=True)
class Policy:
    """A published policy."""

    name: str
    network: str
    target: str
    precision: str

    def mapped(self, family: str, batch: int = 1) -> Network:
        """Its network in our mapping."""
        return network(self.network, batch).mapped(self.precision, ALL.format(family), self.target)


EIGHT = "cim-assign-precision{weight-bits=8 activation-bits=8}"


def read_policies(path: Path, folder: Path) -> list[Policy]:
    """The policies of a file, each also as a file that the pass takes."""
    policies: list[Policy] = []
    for name, entry in json.loads(path.read_text()).items():
        layers = folder / f"{name}.json"
        layers.write_text(json.dumps(entry["layers"]))
        precision = f'cim-assign-precision{{policy="{layers}"}}'
        policies.append(Policy(name, entry["network"], f"rram-256x256-c{entry['cell_bits']}", precision))
    return policies


def ms(picoseconds: float) -> str:
    return f"{picoseconds / 1e9:.4g}" if picoseconds < 1e11 else f"{picoseconds / 1e9:.1f}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """A table in Markdown."""
    yield f"| {' | '.join(header)} |"
    yield f"| {' | '.join('---' for _ in header)} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def four_numbers(policies: Sequence[Policy]) -> Iterator[str]:
    rows: list[list[str]] = []
    for policy in track(policies, "four numbers", console=Console(stderr=True)):
        net = network(policy.network, 1)
        base, paper = (
            net.mapped(p, PAPER, policy.target).report().latency_ps for p in (EIGHT, policy.precision)
        )
        for family, mapping in FAMILIES.items():
            eight = net.mapped(EIGHT, ALL.format(mapping), policy.target).report().latency_ps
            ours = policy.mapped(mapping).report()
            information = ours.information_bound_us * 1e6
            rows.append(
                [
                    policy.name,
                    family,
                    *map(ms, (base, eight, paper, ours.latency_ps)),
                    *(f"{base / t:.3f}" for t in (eight, paper, ours.latency_ps)),
                    f"{eight / ours.latency_ps:.3f}",
                    str(sum(layer.cost.tile_writes for layer in ours.layers)),
                    ms(information),
                    f"{100 * (ours.latency_ps / information - 1):.1f} %",
                ]
            )
    header = (
        "policy",
        "mapping",
        "8/8, paper's mapping, ms",
        "8/8, ours, ms",
        "policy, paper's mapping, ms",
        "policy, ours, ms",
        "speedup: mapping alone",
        "precision alone (paper's mapping)",
        "both",
        "precision under our mapping",
        "tile writes an inference",
        "information bound, ms",
        "over it",
    )
    yield from table(header, rows)


def steps(policies: Sequence[Policy]) -> Iterator[str]:
    rows: list[list[str]] = []
    for policy in track(policies, "steps", console=Console(stderr=True)):
        for family, mapping in FAMILIES.items():
            row = [policy.name, family]
            for passes in STEPS.values():
                net = network(policy.network, 1)
                mapped = net.mapped(policy.precision, passes.format(mapping), policy.target)
                row.append(ms(mapped.report().latency_ps))
            rows.append(row)
    yield from table(("policy", "mapping", *STEPS), rows)


def stored_inputs(policies: Sequence[Policy]) -> Iterator[str]:
    rows: list[list[str]] = []
    for policy in track(policies, "stationary", console=Console(stderr=True)):
        for family, mapping in FAMILIES.items():
            passes = ALL.format(mapping).replace('"}', '" stationary="any"}', 1)
            both = [
                policy.mapped(mapping).report(),
                network(policy.network, 1).mapped(policy.precision, passes, policy.target).report(),
            ]
            writes = (str(sum(layer.cost.tile_writes for layer in r.layers)) for r in both)
            rows.append([policy.name, family, *(ms(r.latency_ps) for r in both), *writes])
    header = ("policy", "mapping", "weights, ms", "any, ms", "weights, tile writes", "any, tile writes")
    yield from table(header, rows)


def several_crossbars(policies: Sequence[Policy]) -> Iterator[str]:
    rows: list[list[str]] = []
    slowest = 0.0
    for policy in track(policies, "crossbars", console=Console(stderr=True)):
        for family, mapping in FAMILIES.items():
            for batch in BATCHES:
                mapped = policy.mapped(mapping, batch)
                row = [policy.name, family, str(batch)]
                for crossbars in CROSSBARS:
                    report, seconds = mapped.on(crossbars)
                    slowest = max(slowest, seconds)
                    row.append(f"{ms(report.latency_ps / batch)} ({100 * report.gap:.2f} %)")
                rows.append(row)
    yield from table(("policy", "mapping", "batch", *(f"P = {n}" for n in CROSSBARS)), rows)
    yield ""
    yield f"The slowest schedule took {slowest:.1f} s, its cost report included."


def resident(policies: Sequence[Policy]) -> Iterator[str]:
    rows: list[list[str]] = []
    for policy in track(policies, "resident", console=Console(stderr=True)):
        for family, mapping in FAMILIES.items():
            mapped = policy.mapped(mapping)
            tiles = sum(layer.cost.tile_writes for layer in mapped.report().layers)
            row = [policy.name, family, str(tiles)]
            for times in (1, 2, 4):
                copy = Network(mapped.ctx, mapped.module.clone(), 1)
                set_target(copy.module, target_of(mapped.module).with_crossbars(times * tiles))
                listed = mapped.on(times * tiles)[0] if times == 1 else None
                copy.run('cim-allot-crossbars{schedule="resident"}')
                report = copy.report()
                row.append(f"{ms(report.latency_ps)} / {ms(report.interval_ps)}")
                if listed is not None:
                    row.insert(3, ms(listed.latency_ps))
            rows.append(row)
    header = ("policy", "mapping", "tiles S", "P = S, list", "P = S", "P = 2 S", "P = 4 S")
    yield from table(header, rows)


HEADER = """# Mapping and schedules: tables

Made by `make bench-mapping POLICIES=policies.json` with the published policies; [mapping.md](mapping.md) says
what the columns mean. Several crossbars are more hardware than the paper's.
"""

SECTIONS = {
    "Four numbers: one crossbar, batch 1": four_numbers,
    "Each step: one crossbar, batch 1, ms": steps,
    "Stored inputs: one crossbar, batch 1": stored_inputs,
    "Several crossbars: ms a picture (gap to the lower bound)": several_crossbars,
    "Resident weights: latency / initiation interval, ms": resident,
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("file", type=Path, metavar="POLICIES.json")
    parser.add_argument("--policies", nargs="+", metavar="NAME", help="of these only")
    parser.add_argument("-o", "--output", type=Path, metavar="TABLES.md")
    args = parser.parse_args()
    CACHE.mkdir(parents=True, exist_ok=True)
    policies = [p for p in read_policies(args.file, CACHE) if not args.policies or p.name in args.policies]
    if not policies:
        raise SystemExit(f"{args.file} has none of these policies")
    lines = [HEADER]
    for title, section in SECTIONS.items():
        lines += [f"## {title}", "", *section(policies), ""]
    text = "\n".join(lines)
    if args.output is None:
        print(text)
    else:
        args.output.write_text(text)


if __name__ == "__main__":
    main()
