"""Pass `cim-im2col`."""

from dataclasses import dataclass
from math import prod

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from cimc.context import cimc_context
from cimc.dialects.cim.digital import Im2colOp, ToImageOp
from cimc.dialects.cim.layers import ConvOp, LayerOp, MatmulOp
from cimc.dialects.onnx.base import ints_attr
from cimc.dialects.tensor_types import element_type, retyped, shape_of
from cimc.errors import CimcError
from cimc.layer_shape import layer_shape
from cimc.passes.builder import Builder
from cimc.passes.constants import constant
from cimc.passes.unused import remove_unused
from cimc.runtime.arrays import Array

_SHARED = ("layer", "aliases", "precision", "encoding")


@dataclass(frozen=True)
class CimIm2colPass(ModulePass):
    """The matrix view: every layer on codes becomes products [matrices, vectors, inputs] x [matrices, inputs,
    outputs].

    A convolution gets its input vectors from `cim.im2col`, one for each picture and output position; groups
    that share a matrix lie on its diagonal. The heads of an attention product are matrices.

    ```mlir
    %y = cim.conv(%x, %w) {layer = "conv1", …}
        : (tensor<1x3x8x8xui8>, tensor<4x3x3x3xsi4>) -> tensor<1x4x8x8xsi32>
    ```
    becomes
    ```mlir
    %v = cim.im2col %x {kernel = array<i64: 3, 3>, …} : tensor<1x3x8x8xui8> -> tensor<1x64x27xui8>
    %m = weights.load @conv1.matrix : tensor<1x27x4xsi4>
    %s = cim.matmul(%v, %m) {layer = "conv1", …}
        : (tensor<1x64x27xui8>, tensor<1x27x4xsi4>) -> tensor<1x64x4xsi32>
    %y = cim.to_image %s : tensor<1x64x4xsi32> -> tensor<1x4x8x8xsi32>
    ```
    """

    name = "cim-im2col"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        context = cimc_context(ctx)
        for layer in list(op.walk()):
            if not isinstance(layer, LayerOp):
                continue
            if not layer.is_integer:
                raise CimcError(f"layer {layer.layer.data!r} is not quantised yet; run cim-quantize")
            _MatrixView(Builder(context, layer), layer).run()
        remove_unused(op)


@dataclass
class _MatrixView:
    """Turns one layer; the new ops are put in front of it."""

    build: Builder
    layer: LayerOp

    def run(self) -> None:
        layer = self.layer
        shape = layer_shape(layer)
        if isinstance(layer, ConvOp):
            x = self._im2col(layer)
            w = self._matrix(layer)
        else:
            x = self.build.reshaped(layer.x, (shape.repeats, shape.vectors, shape.inputs))
            w = self._stored(layer, (shape.repeats, shape.inputs, shape.outputs))
            if x is layer.x and w is layer.w:
                return
        product = MatmulOp.build(
            operands=[x, w, [], []],
            result_types=[
                retyped(
                    layer.y.type,
                    element_type(layer.y),
                    (shape.repeats, shape.vectors, shape.outputs),
                )
            ],
            properties={k: v for k, v in layer.properties.items() if k in _SHARED},
        )
        sums = self.build.emit(product)
        if isinstance(layer, ConvOp):
            image = ToImageOp.build(operands=[sums], result_types=[layer.y.type])
            self.build.replace_anchor(self.build.emit(image))
        else:
            self.build.replace_anchor(self.build.reshaped(sums, shape_of(layer.y)))

    def _im2col(self, layer: ConvOp) -> SSAValue:
        shape = layer_shape(layer)
        return self.build.emit(
            Im2colOp.build(
                operands=[layer.x],
                result_types=[
                    retyped(
                        layer.x.type,
                        element_type(layer.x),
                        (shape.repeats, shape.vectors, shape.inputs),
                    )
                ],
                properties={
                    "kernel": ints_attr(layer.kernel),
                    "strides": layer.strides,
                    "pads": layer.pads,
                    "dilations": layer.dilations,
                    "pad_code": layer.pad_code,
                },
            )
        )

    def _matrix(self, layer: ConvOp) -> SSAValue:
        codes = constant(self.build.ctx, layer.w)
        assert codes is not None, "a convolution's weights are constant"
        matrices = block_diagonal(codes, layer.groups.value.data, layer.groups_per_matrix.value.data)
        return self._constant(matrices)

    def _stored(self, layer: LayerOp, shape: tuple[int, int, int]) -> SSAValue:
        codes = constant(self.build.ctx, layer.w)
        if codes is None or codes.shape == shape:
            return self.build.reshaped(layer.w, shape)
        return self._constant(codes.reshape(shape))

    def _constant(self, matrices: Array) -> SSAValue:
        name = f"{self.layer.layer.data}.matrix"
        return self.build.emit_constant(name, matrices, element_type(self.layer.w))


def block_diagonal(w: Array, groups: int, groups_per_matrix: int) -> Array:
    """Weights [outputs, channels, ...] of a convolution as matrices [matrices, inputs, outputs].

    Each matrix holds `groups_per_matrix` groups on its diagonal; the last may have some to spare.
    """
    by_group = w.reshape(groups, w.shape[0] // groups, prod(w.shape[1:])).transpose(0, 2, 1)
    if groups_per_matrix == 1:
        return by_group
    _, inputs, outputs = by_group.shape
    count = -(-groups // groups_per_matrix)
    matrices = np.zeros((count, groups_per_matrix, inputs, groups_per_matrix, outputs), by_group.dtype)
    for group in range(groups):
        matrix, place = divmod(group, groups_per_matrix)
        matrices[matrix, place, :, place, :] = by_group[group]
    return matrices.reshape(count, groups_per_matrix * inputs, groups_per_matrix * outputs)
