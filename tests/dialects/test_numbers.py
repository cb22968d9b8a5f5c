"""Floats in attributes read back as they were."""

from hypothesis import example, given
from hypothesis import strategies as st

from cimc.context import new_context
from cimc.dialects.cim.attributes import QuantizerAttr
from cimc.ir_parser import IRParser
from cimc.runtime.quantization import Quantizer


@given(st.floats(1e-300, 1e300))
@example(9525746.0)  # xDSL prints it as 0x41622B3E40000000
@example(2.0**52 + 1)
@example(1e22)
@example(0.5)
def test_scales_read_back(scale: float) -> None:
    attribute = QuantizerAttr(Quantizer(scale, 3, 8, signed=False))
    ctx = new_context()
    ctx.get_optional_attr("cim.quantizer")
    assert IRParser(ctx, str(attribute)).parse_attribute() == attribute
