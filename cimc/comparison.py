"""Two reports or programs, layer by layer."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from cimc.dialects.tensor_types import integer_of
from cimc.dialects.xbar import MvmOp
from cimc.errors import CimcError
from cimc.main_function import main_function
from cimc.program import Program, load
from cimc.report import Report
from cimc.target import PICOSECONDS_PER_US


@dataclass(frozen=True)
class LayerCosts:
    """What a layer takes, and how it is computed."""

    how: str
    tile_writes: int
    mvm_cycles: int
    write_ps: int
    mvm_ps: int
    bits: tuple[int, int] | None = None
    """Of weights and activations, if they are known."""

    @property
    def crossbar_ps(self) -> int:
        """Time of crossbars, all together."""
        return self.write_ps + self.mvm_ps


@dataclass(frozen=True)
class Bounds:
    """What a report says of the whole network beyond its layers."""

    speedup: float
    """Over the same network at 8/8 bits with `-O0`."""
    lower_bound_us: float
    gap: float
    information_bound_us: float
    energy_uj: float | None


@dataclass(frozen=True)
class Costs:
    """What an inference takes."""

    layers: Mapping[str, LayerCosts]
    latency_ps: int
    bounds: Bounds | None = None
    """None for a program from a file."""


@dataclass(frozen=True)
class LayerChange:
    """A layer in both of two; None where there is none."""

    name: str
    a: LayerCosts | None
    b: LayerCosts | None

    @property
    def saved_ps(self) -> int:
        """How much less time crossbars work for it in the second one."""
        before, after = (0 if one is None else one.crossbar_ps for one in (self.a, self.b))
        return before - after


def compared(a: Costs, b: Costs) -> list[LayerChange]:
    """The layers of both, in the order of the first one, then those that only the second one has."""
    names = dict.fromkeys((*a.layers, *b.layers))
    return [LayerChange(name, a.layers.get(name), b.layers.get(name)) for name in names]


def costs_in(path: Path) -> Costs:
    """What a file tells: a program (`.mlir`), or a report as JSON. Raises `CimcError` for other files."""
    if path.suffix == ".mlir":
        return costs_of_program(load(path))
    return costs_of_json(json_in(path), str(path))


def json_in(path: Path) -> Any:
    """What stands in a JSON file. Raises `CimcError` for other files."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise CimcError(f"{path}: cannot be read: {e.strerror}") from None
    except (ValueError, RecursionError) as e:
        raise CimcError(f"{path}: neither a program (.mlir) nor a report as JSON: {e}") from None


def costs_of_report(report: Report) -> Costs:
    """What a report tells."""
    return _costs(report.as_json())


def costs_of_json(data: Any, label: str) -> Costs:
    """What a report tells that was read from a file. Raises `CimcError` if it is none."""
    try:
        return _costs(data)
    except (KeyError, TypeError, ValueError, OverflowError) as e:
        what = f"{e} is missing" if isinstance(e, KeyError) else str(e)
        raise CimcError(f"{label}: not a report of cimc --emit=report --format json: {what}") from None


def _costs(data: Any) -> Costs:
    layers: dict[str, LayerCosts] = {}
    for layer in cast(Sequence[Any], data["layers"]):
        bits = _whole(layer["weight_bits"]), _whole(layer["activation_bits"])
        stored = "" if layer["stationary"] == "weights" else ", inputs stored"
        layers[str(layer["name"])] = LayerCosts(
            f"{bits[0]}/{bits[1]} {layer['mapping']}{stored}",
            _whole(layer["tile_writes"]),
            _whole(layer["mvm_cycles"]),
            _picoseconds(layer["write_us"]),
            _picoseconds(layer["mvm_us"]),
            bits,
        )
    total = data["total"]
    energy_uj = total["energy_uj"]
    bounds = Bounds(
        *(float(total[key]) for key in ("speedup", "lower_bound_us", "gap", "information_bound_us")),
        energy_uj=None if energy_uj is None else float(energy_uj),
    )
    return Costs(layers, _picoseconds(total["latency_us"]), bounds)


def _picoseconds(us: Any) -> int:
    return _whole(float(us) * PICOSECONDS_PER_US)


def _whole(value: Any) -> int:
    """A number as an integer. Raises `ValueError` if it is too large for any cost."""
    number = round(value)
    if abs(number) >= 1 << 63:
        raise ValueError(f"{value} is too large")
    return number


def costs_of_program(program: Program) -> Costs:
    """What a program at the xbar level takes. Raises `CimcError` for one of another level."""
    timeline = program.timeline
    if timeline is None:
        raise CimcError("only programs at the xbar level can be compared: compile with --emit=xbar")
    how: dict[str, str] = {}
    for op in main_function(program.module).body.block.ops:
        if isinstance(op, MvmOp):
            encoding, bits = op.encoding.data, integer_of(op.vectors).width.data
            planes = f", {encoding.planes} planes" if encoding.planes > 1 else ""
            how[op.layer.data] = f"{encoding.mapping}, {encoding.slices} slices{planes}, streams {bits} bits"
    layers = {
        name: LayerCosts(
            how[name], counters.tile_writes, counters.mvm_cycles, counters.write_ps, counters.mvm_ps
        )
        for name, counters in timeline.layers.items()
        if name in how
    }
    return Costs(layers, timeline.end_ps)
