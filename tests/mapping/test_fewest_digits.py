"""Digits hold the codes that they are for."""

from hypothesis import given
from hypothesis import strategies as st

from cimc.mapping.digits import fewest_digits
from cimc.runtime.encoding import MAPPINGS, MappingName
from cimc.target import Target


@given(
    st.sampled_from(MAPPINGS),
    st.integers(1, 8),
    st.integers(2, 8),
    st.integers(1, 4),
    st.integers(1, 2),
    st.sampled_from([None, 8]),
)
def test_digits_are_as_few_as_can_be(
    mapping: MappingName, cell_bits: int, bits: int, planes: int, dac_bits: int, adc_bits: int | None
) -> None:
    target = Target("t", cell_bits=cell_bits, dac_bits=dac_bits).with_adc(adc_bits)
    high = (1 << (bits - 1)) - 1
    encoding = fewest_digits(mapping, -high, high, target, planes)
    assert encoding is not None
    lowest, highest = encoding.limits
    low = 0 if mapping == "offset" else -high
    assert lowest <= low
    assert low + 2 * high <= highest or mapping != "offset"
    assert high <= highest
    # Sign and magnitude where an ADC reads sums with an error; else balanced digits, if they save one.
    assert not encoding.balanced or adc_bits is None
    if encoding.balanced:
        plain = fewest_digits(mapping, -high, high, target.with_adc(8), planes)
        assert plain is None or plain.slices > encoding.slices
