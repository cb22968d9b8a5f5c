"""Pass `cim-unsigned-codes`."""

from dataclasses import dataclass
from math import prod

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, i64
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from cimc.context import cimc_context
from cimc.dialects.cim.digital import RecenterOp
from cimc.dialects.cim.layers import ConvOp, LayerOp
from cimc.dialects.cim.signs import InputSumOp, SubtractOffsetOp, SubtractOp, WindowSumOp
from cimc.dialects.onnx.base import ints_attr
from cimc.dialects.tensor_types import (
    code_range,
    codes_type,
    integer_of,
    retyped,
    shape_of,
    type_holding,
)
from cimc.passes.builder import Builder
from cimc.passes.codes import stored_range
from cimc.passes.constants import constant
from cimc.passes.layers import layers_on_codes
from cimc.passes.unused import remove_unused
from cimc.passes.zero_point import correction


@dataclass(frozen=True)
class CimUnsignedCodesPass(ModulePass):
    """Takes the sign off codes where the encoding asks for it, and puts into the digital part what that adds.

    An offset that is taken off digitally is added to the weights here, and the sums of the inputs times the
    offset are subtracted from the sums. Inputs that drive stacked planes become unsigned in the same way:
    what they are raised by, times the sums of the weights, is a constant.

    ```mlir
    %y = cim.matmul(%x, %w) {layer = "fc", encoding = #cim.encoding<"offset", cell_bits 4, slices 1, digital>}
        : (tensor<1x8xui8>, tensor<8x2xsi4>) -> tensor<1x2xsi32>
    ```
    becomes
    ```mlir
    %u = weights.load @fc.unsigned : tensor<8x2xui4>
    %s = cim.matmul(%x, %u) {layer = "fc", …} : (tensor<1x8xui8>, tensor<8x2xui4>) -> tensor<1x2xsi32>
    %n = cim.input_sum %x : tensor<1x8xui8> -> tensor<1x1xsi32>
    %y = cim.subtract_offset(%s, %n, %offset) {axis = 1 : i64}
        : tensor<1x2xsi32>, tensor<1x1xsi32>, tensor<2xsi32> -> tensor<1x2xsi32>
    ```
    """

    name = "cim-unsigned-codes"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        context = cimc_context(ctx)
        for layer in layers_on_codes(op):
            _Unsigned(Builder(context, layer), layer).run()
        remove_unused(op)


@dataclass
class _Unsigned:
    """Rewrites one layer; the new ops are put in front of it."""

    build: Builder
    layer: LayerOp

    def run(self) -> None:
        layer = self.layer
        if layer.encoding is None:
            return
        encoding = layer.encoding.data
        offset = self._offset() if encoding.digital else 0
        raised = max(0, -code_range(integer_of(layer.x))[0]) if encoding.planes > 1 else 0
        has_sign = encoding.digital and code_range(integer_of(layer.w))[0] < 0
        if not (offset or has_sign or raised):
            return
        w = self._raised_weights(offset) if offset or has_sign else layer.w
        x = self._raised(layer.x, raised) if raised > 0 else layer.x
        sums = self._layer(x, w, raised)
        added = correction(self.build, layer, w, raised)
        if added is not None:
            type_ = sums.type if offset else layer.y.type
            sums = self.build.emit(SubtractOp.build(operands=[sums, added], result_types=[type_]))
        if offset:
            axis = layer.OUTPUT_AXIS % len(shape_of(layer.y))
            values = np.full(shape_of(layer.y)[axis], offset, np.int32)
            name = f"{layer.layer.data}.offset"
            subtract = SubtractOffsetOp.build(
                operands=[
                    sums,
                    self._input_sums(),
                    self.build.emit_constant(name, values, codes_type(32, signed=True)),
                ],
                result_types=[layer.y.type],
                properties={"axis": IntegerAttr(axis, i64)},
            )
            sums = self.build.emit(subtract)
        self.build.replace_anchor(sums)

    def _raised_weights(self, offset: int) -> SSAValue:
        codes = constant(self.build.ctx, self.layer.w)
        if codes is None:
            return self._raised(self.layer.w, offset)
        raised = codes.astype(np.int32) + offset
        bits = max(1, int(raised.max(initial=0)).bit_length())
        raised = raised.astype(np.uint8 if bits <= 8 else np.uint16 if bits <= 16 else np.uint32)
        name = f"{self.layer.layer.data}.unsigned"
        return self.build.emit_constant(name, raised, codes_type(bits, signed=False))

    def _offset(self) -> int:
        """What makes the smallest stored code 0."""
        codes = constant(self.build.ctx, self.layer.w)
        return -stored_range(self.layer.w)[0] if codes is None else -int(codes.min(initial=0))

    def _raised(self, value: SSAValue, by: int) -> SSAValue:
        low, high = code_range(integer_of(value))
        return self.build.emit(
            RecenterOp.build(
                operands=[value],
                result_types=[retyped(value.type, type_holding(max(low + by, 0), high + by))],
                properties={"zero_point": IntegerAttr(-by, i64)},
            )
        )

    def _layer(self, x: SSAValue, w: SSAValue, raised: int) -> SSAValue:
        """The layer on other codes, its sums as wide as they need to be."""
        layer = self.layer
        properties = {k: v for k, v in layer.properties.items() if k != "operandSegmentSizes"}
        if isinstance(layer, ConvOp):
            properties["pad_code"] = IntegerAttr(layer.pad_code.value.data + raised, i64)
        inputs = prod(shape_of(w)[1:]) if isinstance(layer, ConvOp) else shape_of(w)[-2]
        largest = max(abs(code) for code in code_range(integer_of(x)))
        needed = (inputs * largest * (code_range(integer_of(w))[1] + 1)).bit_length() + 1
        bits = max(32 if needed <= 32 else 64, integer_of(layer.y).width.data)
        return self.build.emit(
            type(layer).build(
                operands=[x, w, [], []],
                result_types=[retyped(layer.y.type, codes_type(bits, signed=True))],
                properties=properties,
            )
        )

    def _input_sums(self) -> SSAValue:
        layer, element = self.layer, integer_of(self.layer.y)
        if not isinstance(layer, ConvOp):
            shape = (*shape_of(layer.x)[:-1], 1)
            return self.build.emit(
                InputSumOp.build(operands=[layer.x], result_types=[retyped(layer.x.type, element, shape)])
            )
        pictures, _, *sizes = shape_of(layer.y)
        window = WindowSumOp.build(
            operands=[layer.x],
            result_types=[retyped(layer.x.type, element, (pictures, layer.groups.value.data, *sizes))],
            properties={
                "kernel": ints_attr(layer.kernel),
                "strides": layer.strides,
                "pads": layer.pads,
                "dilations": layer.dilations,
                "groups": layer.groups,
                "pad_code": layer.pad_code,
            },
        )
        return self.build.emit(window)
