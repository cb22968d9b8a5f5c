"""The codes that values can hold."""

from xdsl.ir import SSAValue

from cimc.context import CimcContext
from cimc.dialects.cim.digital import RecenterOp, ReshapeOp
from cimc.dialects.cim.layers import LayerOp
from cimc.dialects.cim.packing import TransposeOp
from cimc.dialects.tensor_types import code_range, integer_of, type_holding
from cimc.passes.constants import constant
from cimc.passes.sign import never_negative
from cimc.runtime.arrays import Array
from cimc.runtime.quantization import keeps_codes


def stored_range(w: SSAValue) -> tuple[int, int]:
    """The smallest and the largest code that a stored operand can hold, as far as its type shows it."""
    while isinstance(w.owner, ReshapeOp | TransposeOp):
        w = w.owner.operands[0]
    if isinstance(w.owner, RecenterOp):
        # Its type has room for more than the codes less their zero point.
        low, high = code_range(integer_of(w.owner.codes))
        return low - w.owner.zero_point.value.data, high - w.owner.zero_point.value.data
    return code_range(integer_of(w))


def codes_to_store(ctx: CimcContext, layer: LayerOp) -> tuple[int, int]:
    """The codes that a layer on floats is going to store, from the smallest to the largest."""
    assert layer.precision is not None
    if layer.stationary is not None:
        return codes_of_input(ctx, layer)
    largest = (1 << (layer.precision.weight - 1)) - 1
    stored = layer.stored_quantizer
    if layer.is_computed:
        if stored is None:
            return -largest, largest
        return stored.low - stored.zero_point, stored.high - stored.zero_point
    codes = _kept_codes(ctx, layer)
    if codes is None:
        return -largest, largest
    return int(codes.min(initial=0)), int(codes.max(initial=0))


def codes_of_input(ctx: CimcContext, layer: LayerOp) -> tuple[int, int]:
    """The codes that the inputs of a layer on floats become: without a sign after ReLU-like ops."""
    assert layer.precision is not None
    quantizer, bits = layer.input_quantizer, layer.precision.activation
    if quantizer is not None:
        return quantizer.low, quantizer.high
    if never_negative(ctx, layer.x):
        return 0, (1 << bits) - 1
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def streamed_bits(ctx: CimcContext, layer: LayerOp) -> int:
    """The bits of the codes that stream: of the inputs, or of the weights where the inputs are stored."""
    assert layer.precision is not None
    if layer.stationary is None:
        return layer.precision.activation
    stored = layer.stored_quantizer
    if layer.is_integer or _kept_codes(ctx, layer) is not None:
        return integer_of(layer.w).width.data
    if stored is None or not stored.zero_point:
        return layer.precision.weight
    return type_holding(stored.low - stored.zero_point, stored.high - stored.zero_point).width.data


def _kept_codes(ctx: CimcContext, layer: LayerOp) -> Array | None:
    """The codes of constant weights that the file has and that stay as they are."""
    assert layer.precision is not None
    codes = constant(ctx, layer.w) if layer.has_codes else None
    if codes is None or not keeps_codes(codes, layer.precision.weight, layer.W_OUTPUT_AXIS):
        return None
    return codes
