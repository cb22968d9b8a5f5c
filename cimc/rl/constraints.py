"""Which widths a search may choose."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cimc.errors import CimcError
from cimc.policy import MAX_BITS, MIN_BITS, Widths
from cimc.runtime.arrays import Array
from cimc.target import Target


@dataclass(frozen=True)
class Constraints:
    """What a search must keep to."""

    weight_bits: tuple[int, ...] = tuple(range(MIN_BITS, MAX_BITS + 1))
    activation_bits: tuple[int, ...] = tuple(range(MIN_BITS, MAX_BITS + 1))
    edges_at_8_bits: bool = False
    """Whether the first and the last layer keep 8 bits."""

    def options(self) -> tuple[Widths, ...]:
        """All pairs of widths; 8/8 is among them, for layers that keep it."""
        weights = sorted({*self.weight_bits, MAX_BITS})
        activations = sorted({*self.activation_bits, MAX_BITS})
        return tuple(Widths(w, a) for w in weights for a in activations)

    def allowed(self, layers: int) -> Array:
        """Which options each layer may have, bool [layers, options]."""
        options = self.options()
        usual = [
            o.weight_bits in self.weight_bits and o.activation_bits in self.activation_bits for o in options
        ]
        allowed = np.tile(usual, (layers, 1))
        if self.edges_at_8_bits:
            full = [o == Widths(MAX_BITS, MAX_BITS) for o in options]
            allowed[0] = allowed[-1] = full
        return allowed


def weight_widths(text: str, target: Target) -> tuple[int, ...]:
    """The widths of weights that the command line asks for.

    - `multiples`: those that fill whole cells, one digit for each `cell_bits` bits;
    - `pairs`: those that fill whole pairs of cells, whose difference needs no bit for the sign;
    - `all`, or numbers such as `4,5,8`.
    """
    cell_bits = target.cell_bits
    digits = range(1, MAX_BITS // cell_bits + 2)
    named = {
        "multiples": [cell_bits * n for n in digits],
        "pairs": [cell_bits * n + 1 for n in digits],
        "all": list(range(MIN_BITS, MAX_BITS + 1)),
    }
    if text in named:
        return tuple(sorted({min(bits, MAX_BITS) for bits in named[text] if bits >= MIN_BITS}))
    return bit_widths(text)


def bit_widths(text: str) -> tuple[int, ...]:
    """Numbers of bits: `2-8` or `4,5,8`. Raises `CimcError` if they are none, or out of range."""
    try:
        low, dash, high = text.partition("-")
        bits: Sequence[int] = range(int(low), int(high) + 1) if dash else [int(b) for b in text.split(",")]
    except ValueError:
        raise CimcError(f"widths are numbers of bits like 2-8 or 4,5,8, got {text!r}") from None
    if not bits or not all(MIN_BITS <= b <= MAX_BITS for b in bits):
        raise CimcError(f"widths must be from {MIN_BITS} to {MAX_BITS} bits, got {text!r}")
    return tuple(sorted(set(bits)))
