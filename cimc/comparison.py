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
    crossbar_ps: int
    """Time of crossbars, all together."""


@dataclass(frozen=True)
class Costs:
    """What an inference takes."""

    layers: Mapping[str, LayerCosts]
    latency_ps: int


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
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as e:
        raise CimcError(f"{path}: cannot be read: {e.strerror}") from None
    except (ValueError, RecursionError) as e:
        raise CimcError(f"{path}: neither a program (.mlir) nor a report as JSON: {e}") from None
    try:
        return _costs_of_json(data)
    except (KeyError, TypeError, ValueError, OverflowError) as e:
        raise CimcError(f"{path}: not a report of cimc --emit=report --format json: {_what(e)}") from None


def costs_of_report(report: Report) -> Costs:
    """What a report tells."""
    return _costs_of_json(report.as_json())


def _costs_of_json(data: Any) -> Costs:
    layers: dict[str, LayerCosts] = {}
    for layer in cast(Sequence[Any], data["layers"]):
        stored = "" if layer["stationary"] == "weights" else ", inputs stored"
        how = f"{int(layer['weight_bits'])}/{int(layer['activation_bits'])} {layer['mapping']}{stored}"
        time_ps = _picoseconds(layer["write_us"]) + _picoseconds(layer["mvm_us"])
        layers[str(layer["name"])] = LayerCosts(
            how, int(layer["tile_writes"]), int(layer["mvm_cycles"]), time_ps
        )
    return Costs(layers, _picoseconds(data["total"]["latency_us"]))


def _picoseconds(us: Any) -> int:
    return round(float(us) * PICOSECONDS_PER_US)


def _what(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


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
        name: LayerCosts(how[name], counters.tile_writes, counters.mvm_cycles, counters.crossbar_ps)
        for name, counters in timeline.layers.items()
        if name in how
    }
    return Costs(layers, timeline.end_ps)
