"""Pass `cim-swap-operands`."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from cimc.context import cimc_context
from cimc.dialects.cim.layers import LayerOp, MatmulOp
from cimc.dialects.cim.packing import TransposeOp
from cimc.dialects.tensor_types import element_type, retyped, shape_of
from cimc.errors import CimcError
from cimc.layer_shape import may_swap
from cimc.passes.builder import Builder


@dataclass(frozen=True)
class CimSwapOperandsPass(ModulePass):
    """Lets the operands of products on codes trade places where the layer stores its inputs.

    The transpose of x times w is the transpose of w times that of x.

    ```mlir
    %y = cim.matmul(%x, %w) {layer = "av", stationary = "inputs", …}
        : (tensor<12x50x50xui4>, tensor<12x50x64xsi7>) -> tensor<12x50x64xsi32>
    ```
    becomes
    ```mlir
    %v = cim.transpose %w : tensor<12x50x64xsi7> -> tensor<12x64x50xsi7>
    %m = cim.transpose %x : tensor<12x50x50xui4> -> tensor<12x50x50xui4>
    %t = cim.matmul(%v, %m) {layer = "av", …}
        : (tensor<12x64x50xsi7>, tensor<12x50x50xui4>) -> tensor<12x64x50xsi32>
    %y = cim.transpose %t : tensor<12x64x50xsi32> -> tensor<12x50x64xsi32>
    ```
    """

    name = "cim-swap-operands"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        context = cimc_context(ctx)
        for layer in list(op.walk()):
            if not isinstance(layer, LayerOp) or layer.stationary is None:
                continue
            name = layer.layer.data
            if not layer.is_integer:
                raise CimcError(f"layer {name!r} is not quantised yet; run cim-quantize")
            if not may_swap(layer):
                raise CimcError(f"layer {name!r} cannot store its inputs: its operands are not both computed")
            build = Builder(context, layer)
            x, w = _transposed(build, layer.w), _transposed(build, layer.x)
            *batch, vectors, outputs = shape_of(layer.y)
            product = MatmulOp.build(
                operands=[x, w, [], []],
                result_types=[retyped(layer.y.type, element_type(layer.y), (*batch, outputs, vectors))],
                properties={
                    k: v
                    for k, v in layer.properties.items()
                    if k not in ("stationary", "operandSegmentSizes")
                },
            )
            build.replace_anchor(_transposed(build, build.emit(product)))


def _transposed(build: Builder, value: SSAValue) -> SSAValue:
    *batch, a, b = shape_of(value)
    type_ = retyped(value.type, element_type(value), (*batch, b, a))
    return build.emit(TransposeOp.build(operands=[value], result_types=[type_]))
