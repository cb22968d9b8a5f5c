"""The encodings with the fewest cells, for codes of a range."""

from cimc.runtime.encoding import Encoding, MappingName

MAX_BITS = 24
"""Digits of a weight hold no more bits in all: products of them with 8-bit inputs fit 64 bits easily."""


def fewest_digits(
    mapping: MappingName, low: int, high: int, cell_bits: int, planes: int = 1, plane_bits: int = 1
) -> Encoding | None:
    """The encoding of a mapping that holds codes `low`..`high` in the fewest columns; None if there is none.

    An offset is taken off by the digital part. Digits are balanced if that saves one.
    """
    if mapping == "offset":
        low, high = 0, high - low
    if planes == 1:
        plane_bits = 1
    for slices in range(1, MAX_BITS // cell_bits + 1):
        for balanced in (False, True):
            if balanced and not mapping.startswith("differential"):
                continue
            digital = mapping == "offset"
            encoding = Encoding(mapping, cell_bits, slices, balanced, digital, planes, plane_bits)
            lowest, highest = encoding.limits
            if lowest <= low and high <= highest:
                return encoding
    return None
