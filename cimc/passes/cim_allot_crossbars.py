"""Pass `cim-allot-crossbars`."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.passes import ModulePass

from cimc.context import cimc_context
from cimc.errors import CimcError
from cimc.layer_work import works_of_layers
from cimc.main_function import target_of
from cimc.schedule.allot import allot
from cimc.schedule.work import machine_of

SCHEDULES = ("list",)


@dataclass(frozen=True)
class CimAllotCrossbarsPass(ModulePass):
    """Decides on how many of the target's crossbars each layer works at a time.

    Tiles are divisible: a layer on more crossbars than it has tiles writes copies, which share the vectors.
    On all crossbars a layer ends soonest; on fewer, copies are saved, and the next layer's tiles can be
    written meanwhile. A target with one crossbar leaves nothing to decide.

    Options: `schedule` is how that is found: `list` (default) tries list schedules for a while.

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
        if machine.crossbars == 1:
            return
        layers = works_of_layers(cimc_context(ctx), op)
        counts = allot([work for _, work in layers], machine)
        for (layer, _), count in zip(layers, counts, strict=True):
            layer.crossbars = IntegerAttr(count, i64)
