"""Pass `cim-select-stationary`."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.passes import ModulePass

from cimc.context import cimc_context
from cimc.dialects.cim.layers import LayerOp
from cimc.layer_shape import may_swap
from cimc.main_function import target_of
from cimc.passes.ways import ALL_PLANES, best_way, family


@dataclass(frozen=True)
class CimSelectStationaryPass(ModulePass):
    """Decides which operand of a product of two computed ones is stored, and which streams.

    The one that costs less: in attention x values that is the attention, which has no sign and so needs no
    pairs where single columns can be read.

    Options: `mapping`, as for `cim-select-mapping`: what it allows decides what each operand costs.

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

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        context, target = cimc_context(ctx), target_of(op)
        mappings = family(self.mapping, target)
        for layer in op.walk():
            if not isinstance(layer, LayerOp) or not may_swap(layer) or layer.stationary is not None:
                continue
            plain = best_way(context, layer, mappings, target, ALL_PLANES)
            layer.stationary = StringAttr("inputs")
            swapped = best_way(context, layer, mappings, target, ALL_PLANES)
            if swapped.latency_ps >= plain.latency_ps:
                layer.stationary = None
