"""The codes that values can hold."""

from xdsl.ir import SSAValue

from cimc.context import CimcContext
from cimc.dialects.cim.digital import RecenterOp, ReshapeOp
from cimc.dialects.cim.layers import LayerOp
from cimc.dialects.cim.packing import TransposeOp
from cimc.dialects.tensor_types import code_range, integer_of
from cimc.passes.constants import constant
from cimc.passes.sign import never_negative
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
    codes = constant(ctx, layer.w) if layer.has_codes else None
    if codes is None or not keeps_codes(codes, layer.precision.weight, layer.W_OUTPUT_AXIS):
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
