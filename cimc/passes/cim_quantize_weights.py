"""Pass `cim-quantize-weights`."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from cimc.context import CimcContext, cimc_context
from cimc.dialects.cim.layers import LayerOp
from cimc.dialects.tensor_types import codes_type
from cimc.errors import CimcError
from cimc.passes.builder import Builder
from cimc.passes.constants import constant
from cimc.passes.unused import remove_unused
from cimc.runtime.quantization import weight_codes


@dataclass(frozen=True)
class CimQuantizeWeightsPass(ModulePass):
    """Makes codes of constant weights in the width of the layer's precision, with a scale an output.

    Codes are symmetric with a narrow range, -(2^(w-1)-1)..2^(w-1)-1. Codes that the file had are kept as
    they are if they fit the width, and made anew from their values if they do not.

    ```mlir
    %y = cim.matmul(%x, %w) {layer = "fc", precision = #cim.precision<weight 4, activation 8>}
        : (tensor<1x8xf32>, tensor<8x2xf32>) -> tensor<1x2xf32>
    ```
    becomes
    ```mlir
    %c = weights.load @fc.codes : tensor<8x2xsi4>
    %s = weights.load @fc.scale : tensor<2xf32>
    %y = cim.matmul(%x, %c scale %s) {layer = "fc", precision = #cim.precision<weight 4, activation 8>}
        : (tensor<1x8xf32>, tensor<8x2xsi4> scale tensor<2xf32>) -> tensor<1x2xf32>
    ```
    """

    name = "cim-quantize-weights"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        context = cimc_context(ctx)
        for layer in list(op.walk()):
            if isinstance(layer, LayerOp) and not layer.is_integer and not layer.is_computed:
                _quantize(context, layer)
        remove_unused(op)


def _quantize(ctx: CimcContext, layer: LayerOp) -> None:
    if layer.precision is None:
        raise CimcError(f"layer {layer.layer.data!r} has no precision; assign one first")
    weights = constant(ctx, layer.w)
    old_scale = None if layer.scale is None else constant(ctx, layer.scale)
    assert weights is not None
    bits = layer.precision.weight
    codes, scale = weight_codes(weights, old_scale, bits, layer.W_OUTPUT_AXIS)
    if codes is weights:
        return
    name = layer.layer.data
    build = Builder(ctx, layer)
    new_codes = build.emit_constant(f"{name}.codes", codes, codes_type(bits, signed=True))
    new_scale = build.emit_constant(f"{name}.scale", scale)
    replacement = type(layer).build(
        operands=[layer.x, new_codes, [new_scale], [] if layer.bias is None else [layer.bias]],
        result_types=[layer.y.type],
        properties=dict(layer.properties),
    )
    build.replace_anchor(build.emit(replacement))
