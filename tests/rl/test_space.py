"""The widths of layers, against a search through all policies."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from rl.spaces import policies, space_of, spaces

from cimc.policy import Widths
from cimc.rl.space import Space, without_beaten

OPTIONS = tuple(Widths(w, a) for w in (4, 8) for a in (2, 8))


@given(spaces())
def test_no_policy_is_faster_than_the_fastest_or_has_more_bits_than_the_widest(space: Space):
    every = policies(space)
    assert space.fastest in every
    assert space.latency_of(space.fastest) == min(map(space.latency_of, every))
    bits = [sum(sum(vars(space.options[i]).values()) for i in choices) for choices in every]
    assert space.widest in every
    assert sum(sum(vars(space.options[i]).values()) for i in space.widest) == max(bits)


@given(spaces())
def test_policies_and_choices_are_inverse(space: Space):
    for choices in policies(space):
        policy = space.policy(choices)
        assert list(policy) == list(space.layers)
        assert space.choices(policy) == choices
        # The order in which a policy names layers does not matter.
        assert space.choices(dict(list(policy.items())[::-1])) == choices


def test_latencies_add_up_and_do_not_overflow():
    latency = np.array([[1, 2**61], [2**61, 3]], np.int64)
    space = space_of(latency, np.ones((2, 2), bool), OPTIONS[:2])
    assert space.latency_of([1, 0]) == 2**62
    assert space.latency_of((0, 1)) == 4
    assert space.speedup((0, 1)) == 2**62 / 4
    assert space.speedup(space.choices(space.policy((1, 0)))) == 1


def test_what_is_not_in_the_space_is_an_error():
    space = space_of(np.ones((2, 4), np.int64), np.ones((2, 4), bool), OPTIONS)
    with pytest.raises(ValueError, match="not in"):
        space.choices({"layer0": Widths(4, 2), "layer1": Widths(4, 3)})
    with pytest.raises(KeyError, match="layer1"):
        space.choices({"layer0": Widths(4, 2)})
    with pytest.raises(ValueError, match="zip"):
        space.policy((0,))


def test_what_is_not_allowed_is_neither_fastest_nor_widest_nor_uniform():
    """Even if it is the only one of its widths, the fastest and the first."""
    allowed = np.array([[True, True, True, False], [False, False, True, False]])
    space = space_of(np.array([[1, 2, 3, 4], [1, 2, 3, 4]], np.int64), allowed, OPTIONS)
    assert space.fastest == (0, 2)
    # 4/8 has two bits more than 8/2.
    assert space.widest == (1, 2)
    assert space.uniform(Widths(8, 8)) == (2, 2)
    assert space.uniform(Widths(4, 8)) == (1, 2)


def test_eight_bits_are_what_they_say_even_if_they_are_not_allowed():
    allowed = np.array([[True, True, True, False], [False, False, True, True]])
    space = space_of(np.ones((2, 4), np.int64), allowed, OPTIONS)
    assert space.policy(space.eight) == {"layer0": Widths(8, 8), "layer1": Widths(8, 8)}
    for choices in product(range(4), range(4)):
        assert space.allows(choices) == (choices in policies(space))


@given(spaces())
def test_uniform_gives_all_layers_what_is_asked_for_or_the_nearest(space: Space):
    """Of what is wider and no slower, or else of all, the nearest weights, and of these activations."""
    for wanted in space.options:
        for layer, choice in enumerate(space.uniform(wanted)):
            assert space.allowed[layer, choice]
            allowed = np.flatnonzero(space.allowed[layer])
            latency = space.latency_ps[layer]
            better = [
                i
                for i in allowed
                if space.options[i].weight_bits >= wanted.weight_bits
                and space.options[i].activation_bits >= wanted.activation_bits
                and latency[i] <= latency[space.options.index(wanted)]
            ]
            others = [space.options[i] for i in better or allowed]
            found = space.options[choice]
            weights = [abs(o.weight_bits - wanted.weight_bits) for o in others]
            assert abs(found.weight_bits - wanted.weight_bits) == min(weights)
            activations = [
                abs(o.activation_bits - wanted.activation_bits)
                for o, far in zip(others, weights, strict=True)
                if far == min(weights)
            ]
            assert abs(found.activation_bits - wanted.activation_bits) == min(activations)


@given(spaces())
def test_beaten_options_are_left_out_and_no_others(space: Space):
    before = space.allowed.copy()
    left = without_beaten(space.latency_ps, space.allowed, space.options)
    np.testing.assert_array_equal(space.allowed, before)
    for layer, latency in enumerate(space.latency_ps):
        for one, width in enumerate(space.options):
            beaten = any(
                before[layer, other]
                and wide != width
                and wide.weight_bits >= width.weight_bits
                and wide.activation_bits >= width.activation_bits
                and latency[other] <= latency[one]
                for other, wide in enumerate(space.options)
            )
            assert left[layer, one] == (before[layer, one] and not beaten)
    # What is left is as good: some policy of it has the same speed and is as wide as any.
    assert left.any(1).all()
    narrowed = replace(space, allowed=left)
    assert space.latency_of(narrowed.fastest) == space.latency_of(space.fastest)
    np.testing.assert_array_equal(without_beaten(space.latency_ps, left, space.options), left)


def test_an_option_is_not_beaten_by_one_that_is_not_allowed():
    latency = np.array([[5, 5, 5, 1]], np.int64)
    left = without_beaten(latency, np.array([[True, True, False, False]]), OPTIONS)
    # 8/8 would beat all; of the two others, 4/8 is as fast as 4/2.
    np.testing.assert_array_equal(left, [[False, True, False, False]])
