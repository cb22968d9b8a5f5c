"""Pass `cim-quantize`."""

from dataclasses import dataclass
from math import prod

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import IntegerAttr, IntegerType, ModuleOp, i64
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from cimc.context import cimc_context
from cimc.dialects.cim.attributes import QuantizerAttr
from cimc.dialects.cim.digital import DequantizeOp, QuantizeOp, RecenterOp
from cimc.dialects.cim.layers import ConvOp, LayerOp
from cimc.dialects.tensor_types import (
    code_range,
    codes_type,
    integer_of,
    retyped,
    shape_of,
    type_holding,
)
from cimc.errors import CimcError
from cimc.passes.builder import Builder
from cimc.passes.constants import constant
from cimc.passes.unused import remove_unused
from cimc.passes.zero_point import correction
from cimc.runtime.arrays import Array
from cimc.runtime.quantization import Quantizer


@dataclass(frozen=True)
class CimQuantizePass(ModulePass):
    """Takes quantised layers apart: codes in, exact integer sums, floats out.

    What an input's zero point adds to the sums is subtracted as `correction`.

    ```mlir
    %y = cim.matmul(%x, %w scale %s) {layer = "fc", precision = #cim.precision<weight 4, activation 8>,
        input = #cim.quantizer<ui8, scale 0.5, zero_point 0>}
        : (tensor<1x8xf32>, tensor<8x2xsi4> scale tensor<2xf32>) -> tensor<1x2xf32>
    ```
    becomes
    ```mlir
    %q = cim.quantize %x {quantizer = #cim.quantizer<ui8, scale 0.5, zero_point 0>}
        : tensor<1x8xf32> -> tensor<1x8xui8>
    %n = cim.matmul(%q, %w) {…} : (tensor<1x8xui8>, tensor<8x2xsi4>) -> tensor<1x2xsi32>
    %y = cim.dequantize(%n, %t) {axis = 1 : i64}
        : (tensor<1x2xsi32>, tensor<2xf64>) -> tensor<1x2xf32>
    ```
    """

    name = "cim-quantize"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        context = cimc_context(ctx)
        for layer in list(op.walk()):
            if isinstance(layer, LayerOp) and not layer.is_integer:
                _Quantizer(Builder(context, layer), layer).run()
        remove_unused(op)


@dataclass
class _Quantizer:
    """Takes one layer apart; the new ops are put in front of it."""

    build: Builder
    layer: LayerOp

    def run(self) -> None:
        layer = self.layer
        quantizer = layer.input_quantizer
        if quantizer is None or not layer.is_calibrated:
            raise CimcError(
                f"layer {layer.layer.data!r}: the range of its activations is not known; "
                "give data to calibrate with (--calibrate DATA.npz), or a quantised model"
            )
        x = self._quantized(layer.x, quantizer)
        w, scale = self._stored()
        sums = self._sums(x, w, quantizer)
        added = correction(self.build, layer, w, quantizer.zero_point)
        step = scale.astype(np.float64) * quantizer.scale
        total = self.build.emit_constant(f"{layer.layer.data}.step", step)
        axis = layer.OUTPUT_AXIS % len(shape_of(layer.y))
        bias = [] if layer.bias is None else [layer.bias]
        y = DequantizeOp.build(
            operands=[sums, total, [] if added is None else [added], bias],
            result_types=[layer.y.type],
            properties={"axis": IntegerAttr(axis, i64)},
        )
        self.build.replace_anchor(self.build.emit(y))

    def _quantized(self, value: SSAValue, quantizer: Quantizer) -> SSAValue:
        attribute = QuantizerAttr(quantizer)
        for use in value.uses:  # layers that share an input share its codes
            op = use.operation
            if isinstance(op, QuantizeOp) and op.quantizer == attribute:
                return op.codes
        element = codes_type(quantizer.bits, signed=quantizer.signed)
        return self.build.emit(
            QuantizeOp.build(
                operands=[value],
                result_types=[retyped(value.type, element)],
                properties={"quantizer": attribute},
            )
        )

    def _stored(self) -> tuple[SSAValue, Array]:
        """The codes of the stored operand, less their zero point, and their scale."""
        layer = self.layer
        stored = layer.stored_quantizer
        if stored is None:
            if not layer.has_codes or layer.scale is None:
                raise CimcError(f"layer {layer.layer.data!r}: quantise its weights first")
            scale = constant(self.build.ctx, layer.scale)
            if scale is None:
                raise CimcError(f"layer {layer.layer.data!r}: its scale must be a constant")
            return layer.w, scale
        codes = self._quantized(layer.w, stored)
        if stored.zero_point:
            low, high = (code - stored.zero_point for code in (stored.low, stored.high))
            codes = self.build.emit(
                RecenterOp.build(
                    operands=[codes],
                    result_types=[retyped(codes.type, type_holding(low, high))],
                    properties={"zero_point": IntegerAttr(stored.zero_point, i64)},
                )
            )
        return codes, np.array([stored.scale])

    def _sums(self, x: SSAValue, w: SSAValue, quantizer: Quantizer) -> SSAValue:
        layer = self.layer
        properties = {
            k: v for k, v in layer.properties.items() if k not in ("input", "stored", "operandSegmentSizes")
        }
        if isinstance(layer, ConvOp):
            properties["pad_code"] = IntegerAttr(quantizer.zero_point, i64)
        return self.build.emit(
            type(layer).build(
                operands=[x, w, [], []],
                result_types=[retyped(layer.y.type, self._sum_type(w, quantizer))],
                properties=properties,
            )
        )

    def _sum_type(self, w: SSAValue, quantizer: Quantizer) -> IntegerType:
        """32 bits, or 64 where sums of products could need more, in any encoding of the weights."""
        element = integer_of(w)
        largest = max(abs(code) for code in (quantizer.low, quantizer.high))
        shape = shape_of(w)
        inputs = prod(shape[1:]) if isinstance(self.layer, ConvOp) else shape[-2]
        low, high = code_range(element)
        span = max(high - low, 1 << element.width.data)
        return codes_type(32 if inputs * largest * span < 1 << 31 else 64, signed=True)
