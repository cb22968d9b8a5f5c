"""Pass `cim-im2col`."""

from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from cimc.context import cimc_context
from cimc.dialects.cim.attributes import PackingAttr, StructureAttr
from cimc.dialects.cim.layers import ConvOp, LayerOp, MatmulOp
from cimc.dialects.cim.packing import BlockDiagonalOp, PackVectorsOp, UnpackSumsOp
from cimc.dialects.tensor_types import element_type, retyped, shape_of
from cimc.errors import CimcError
from cimc.layer_shape import layer_shape
from cimc.mapping.structure import Structure
from cimc.passes.builder import Builder
from cimc.passes.constants import constant
from cimc.passes.layers import layers_on_codes
from cimc.passes.picture_vectors import picture_of, vectors_of
from cimc.passes.unused import remove_unused
from cimc.runtime.arrays import Array
from cimc.runtime.packing import Axis, band_matrix, block_diagonal

_SHARED = ("layer", "aliases", "precision", "encoding", "crossbars", "streaming")


@dataclass(frozen=True)
class CimIm2colPass(ModulePass):
    """The matrix view: every layer on codes becomes products [matrices, vectors, inputs] x [matrices, inputs,
    outputs].

    A convolution gets its input vectors from `cim.im2col`, one for each picture and output position. The
    heads of an attention product are matrices. Where the layer's `packing` says so, groups or heads share a
    matrix, on its diagonal, and a vector serves a patch of output positions: then `structure` says which
    blocks of the matrix are in use.

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
        for layer in layers_on_codes(op):
            _MatrixView(Builder(context, layer), layer).run()
        remove_unused(op)


@dataclass
class _MatrixView:
    """Turns one layer; the new ops are put in front of it."""

    build: Builder
    layer: LayerOp

    def run(self) -> None:
        layer = self.layer
        if layer.stationary is not None:
            raise CimcError(f"layer {layer.layer.data!r} stores its inputs; run cim-swap-operands")
        if isinstance(layer, ConvOp):
            self._conv(layer)
        else:
            self._product()

    def _conv(self, layer: ConvOp) -> None:
        shape, packing = layer_shape(layer), None
        inputs, outputs, vectors = shape.inputs, shape.outputs, shape.vectors
        codes = constant(self.build.ctx, layer.w)
        assert codes is not None, "a convolution's weights are constant"
        groups, w = layer.groups.value.data, shape_of(layer.w)
        structure = None
        if layer.packing is not None and not layer.packing.data.is_plain:
            packing = layer.packing
            structure = Structure(
                packing.data.groups, packing.data.positions, layer.axes, packing.data.covered
            )
            inputs, outputs = structure.row_blocks * w[1], structure.column_blocks * w[0] // groups
            sizes = zip(shape_of(layer.y)[2:], structure.positions, strict=True)
            vectors = shape_of(layer.y)[0] * prod(-(-n // p) for n, p in sizes)
            matrices = band_matrix(codes, layer.axes, structure.positions, groups, structure.groups)
        else:
            matrices = codes.reshape(groups, w[0] // groups, -1).transpose(0, 2, 1)
        x = vectors_of(self.build, layer, (shape.repeats, vectors, inputs), packing)
        sums = self._matmul(x, self._constant(matrices), (shape.repeats, vectors, outputs), structure)
        self.build.replace_anchor(picture_of(self.build, layer, sums, packing))

    def _product(self) -> None:
        layer, shape = self.layer, layer_shape(self.layer)
        x = self.build.reshaped(layer.x, (shape.repeats, shape.vectors, shape.inputs))
        w = self._stored((shape.repeats, shape.inputs, shape.outputs))
        plain = (shape.repeats, shape.vectors, shape.outputs)
        if layer.packing is None or layer.packing.data.is_plain:
            if x is layer.x and w is layer.w and layer.packing is None:
                return
            sums = self._matmul(x, w, plain, None)
        else:
            sums = self._packed(layer.packing, x, w, plain)
        self.build.replace_anchor(self.build.reshaped(sums, shape_of(layer.y)))

    def _packed(
        self, packing: PackingAttr, x: SSAValue, w: SSAValue, plain: tuple[int, int, int]
    ) -> SSAValue:
        """The sums of a product whose matrices and vectors share larger matrices."""
        groups, (positions,) = packing.data.groups, packing.data.positions
        size = groups * positions
        matrices, vectors, outputs = plain
        inputs, m, v = shape_of(w)[1], -(-matrices // groups), -(-vectors // positions)
        properties = {"packing": packing}
        pack = PackVectorsOp.build(
            operands=[x],
            result_types=[retyped(x.type, element_type(x), (m, v, size * inputs))],
            properties=properties,
        )
        codes = constant(self.build.ctx, w)
        if codes is not None:
            stored = self._constant(block_diagonal(codes, groups, positions))
        else:
            diagonal = BlockDiagonalOp.build(
                operands=[w],
                result_types=[retyped(w.type, element_type(w), (m, size * inputs, size * outputs))],
                properties=properties,
            )
            stored = self.build.emit(diagonal)
        structure = Structure(groups, (positions,), (Axis(),))
        sums = self._matmul(self.build.emit(pack), stored, (m, v, size * outputs), structure)
        unpack = UnpackSumsOp.build(
            operands=[sums],
            result_types=[retyped(sums.type, element_type(sums), plain)],
            properties=properties,
        )
        return self.build.emit(unpack)

    def _matmul(
        self, x: SSAValue, w: SSAValue, shape: tuple[int, int, int], structure: Structure | None
    ) -> SSAValue:
        properties = {k: v for k, v in self.layer.properties.items() if k in _SHARED}
        if structure is not None:
            properties["structure"] = StructureAttr(structure)
        y = self.layer.y
        return self.build.emit(
            MatmulOp.build(
                operands=[x, w, [], []],
                result_types=[retyped(y.type, element_type(y), shape)],
                properties=properties,
            )
        )

    def _stored(self, shape: tuple[int, int, int]) -> SSAValue:
        codes = constant(self.build.ctx, self.layer.w)
        if codes is None or codes.shape == shape:
            return self.build.reshaped(self.layer.w, shape)
        return self._constant(codes.reshape(shape))

    def _constant(self, matrices: Array) -> SSAValue:
        name = f"{self.layer.layer.data}.matrix"
        return self.build.emit_constant(name, matrices, element_type(self.layer.w))
