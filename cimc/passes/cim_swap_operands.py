"""Pass `cim-swap-operands`."""

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from cimc.context import cimc_context
from cimc.dialects.cim.layers import ConvOp, LayerOp, MatmulOp
from cimc.dialects.cim.packing import TransposeOp
from cimc.dialects.tensor_types import element_type, retyped, shape_of
from cimc.errors import CimcError
from cimc.layer_shape import layer_shape
from cimc.passes.builder import Builder
from cimc.passes.constants import constant
from cimc.passes.picture_vectors import picture_of, vectors_of
from cimc.passes.unused import remove_unused

_SHARED = ("layer", "aliases", "precision", "encoding", "packing", "crossbars", "streaming")


@dataclass(frozen=True)
class CimSwapOperandsPass(ModulePass):
    """Lets the operands of layers on codes trade places where the layer stores its inputs.

    The transpose of x times w is the transpose of w times that of x. Of a convolution, x are the vectors of
    `cim.im2col`; constant weights become vectors here.

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
            if not layer.is_integer:
                raise CimcError(f"layer {layer.layer.data!r} is not quantised yet; run cim-quantize")
            _Swap(Builder(context, layer), layer).run()
        remove_unused(op)


@dataclass
class _Swap:
    """Rewrites one layer; the new ops are put in front of it."""

    build: Builder
    layer: LayerOp

    def run(self) -> None:
        build, layer, shape = self.build, self.layer, layer_shape(self.layer)
        vectors = self._weights()
        stored = self._transposed(self._inputs())
        product = MatmulOp.build(
            operands=[vectors, stored, [], []],
            result_types=[
                retyped(layer.y.type, element_type(layer.y), (shape.repeats, shape.outputs, shape.vectors))
            ],
            properties={k: v for k, v in layer.properties.items() if k in _SHARED},
        )
        sums = self._transposed(build.emit(product))
        if isinstance(layer, ConvOp):
            build.replace_anchor(picture_of(build, layer, sums))
        else:
            build.replace_anchor(build.reshaped(sums, shape_of(layer.y)))

    def _weights(self) -> SSAValue:
        """The weights as vectors, [matrices, outputs, inputs]."""
        layer, shape = self.layer, layer_shape(self.layer)
        codes = constant(self.build.ctx, layer.w)
        if codes is None:
            w = self.build.reshaped(layer.w, (shape.repeats, shape.inputs, shape.outputs))
            return self._transposed(w)
        if isinstance(layer, ConvOp):
            vectors = codes.reshape(shape.repeats, shape.outputs, shape.inputs)
        else:
            vectors = codes.reshape(shape.repeats, shape.inputs, shape.outputs).swapaxes(1, 2)
        return self.build.emit_constant(f"{layer.layer.data}.vectors", vectors, element_type(layer.w))

    def _inputs(self) -> SSAValue:
        """The inputs, [matrices, vectors, inputs]."""
        layer, shape = self.layer, layer_shape(self.layer)
        vectors = (shape.repeats, shape.vectors, shape.inputs)
        if isinstance(layer, ConvOp):
            return vectors_of(self.build, layer, vectors)
        return self.build.reshaped(layer.x, vectors)

    def _transposed(self, value: SSAValue) -> SSAValue:
        *batch, a, b = shape_of(value)
        type_ = retyped(value.type, element_type(value), (*batch, b, a))
        return self.build.emit(TransposeOp.build(operands=[value], result_types=[type_]))
