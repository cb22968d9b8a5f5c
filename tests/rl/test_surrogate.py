"""The model of what policies lose, in worlds where losses add up."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rl.agents.additive import AdditiveWorld, restricted, toy_world

from cimc.rl.drop_model import FLOOR
from cimc.rl.evaluation import Evaluation
from cimc.rl.space import Choices
from cimc.rl.surrogate import Sensitivities, Surrogate

WORLD = toy_world()


def at_random(count: int, seed: int = 0) -> list[Choices]:
    random = np.random.default_rng(seed)
    layers, options = len(WORLD.space.layers), len(WORLD.space.options)
    return [tuple(int(random.integers(options)) for _ in range(layers)) for _ in range(count)]


def scaled(sensitivities: Sensitivities, factor: float) -> Sensitivities:
    return Sensitivities(sensitivities.weights * factor, sensitivities.activations * factor)


def error_of(world: AdditiveWorld, surrogate: Surrogate) -> float:
    """The mean error of logarithms over policies that were never seen."""
    mean = surrogate.mean()
    unseen = at_random(200, 99)
    found = [mean[range(len(choices)), choices].sum() for choices in unseen]
    return float(np.mean(np.abs(np.log(found) - np.log([world.divergence(c) for c in unseen]))))


def test_before_all_evaluations_it_says_what_was_measured():
    measured = WORLD.sensitivities(0.5)
    np.testing.assert_allclose(Surrogate(WORLD.space, measured).mean(), measured.total)


@pytest.mark.parametrize("factor", [0.2, 5.0])
def test_one_evaluation_corrects_what_all_layers_share(factor: float):
    surrogate = Surrogate(WORLD.space, scaled(WORLD.true, factor))
    errors = [error_of(WORLD, surrogate)]
    assert errors[0] == pytest.approx(abs(np.log(factor)))
    for choices in at_random(2):
        surrogate.observe([WORLD.evaluate(choices)])
        errors.append(error_of(WORLD, surrogate))
    assert errors[1] < errors[0] / 2
    assert errors[2] < errors[0] / 2


def test_comes_to_the_truth_with_evaluations():
    surrogate = Surrogate(WORLD.space, WORLD.sensitivities(0.6))
    errors = [error_of(WORLD, surrogate)]
    for choices in at_random(60):
        surrogate.observe([WORLD.evaluate(choices)])
        errors.append(error_of(WORLD, surrogate))
    assert errors[60] < errors[20] < errors[0] / 2
    assert errors[60] < 0.1


def test_samples_shrink_about_the_mean():
    surrogate, random = Surrogate(WORLD.space, WORLD.sensitivities(0.3)), np.random.default_rng(0)
    unseen = at_random(50, 99)
    rows = np.arange(len(WORLD.space.layers))
    spreads: list[float] = []
    seen = at_random(40)
    for count in (0, 8, 40):
        surrogate.observe([WORLD.evaluate(choices) for choices in seen[:count]])
        samples = np.array([surrogate.sample(random) for _ in range(200)])
        assert (samples > 0).all()
        sums = np.array([samples[:, rows, list(policy)].sum(1) for policy in unseen])
        spreads.append(float((sums.std(1) / sums.mean(1)).mean()))
    assert spreads[0] > 2 * spreads[1] > 3 * spreads[2]


def test_samples_have_the_mean_that_it_says():
    """Where no factor is near 0, at which samples are cut off."""
    surrogate, random = Surrogate(WORLD.space, WORLD.true), np.random.default_rng(1)
    surrogate.observe([WORLD.evaluate(choices) for choices in at_random(400)])
    mean = surrogate.mean()
    samples = np.array([surrogate.sample(random) for _ in range(600)])
    deviation = samples.std(0)
    clear = mean > 5 * deviation
    assert clear.sum() > 10
    scores = ((samples.mean(0) - mean) / (deviation / 600**0.5))[clear]
    assert np.abs(scores).max() < 5


def test_what_widths_share_is_learned_from_any_option_that_has_them():
    """An evaluation of 4/2 in the first layer tells of 8/2, too, more than of 4/8 and of other layers."""
    space, surrogate = WORLD.space, Surrogate(WORLD.space, WORLD.true)
    before = surrogate.mean()
    narrow = (0, *space.widest[1:])
    worse = 3 * WORLD.divergence(narrow)
    surrogate.observe([Evaluation(narrow, "quick", 0, 1, worse, 0)])
    grown = surrogate.mean() / before
    widths = [(o.weight_bits, o.activation_bits) for o in space.options]
    assert grown[0, widths.index((8, 2))] > 1.5
    assert grown[0, widths.index((8, 2))] > grown[0, widths.index((8, 8))] > 1
    assert grown[0, widths.index((8, 2))] > grown[2, widths.index((8, 8))] > 1
    # Narrow activations of other layers are also worse than was thought.
    assert grown[1, widths.index((8, 2))] > grown[1, widths.index((8, 8))]


def test_the_order_of_evaluations_and_repeats_do_not_matter():
    evaluations = [WORLD.evaluate(choices) for choices in at_random(10)]
    one, two = (Surrogate(WORLD.space, WORLD.sensitivities(0.5)) for _ in range(2))
    one.observe(evaluations)
    for evaluation in evaluations[::-1]:
        two.observe([evaluation])
        two.mean()
    # The first evaluation of a policy stays.
    two.observe([Evaluation(e.choices, "quick", 99, 1, 99, 0) for e in evaluations])
    np.testing.assert_allclose(one.mean(), two.mean(), rtol=1e-6)
    assert one.drops.drop(0.1) == pytest.approx(two.drops.drop(0.1))
    assert one.proposed == two.proposed == {e.choices for e in evaluations}


def test_the_seed_decides_samples():
    surrogate = Surrogate(WORLD.space, WORLD.sensitivities(0.5))
    one, same, other = (surrogate.sample(np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


@pytest.mark.parametrize("scale", [0.0, 1e-9, 1.0, 1e6])
@pytest.mark.parametrize("seen", [0.0, 1e-7, 1.0, 1e4])
def test_any_losses_give_finite_numbers(scale: float, seen: float):
    """Also hundreds of policies that hardly differ."""
    surrogate, random = Surrogate(WORLD.space, scaled(WORLD.true, scale)), np.random.default_rng(0)
    policies = [(i, j, 0, 0) for i in range(14) for j in range(14)]
    surrogate.observe([Evaluation(choices, "quick", 1.0, 0.5, seen, 0) for choices in policies])
    for table in (surrogate.mean(), surrogate.sample(random)):
        assert np.isfinite(table).all()
        assert (table > 0).all()
    if seen:
        found = surrogate.mean()[:, 0].sum()
        assert found > FLOOR / 10


@given(
    st.lists(st.integers(-9, 30), min_size=2, max_size=2),
    st.lists(st.integers(-9, 30), min_size=2, max_size=2),
    st.integers(1, 40),
    st.integers(0, 1 << 30),
)
def test_losses_of_any_size_that_no_one_expected(
    expected: list[int], seen: list[int], count: int, seed: int
) -> None:
    """Outputs may be of any size, and a layer that is broken by itself may do well beside others."""
    random = np.random.default_rng(seed)
    shape = WORLD.true.weights.shape
    weights, activations = 10.0 ** random.uniform(min(expected), max(expected), (2, *shape))
    surrogate = Surrogate(WORLD.space, Sensitivities(weights, activations))
    divergences = 10.0 ** random.uniform(min(seen), max(seen), count)
    policies = zip(at_random(count, seed), divergences, strict=True)
    surrogate.observe([Evaluation(choices, "quick", 1.0, 0.5, float(z), 0) for choices, z in policies])
    for table in (surrogate.mean(), surrogate.sample(random)):
        assert np.isfinite(table).all()
        assert (table > 0).all()


def test_options_that_are_not_allowed_do_no_harm():
    """What was not measured counts as nothing in the tables."""
    allowed = WORLD.space.allowed.copy()
    allowed[0, :-1] = False
    world = restricted(WORLD, allowed)
    measured = Sensitivities(*(np.where(allowed, t, 0) for t in vars(world.true).values()))
    surrogate = Surrogate(world.space, measured)
    fixed = [(13, *choices[1:]) for choices in at_random(40)]
    surrogate.observe([world.evaluate(choices) for choices in fixed])
    mean = surrogate.mean()
    for choices in [(13, *choices[1:]) for choices in at_random(20, 5)]:
        assert mean[range(4), choices].sum() == pytest.approx(world.divergence(choices), rel=0.4)
