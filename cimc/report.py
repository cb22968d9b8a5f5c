"""The report: what each layer and the network cost, from the `cim` layers of a module."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import prod
from typing import Any

from xdsl.dialects.builtin import ModuleOp

from cimc.changing import changing_values
from cimc.context import CimcContext
from cimc.cost import LayerShape, counters_of, encoding_for, information_bound_ps
from cimc.dialects.cim.layers import LayerOp
from cimc.dialects.tensor_types import shape_of
from cimc.digital_work import computes
from cimc.layer_shape import layer_shape, paper_packing, plain_product
from cimc.layer_work import crossbars_of, tile_shapes, works_of_layers
from cimc.main_function import main_function, target_of
from cimc.mapping.choose import mapped
from cimc.resident import resident_bound_ps, resident_schedule
from cimc.runtime.analog.energy import Energy
from cimc.runtime.encoding import MappingName
from cimc.runtime.timeline import Counters, sum_of
from cimc.runtime.wear import Wear
from cimc.schedule.bound import lower_bound_ps
from cimc.schedule.list_schedule import list_schedule, sequential
from cimc.schedule.replicate import interval_ps
from cimc.schedule.work import LayerWork, machine_of
from cimc.schedule.wrap_around import Piece
from cimc.target import PICOSECONDS_PER_US, Target


@dataclass(frozen=True)
class LayerReport:
    """A layer, its precision and mapping, and its cost."""

    shape: LayerShape
    weight_bits: int
    activation_bits: int
    mapping: MappingName
    stationary: str
    """What crossbars store: `weights` (or the second operand of a product), or `inputs`."""
    cost: Counters

    @property
    def stored(self) -> tuple[LayerShape, int, int]:
        """The layer as if what it stores were its weights; the bits of these, and of what streams."""
        if self.stationary == "weights":
            return self.shape, self.weight_bits, self.activation_bits
        shape = self.shape
        count = shape.repeats * shape.inputs * shape.vectors
        turned = replace(shape, outputs=shape.vectors, vectors=shape.outputs, weights=count)
        return turned, self.activation_bits, self.weight_bits

    def as_json(self, energy: Energy) -> dict[str, Any]:
        """The entry of `layers`; times in us, energy in uJ."""
        shape = asdict(self.shape)
        del shape["weights"]
        return {
            **shape,
            "weight_bits": self.weight_bits,
            "activation_bits": self.activation_bits,
            "mapping": self.mapping,
            "stationary": self.stationary,
            "tile_writes": self.cost.tile_writes,
            "mvm_cycles": self.cost.mvm_cycles,
            "write_us": self.cost.write_ps / PICOSECONDS_PER_US,
            "mvm_us": self.cost.mvm_ps / PICOSECONDS_PER_US,
            **_events_as_json(self.cost, energy),
        }


def _events_as_json(counters: Counters, energy: Energy) -> dict[str, Any]:
    return {
        "cell_writes": counters.cell_writes,
        "dac_conversions": counters.dac_conversions,
        "adc_conversions": counters.adc_conversions,
        "shift_adds": counters.shift_adds,
        "digital_operations": counters.digital_operations,
        "energy_uj": energy.total_uj(counters),
    }


@dataclass(frozen=True)
class Report(Mapping[str, Any]):
    """The cost of a network on a target, layer by layer; also readable as what `as_json` gives."""

    target: Target
    layers: list[LayerReport]
    digital: Counters
    """What is of no layer: activations, pooling and the like."""
    wear: Wear
    latency_ps: int
    """From the first write to the end of the last product."""
    latency_8bit_ps: int
    interval_ps: int
    """From one inference to the next: shorter than the latency if weights stay in crossbars."""
    lower_bound_ps: int
    """No schedule of these tiles is shorter."""
    information_bound_us: float
    """No mapping of these weights is faster."""

    @property
    def gap(self) -> float:
        """How much longer the schedule takes than its lower bound, as a fraction of the bound."""
        return self.latency_ps / self.lower_bound_ps - 1 if self.lower_bound_ps else 0.0

    @property
    def total(self) -> Counters:
        """What all layers and the digital part take."""
        return sum_of((*(layer.cost for layer in self.layers), self.digital))

    def __getitem__(self, key: str) -> Any:
        return self.as_json()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.as_json())

    def __len__(self) -> int:
        return len(self.as_json())

    def as_json(self) -> dict[str, Any]:
        """The report as plain data, in microseconds and microjoules."""
        latency_ps, total = self.latency_ps, self.total
        energy, endurance = self.target.energy, self.target.endurance
        return {
            "target": self.target.as_table(),
            "layers": [layer.as_json(energy) for layer in self.layers],
            "digital": {
                "digital_operations": self.digital.digital_operations,
                "energy_uj": energy.total_uj(self.digital),
            },
            "total": {
                "tile_writes": total.tile_writes,
                "mvm_cycles": total.mvm_cycles,
                "latency_us": latency_ps / PICOSECONDS_PER_US,
                "initiation_interval_us": self.interval_ps / PICOSECONDS_PER_US,
                "latency_8bit_us": self.latency_8bit_ps / PICOSECONDS_PER_US,
                "speedup": self.latency_8bit_ps / latency_ps if latency_ps else 1.0,
                "lower_bound_us": self.lower_bound_ps / PICOSECONDS_PER_US,
                "gap": self.gap,
                "information_bound_us": self.information_bound_us,
                "crossbars": self.target.crossbars,
                **_events_as_json(total, energy),
                "energy_by_event_uj": energy.by_event_uj(total),
                "kept_cells": self.wear.kept_cells,
                "later_energy_uj": energy.later_uj(total, self.wear),
                "writes_per_cell": self.wear.writes_per_cell,
                "inferences_until_worn": endurance.inferences(self.wear.writes_per_cell),
            },
        }


def report_of(ctx: CimcContext, module: ModuleOp) -> Report:
    """The report of a module whose layers have a precision and an encoding."""
    target = target_of(module)
    function = main_function(module)
    layers = works_of_layers(ctx, module)
    schedule = _schedule(ctx, module, layers)
    changing, wear = changing_values(function), Wear()
    reports: list[LayerReport] = []
    for (layer, work), pieces in zip(layers, schedule.pieces, strict=True):
        tiles = tile_shapes(ctx, layer, target)
        cost = counters_of(work, tiles, pieces, target)
        cost.digital_operations = prod(shape_of(layer.y))
        reports.append(_layer_report(layer, cost))
        changes = layer.written in changing
        for piece in pieces:
            wear.write(piece.crossbar, tiles[piece.tile % len(tiles)].cells, changing=changes)
    computed = (value for op in function.body.block.ops if computes(op) for value in op.results)
    digital = Counters(digital_operations=sum(prod(shape_of(value)) for value in computed))
    information = information_bound_ps((report.stored for report in reports), target)
    return Report(
        target,
        reports,
        digital,
        wear,
        schedule.end_ps,
        sum(_latency_8bit_ps(layer, target) for layer, _ in layers),
        schedule.interval_ps,
        schedule.bound_ps,
        float(information / PICOSECONDS_PER_US),
    )


@dataclass(frozen=True)
class _Planned:
    """What a report tells of a schedule."""

    pieces: tuple[tuple[Piece, ...], ...]
    """Of each layer."""
    end_ps: int
    interval_ps: int
    bound_ps: int


def _schedule(ctx: CimcContext, module: ModuleOp, layers: Sequence[tuple[LayerOp, LayerWork]]) -> _Planned:
    """The schedule that `cim-schedule` makes of what is allotted, or that of the paper."""
    works, machine = [work for _, work in layers], machine_of(target_of(module))
    if any(layer.streaming for layer, _ in layers):
        schedule = resident_schedule(ctx, module, layers)
        copies = (len(pieces) // work.tiles for pieces, work in zip(schedule.pieces, works, strict=True))
        interval = max(interval_ps(work, n, machine) for work, n in zip(works, copies, strict=True))
        return _Planned(schedule.pieces, schedule.end_ps, interval, resident_bound_ps(ctx, module, layers))
    if any(layer.crossbars for layer, _ in layers):
        schedule = list_schedule(works, [crossbars_of(*layer) for layer in layers], machine)
    else:
        schedule = sequential(works, machine)
    return _Planned(schedule.pieces, schedule.end_ps, schedule.end_ps, lower_bound_ps(works, machine))


def _layer_report(layer: LayerOp, cost: Counters) -> LayerReport:
    assert layer.precision is not None
    assert layer.encoding is not None
    return LayerReport(
        layer_shape(layer),
        layer.precision.weight,
        layer.precision.activation,
        layer.encoding.data.mapping,
        "weights" if layer.stationary is None else layer.stationary.data,
        cost,
    )


def _latency_8bit_ps(layer: LayerOp, target: Target) -> int:
    """The layer at 8/8 bits in the target's own mapping, as `-O0` maps it."""
    encoding = encoding_for(target.mapping, 8, target)
    product = plain_product(layer, target, 8)
    return mapped(product, encoding, paper_packing(layer, encoding, target), target).latency_ps
