"""Pass `cim-allot-crossbars`."""

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, UnitAttr, i64
from xdsl.passes import ModulePass

from cimc.context import cimc_context
from cimc.errors import CimcError
from cimc.layer_work import works_of_layers
from cimc.main_function import target_of
from cimc.schedule.allot import allot
from cimc.schedule.beam_search import beam_search
from cimc.schedule.replicate import replicate
from cimc.schedule.work import LayerWork, Machine, machine_of

SCHEDULES = ("list", "optimal", "resident")


@dataclass(frozen=True)
class CimAllotCrossbarsPass(ModulePass):
    """Decides on how many of the target's crossbars each layer works at a time.

    Tiles are divisible: a layer on more crossbars than it has tiles writes copies, which share the vectors.
    On all crossbars a layer ends soonest; on fewer, copies are saved, and the next layer's tiles can be
    written meanwhile. A target with one crossbar leaves nothing to decide, and a layer that has `crossbars`
    keeps them.

    Options: `schedule` is how that is found: `list` (default) tries list schedules for a while. `optimal`
    searches among them for up to a minute, and never ends with a longer one. `resident` keeps every tile in a
    crossbar of its own, through which vectors stream as soon as they are there, and copies the tiles of the
    slowest layers as far as crossbars are left.

    ```mlir
    %y = cim.conv(%x, %w) {layer = "conv1", encoding = #cim.encoding<…>, …} : …
    ```
    becomes, with 16 crossbars,
    ```mlir
    %y = cim.conv(%x, %w) {layer = "conv1", encoding = #cim.encoding<…>, crossbars = 12 : i64, …} : …
    ```
    """

    name = "cim-allot-crossbars"

    schedule: str = "list"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if self.schedule not in SCHEDULES:
            known = ", ".join(SCHEDULES)
            raise CimcError(f"cim-allot-crossbars: schedule must be one of {known}, got {self.schedule!r}")
        machine = machine_of(target_of(op))
        layers = works_of_layers(cimc_context(ctx), op)
        works = [work for _, work in layers]
        if self.schedule == "resident":
            counts = _resident(works, machine)
        elif machine.crossbars == 1:
            return
        elif self.schedule == "optimal":
            counts = beam_search(works, machine)
        else:
            counts = allot(works, machine)
        for (layer, _), count in zip(layers, counts, strict=True):
            layer.crossbars = layer.crossbars or IntegerAttr(count, i64)
            layer.streaming = UnitAttr() if self.schedule == "resident" else None


def _resident(works: Sequence[LayerWork], machine: Machine) -> list[int]:
    tiles = sum(work.tiles for work in works)
    if tiles > machine.crossbars:
        raise CimcError(
            f"a resident schedule needs a crossbar for each of the network's {tiles} tiles, the target has "
            f"{machine.crossbars}"
        )
    if sum(work.mvm_ps + work.tiles * machine.write_ps for work in works) >> 62:
        raise CimcError(
            "a resident schedule of such long writes and cycles does not fit 64 bits of picoseconds"
        )
    return [copies * work.tiles for copies, work in zip(replicate(works, machine), works, strict=True)]
