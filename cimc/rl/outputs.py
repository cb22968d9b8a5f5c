"""What a search leaves in its folder: files for the compiler, and a report for people."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cimc.policy import Policy
from cimc.report import Report
from cimc.rl.evaluation import RUNGS, Evaluation, Rung
from cimc.rl.search import Found
from cimc.rl.selection import Judged, front
from cimc.rl.space import Choices, Space
from cimc.tensor_store import atomic_path

FRONT = "front.csv"


@dataclass(frozen=True)
class Exported:
    """A policy that was written as a file, and what the file does when it is executed."""

    name: str
    """What stands in the report: the budget, or `8/8`, or `uniform`."""
    found: Found | None
    policy: Policy
    report: Report
    file: str
    validation: float
    test: float | None
    """Top-1 in percent."""


def policy_json(policy: Policy) -> str:
    """As `--policy` takes it."""
    return json.dumps({name: asdict(widths) for name, widths in policy.items()}, indent=2) + "\n"


def front_csv(space: Space, found: Sequence[Judged]) -> str:
    """What was evaluated: speedup, what was measured and is expected, whether it is on its rung's front."""
    best = {
        _key(one) for rung in RUNGS for one in front([one for one in found if one.evaluation.rung == rung])
    }
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            "rung",
            "speedup",
            "latency_us",
            "drop",
            "drop_error",
            "divergence",
            "expected_drop",
            "front",
            "widths",
        ]
    )
    for one in sorted(found, key=lambda one: one.speedup):
        writer.writerow(_row(space, one, _key(one) in best))
    return text.getvalue()


def _key(one: Judged) -> tuple[Choices, Rung]:
    return one.evaluation.choices, one.evaluation.rung


def _row(space: Space, one: Judged, on_front: bool) -> list[Any]:
    e = one.evaluation
    options = (space.options[i] for i in e.choices)
    widths = " ".join(f"{option.weight_bits}/{option.activation_bits}" for option in options)
    numbers = (one.speedup, space.latency_of(e.choices) / 1e6, e.drop, e.drop_error, e.divergence, one.drop)
    return [e.rung, *(f"{number:.6g}" for number in numbers), int(on_front), widths]


def front_picture(path: Path, points: Sequence[Judged], found: Sequence[Found]) -> None:
    """Speedup against the drop that is expected, as a picture."""
    import matplotlib
    from matplotlib.figure import Figure

    best = front(points)
    library: Any = matplotlib  # its types are not complete
    figure: Any = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.scatter([p.drop for p in points], [p.speedup for p in points], s=8, c="0.7", label="evaluated")
    axes.step([p.drop for p in best], [p.speedup for p in best], where="post", color="C0", label="front")
    chosen = [f.judged for f in found]
    axes.scatter([c.drop for c in chosen], [c.speedup for c in chosen], c="C3", zorder=3, label="chosen")
    axes.set_xlim(right=2 * max([f.max_drop for f in found] + [c.drop for c in chosen]) + 0.1)
    axes.set_xlabel("points of top-1 lost (expected)")
    axes.set_ylabel("times faster than 8/8")
    axes.legend(loc="lower right")
    axes.grid(alpha=0.3)
    # The names of what is drawn are random without it.
    with atomic_path(path) as temporary, library.rc_context({"svg.hashsalt": "cimc"}):
        figure.savefig(temporary, format="svg", metadata={"Date": None})


def report_text(
    model: str, given: tuple[float, float | None], exported: Sequence[Exported], counts: Sequence[Evaluation]
) -> str:
    """In Markdown. `given` is the accuracy of the model as it was: validation and test, in percent."""
    lines = [
        f"# Search for the precisions of {model}",
        "",
        "Accuracies are top-1 in percent of the files below, executed. Speedups and latencies are the "
        "compiler's, over the same network at 8/8 bits in the paper's mapping.",
        "",
        "| | file | latency, us | speedup | validation | test | mean bits w/a |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: |",
        f"| as given | {model} | | | {given[0]:.2f} | {_percent(given[1])} | |",
    ]
    lines += [_report_row(one) for one in exported]
    missed = [one for one in exported if one.found is not None and not one.found.within]
    lines += [
        f"\nNo policy that was evaluated keeps to {one.found.max_drop:g} points with enough confidence: "
        f"{one.file} loses least. More pictures to select with make surer (x_val, --validation), or ask for "
        "less confidence (--confidence 0.5)."
        for one in missed
        if one.found is not None
    ]
    lines += ["", "| evaluations | number | seconds |", "| --- | ---: | ---: |"]
    for rung in RUNGS:
        seconds = [e.seconds for e in counts if e.rung == rung]
        lines.append(f"| {rung} | {len(seconds)} | {sum(seconds):.1f} |")
    return "\n".join([*lines, "", *_widths(exported)]) + "\n"


def _widths(exported: Sequence[Exported]) -> list[str]:
    """The widths that each layer got, by file."""
    found = [one for one in exported if one.found is not None]
    lines = [
        f"| layer | kind | {' | '.join(one.file for one in found)} |",
        f"| --- | --- | {' | '.join(['---:'] * len(found))} |",
    ]
    layers: Any = found[0].report["layers"] if found else []
    for layer in layers:
        widths = (one.policy[layer["name"]] for one in found)
        each = " | ".join(f"{w.weight_bits}/{w.activation_bits}" for w in widths)
        lines.append(f"| {layer['name']} | {layer['kind']} | {each} |")
    return lines


def _report_row(one: Exported) -> str:
    total: Any = one.report["total"]
    bits = one.policy.values()
    mean = " / ".join(
        f"{sum(values) / len(bits):.2f}"
        for values in ([b.weight_bits for b in bits], [b.activation_bits for b in bits])
    )
    return (
        f"| {one.name} | {one.file} | {total['latency_us']:.1f} | {total['speedup']:.3f} | "
        f"{one.validation:.2f} | {_percent(one.test)} | {mean} |"
    )


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
