"""The encodings with the fewest cells, for codes of a range."""

from cimc.runtime.encoding import Encoding, MappingName
from cimc.target import Target

MAX_BITS = 24
"""Digits of a weight hold no more bits in all: products of them with 8-bit inputs fit 64 bits easily."""


def fewest_digits(
    mapping: MappingName, low: int, high: int, target: Target, planes: int = 1
) -> Encoding | None:
    """The encoding of a mapping that holds codes `low`..`high` in the fewest columns; None if there is none.

    An offset is taken off by the digital part. Digits are balanced if that saves one, unless the target has
    ADCs that are not ideal: their errors are least for small sums, and the digits of a small weight are
    small only if they carry its sign.
    """
    if mapping == "offset":
        low, high = 0, high - low
    plane_bits = target.dac_bits if planes > 1 else 1
    may_balance = mapping.startswith("differential") and target.adc.bits is None
    for slices in range(1, MAX_BITS // target.cell_bits + 1):
        for balanced in (False, True) if may_balance else (False,):
            digital = mapping == "offset"
            encoding = Encoding(mapping, target.cell_bits, slices, balanced, digital, planes, plane_bits)
            lowest, highest = encoding.limits
            if lowest <= low and high <= highest:
                return encoding
    return None
