"""Pass `cim-encode`."""

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from cimc.context import cimc_context
from cimc.dialects.cim.attributes import EncodingAttr
from cimc.dialects.cim.layers import LayerOp, MatmulOp
from cimc.dialects.cim.mapping import EncodeOp, MvmOp, RemoveOffsetOp, ZerosOp
from cimc.dialects.tensor_types import (
    code_range,
    codes_type,
    element_type,
    integer_of,
    retyped,
    shape_of,
)
from cimc.errors import CimcError
from cimc.passes.builder import Builder
from cimc.passes.codes import stored_range
from cimc.passes.constants import constant
from cimc.passes.unused import remove_unused
from cimc.runtime.arrays import Array

_SHARED = ("layer", "encoding", "structure", "crossbars", "streaming")


@dataclass(frozen=True)
class CimEncodePass(ModulePass):
    """Cuts stored operands into the digits of cells, and products into what crossbars compute.

    Constant weights become cell codes here; a computed operand is encoded at run time by `cim.encode`.

    ```mlir
    %s = cim.matmul(%v, %w) {layer = "fc",
        encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>, …}
        : (tensor<1x5x64xui8>, tensor<1x64x10xsi8>) -> tensor<1x5x10xsi32>
    ```
    becomes
    ```mlir
    %c = weights.load @fc.cells : tensor<1x64x40xui4>
    %0 = cim.zeros : tensor<1x5x10xsi32>
    %s = cim.mvm %v, %c, %0 {layer = "fc",
        encoding = #cim.encoding<"differential-column", cell_bits 4, slices 2>}
        : tensor<1x5x64xui8>, tensor<1x64x40xui4>, tensor<1x5x10xsi32>
    ```
    """

    name = "cim-encode"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        context = cimc_context(ctx)
        for layer in list(op.walk()):
            if isinstance(layer, LayerOp):
                _Encoder(Builder(context, layer), layer).run()
        remove_unused(op)


@dataclass
class _Encoder:
    """Encodes one layer; the new ops are put in front of it."""

    build: Builder
    layer: LayerOp

    def run(self) -> None:
        layer = self.layer
        name = layer.layer.data
        if not isinstance(layer, MatmulOp) or not layer.is_integer or len(shape_of(layer.w)) != 3:
            raise CimcError(f"layer {name!r} is no product of matrices of codes; run cim-im2col")
        if layer.encoding is None:
            raise CimcError(f"layer {name!r} has no encoding; run cim-select-mapping")
        encoding = layer.encoding.data
        if encoding.digital and code_range(integer_of(layer.w))[0] < 0:
            raise CimcError(f"layer {name!r} stores codes with a sign; run cim-unsigned-codes")
        if encoding.planes > 1 and code_range(integer_of(layer.x))[0] < 0:
            raise CimcError(f"layer {name!r} has inputs with a sign; run cim-unsigned-codes")
        matrices, vectors, outputs = shape_of(layer.y)
        offset = self._offset(layer.encoding) if encoding.unit_columns else None
        cells = self._cells(layer.encoding, offset)
        sums_type = retyped(layer.y.type, element_type(layer.y), (matrices, vectors, encoding.sums(outputs)))
        zeros = self.build.emit(ZerosOp(sums_type))
        mvm = MvmOp.build(
            operands=[layer.x, cells, zeros],
            result_types=[sums_type],
            properties={
                **{k: v for k, v in layer.properties.items() if k in _SHARED},
            },
        )
        sums = self.build.emit(mvm)
        if offset is not None:
            sums = self.build.emit(RemoveOffsetOp.build(operands=[sums, offset], result_types=[layer.y.type]))
        self.build.replace_anchor(sums)

    def _offset(self, encoding: EncodingAttr) -> SSAValue:
        """What is added to each output's weights so that none is negative."""
        low, high = stored_range(self.layer.w)
        outputs = shape_of(self.layer.w)[2]
        offset = np.full(outputs, -low, np.int32)
        codes = constant(self.build.ctx, self.layer.w)
        if codes is not None and high - low > encoding.data.limits[1]:
            # Zero points of weights shift each output of a matrix by another amount; its own codes fit.
            offset = -codes.min(axis=1).astype(np.int32)
        name = f"{self.layer.layer.data}.offset"
        return self.build.emit_constant(name, offset, codes_type(32, signed=True))

    def _cells(self, encoding: EncodingAttr, offset: SSAValue | None) -> SSAValue:
        layer, e = self.layer, encoding.data
        matrices, inputs, outputs = shape_of(layer.w)
        element = codes_type(e.cell_bits, signed=False)
        codes = constant(self.build.ctx, layer.w)
        if codes is None:
            shape = (matrices, e.rows(inputs), e.columns(outputs))
            return self.build.emit(
                EncodeOp.build(
                    operands=[layer.w, [] if offset is None else [offset]],
                    result_types=[retyped(layer.w.type, element, shape)],
                    properties={"encoding": encoding},
                )
            )
        offset_values = None if offset is None else constant(self.build.ctx, offset)
        try:
            cells: Array = e.encode_all(codes, offset_values)
        except ValueError as error:
            raise CimcError(f"layer {layer.layer.data!r}: {error}") from None
        return self.build.emit_constant(f"{layer.layer.data}.cells", cells, element)
