"""Pass `cim-select-stationary`."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.passes import ModulePass

from cimc.context import cimc_context
from cimc.dialects.cim.layers import LayerOp
from cimc.errors import CimcError
from cimc.main_function import target_of
from cimc.passes.ways import best_way, family


@dataclass(frozen=True)
class CimSelectStationaryPass(ModulePass):
    """Decides which operand of a layer is stored, and which streams.

    The one that costs less. In attention x values that is the attention, which has no sign and so needs no
    pairs where single columns can be read. Inputs are written for each inference, which wears the cells, so
    constant weights are stored unless told otherwise. A layer that says what it stores or packs keeps it.

    Options:
    - `mapping`, as for `cim-select-mapping`: what it allows decides what each operand costs.
    - `stationary`: `weights` (default) decides for products of two computed operands only, `any` for every
      layer; `inputs` stores the inputs of every layer, whatever it costs.

    ```mlir
    %y = cim.matmul(%x, %w) {layer = "av", …} : …
    ```
    becomes
    ```mlir
    %y = cim.matmul(%x, %w) {layer = "av", stationary = "inputs", …} : …
    ```
    """

    name = "cim-select-stationary"

    mapping: str | None = None
    stationary: str = "weights"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        if self.stationary not in ("weights", "inputs", "any"):
            raise CimcError(f"stationary must be weights, inputs or any, got {self.stationary!r}")
        context, target = cimc_context(ctx), target_of(op)
        mappings = family(self.mapping, target)
        for layer in op.walk():
            if not isinstance(layer, LayerOp) or layer.stationary is not None or layer.packing is not None:
                continue
            if self.stationary == "inputs":
                layer.stationary = StringAttr("inputs")
            elif self.stationary == "any" or layer.is_computed:
                plain = best_way(context, layer, mappings, target)
                layer.stationary = StringAttr("inputs")
                swapped = best_way(context, layer, mappings, target)
                if swapped.latency_ps >= plain.latency_ps:
                    layer.stationary = None
