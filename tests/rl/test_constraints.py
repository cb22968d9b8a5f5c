"""Which widths a search may choose."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimc.errors import CimcError
from cimc.policy import Widths
from cimc.rl.constraints import Constraints, bit_widths, weight_widths
from cimc.target import Target

bits = st.sets(st.integers(2, 8), min_size=1).map(lambda found: tuple(sorted(found)))


def _allowed(constraints: Constraints, layers: int) -> list[set[tuple[int, int]]]:
    options = constraints.options()
    rows = constraints.allowed(layers)
    assert rows.shape == (layers, len(options))
    return [
        {(options[i].weight_bits, options[i].activation_bits) for i in np.flatnonzero(row)} for row in rows
    ]


@given(bits, bits, st.integers(1, 4))
def test_the_products_of_the_widths_are_allowed_and_nothing_else(
    weights: tuple[int, ...], activations: tuple[int, ...], layers: int
):
    every = {(w, a) for w in weights for a in activations}
    assert _allowed(Constraints(weights, activations), layers) == [every] * layers
    edges = _allowed(Constraints(weights, activations, edges_at_8_bits=True), layers)
    assert edges[0] == edges[-1] == {(8, 8)}
    assert edges[1:-1] == [every] * (layers - 2)


@given(bits, bits)
def test_options_are_in_order_and_have_8_bits_for_edges(
    weights: tuple[int, ...], activations: tuple[int, ...]
):
    options = Constraints(weights[::-1] + weights, activations[::-1]).options()
    pairs = [(o.weight_bits, o.activation_bits) for o in options]
    assert pairs == sorted(set(pairs))
    assert Widths(8, 8) in options


@pytest.mark.parametrize(
    ("text", "cell_bits", "widths"),
    [
        # As in the paper: {4, 8} with cells of 4 bits, and so on.
        ("multiples", 4, (4, 8)),
        ("multiples", 2, (2, 4, 6, 8)),
        ("multiples", 1, (2, 3, 4, 5, 6, 7, 8)),
        ("multiples", 8, (8,)),
        # Two digits of 3 bits hold 6 bits, three hold 8 and more.
        ("multiples", 3, (3, 6, 8)),
        # A pair of cells of b bits holds b bits and a sign.
        ("pairs", 4, (5, 8)),
        ("pairs", 2, (3, 5, 7, 8)),
        ("pairs", 1, (2, 3, 4, 5, 6, 7, 8)),
        ("pairs", 3, (4, 7, 8)),
        ("pairs", 7, (8,)),
        ("pairs", 8, (8,)),
        ("all", 4, (2, 3, 4, 5, 6, 7, 8)),
        ("8,4,4", 4, (4, 8)),
        ("3-5", 2, (3, 4, 5)),
    ],
)
def test_widths_of_weights(text: str, cell_bits: int, widths: tuple[int, ...]):
    assert weight_widths(text, Target("t", cell_bits=cell_bits)) == widths


@pytest.mark.parametrize("cell_bits", range(1, 9))
def test_named_widths_are_the_widest_of_their_digits(cell_bits: int):
    """One bit more takes one digit more: that is why they are good choices."""
    target = Target("t", cell_bits=cell_bits)
    for bits in weight_widths("multiples", target)[:-1]:
        assert -(-bits // cell_bits) < -(-(bits + 1) // cell_bits)
    for bits in weight_widths("pairs", target)[:-1]:
        assert -(-(bits - 1) // cell_bits) < -(-bits // cell_bits)
    assert weight_widths("multiples", target)[-1] == weight_widths("pairs", target)[-1] == 8


@pytest.mark.parametrize(
    ("text", "widths"),
    [("2-8", (2, 3, 4, 5, 6, 7, 8)), ("8", (8,)), ("8,2", (2, 8)), ("5-5", (5,)), (" 4 , 5 ", (4, 5))],
)
def test_numbers_of_bits(text: str, widths: tuple[int, ...]):
    assert bit_widths(text) == widths


@pytest.mark.parametrize(
    "text", ["", "-", "8-2", "1", "9", "2-9", "1-8", "0,4", "4,", "4.5", "four", "2-", "-3", "2-4-6", "2-4,8"]
)
def test_what_is_no_number_of_bits_is_an_error_that_says_so(text: str):
    with pytest.raises(CimcError, match="widths") as caught:
        bit_widths(text)
    assert repr(text) in str(caught.value)
    with pytest.raises(CimcError, match="widths"):
        weight_widths(text, Target("t"))
