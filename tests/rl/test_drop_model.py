"""The regression of drops on divergences: against least squares, and in worlds whose law is known."""

from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from cimc.rl.drop_model import (
    ABSOLUTE,
    FLOOR,
    PRIOR_DEVIATION,
    PRIOR_MEAN,
    RELATIVE,
    DropModel,
)
from cimc.rl.evaluation import Evaluation

optimizers: Any = optimize  # SciPy's functions have no types


def evaluation(divergence: float, drop: float, error: float = 0.3) -> Evaluation:
    return Evaluation((0,), "quick", drop, error, divergence, 0)


def world(law: Callable[[float], float], count: int, error: float = 0.3) -> list[Evaluation]:
    """Evaluations of a law, from small divergences to large ones."""
    return [evaluation(float(z), law(float(z)), error) for z in np.geomspace(1e-3, 0.3, count)]


observations = st.lists(
    st.builds(evaluation, st.floats(0, 5), st.floats(-3, 95), st.floats(0.05, 5)), max_size=8
)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0.3, 2), st.floats(0.05, 5)), max_size=8))
def test_is_ridge_regression(seen: list[tuple[float, float, float]]):
    """Weighted by the variances that it expects itself, and with a root that cannot count negatively."""
    evaluations = [evaluation(z, 50 * z * factor, error) for z, factor, error in seen]
    model = DropModel(evaluations)
    rows = [[1 / PRIOR_DEVIATION[0], 0.0], [0.0, 1 / PRIOR_DEVIATION[1]]]
    values = [PRIOR_MEAN[0] / PRIOR_DEVIATION[0], PRIOR_MEAN[1] / PRIOR_DEVIATION[1]]
    for e in evaluations:
        deviation = np.sqrt(e.drop_error**2 + (RELATIVE * model.drop(e.divergence)) ** 2 + ABSOLUTE**2)
        z = max(e.divergence, FLOOR)
        rows.append([z / deviation, np.sqrt(z) / deviation])
        values.append(e.drop / deviation)
    b1, b2 = optimizers.lsq_linear(np.array(rows), np.array(values), ([-np.inf, 0], np.inf)).x
    for z in (1e-3, 0.1, 1.0):
        assert model.drop(z) == pytest.approx(b1 * z + b2 * np.sqrt(z), rel=0.02, abs=0.02)


@pytest.mark.parametrize(("b1", "b2"), [(60, 0), (25, 4), (150, 0), (90, 8)])
def test_learns_a_law(b1: float, b2: float):
    def law(z: float) -> float:
        return b1 * z + b2 * z**0.5

    model = DropModel(world(law, 60, 0.1))
    for z in (0.005, 0.05, 0.2):
        assert model.drop(z) == pytest.approx(law(z), rel=0.1, abs=0.05)
        assert model.divergence_for(law(z)) == pytest.approx(z, rel=0.15)


@given(observations, st.floats(0.01, 50), st.floats(0.01, 50))
def test_budgets_are_the_inverse_of_drops_and_grow_with_them(seen: list[Evaluation], one: float, two: float):
    model = DropModel(seen)
    if model.drop(1e10) < 1e8:  # it learned that divergence does no harm
        return
    low, high = sorted((one, two))
    assert FLOOR <= model.divergence_for(low) <= model.divergence_for(high)
    found = model.divergence_for(high)
    if found > FLOOR:
        assert model.drop(found) == pytest.approx(high, rel=1e-6)


@pytest.mark.parametrize("max_drop", [0.0, -1.0])
def test_no_drop_leaves_the_least_divergence(max_drop: float):
    random = np.random.default_rng(0)
    for model in (DropModel([]), DropModel(world(lambda z: 50 * z, 20))):
        assert model.divergence_for(max_drop) == FLOOR
        assert model.divergence_for(max_drop, random) == FLOOR


@pytest.mark.parametrize(("b1", "b2"), [(-5, 0), (60, -9), (0, 0)])
def test_a_world_where_narrow_widths_do_little_harm_still_has_budgets(b1: float, b2: float):
    model, random = DropModel(world(lambda z: b1 * z + b2 * z**0.5, 40)), np.random.default_rng(0)
    for max_drop in (0.1, 1.0, 10.0):
        for budget in (model.divergence_for(max_drop), model.divergence_for(max_drop, random)):
            assert FLOOR <= budget < np.inf
    assert model.divergence_for(1.0) > DropModel([]).divergence_for(1.0)


def test_samples_are_about_the_expectation_and_come_closer_with_evaluations():
    random = np.random.default_rng(0)
    spreads: list[float] = []
    for count in (0, 4, 40):
        model = DropModel(world(lambda z: 50 * z + 2 * z**0.5, count))
        samples = np.log([model.divergence_for(2.0, random) for _ in range(400)])
        spreads.append(float(np.subtract(*np.percentile(samples, [75, 25]))))
        assert np.median(samples) == pytest.approx(np.log(model.divergence_for(2.0)), abs=0.5)
    assert spreads[0] > 2 * spreads[1] > 2 * spreads[2]


def test_the_seed_decides_samples():
    model = DropModel(world(lambda z: 50 * z, 5))
    one, same, other = (
        [model.divergence_for(1.0, random) for _ in range(3)]
        for random in (np.random.default_rng(1), np.random.default_rng(1), np.random.default_rng(2))
    )
    assert one == same != other


@given(st.floats(-2, 50), st.floats(0.01, 10), st.floats(0, 1))
def test_estimates_lie_between_what_was_measured_and_what_is_expected(
    drop: float, error: float, divergence: float
):
    model = DropModel(world(lambda z: 50 * z, 10))
    expected = model.drop(divergence)
    found, deviation = model.estimate(evaluation(divergence, drop, error))
    slack = 1e-9 * (1 + abs(drop) + abs(expected))
    assert min(drop, expected) - slack <= found <= max(drop, expected) + slack
    assert deviation < error


def test_estimates_trust_what_is_exact():
    model = DropModel(world(lambda z: 50 * z, 10))
    assert model.estimate(evaluation(0.1, 1.0, 1e-6)) == pytest.approx((1.0, 1e-6), abs=1e-6)
    expected = model.drop(0.1)
    found, deviation = model.estimate(evaluation(0.1, 1.0, 1e6))
    assert found == pytest.approx(expected, abs=1e-4)
    assert deviation == pytest.approx(np.hypot(RELATIVE * expected, ABSOLUTE), rel=1e-6)


@pytest.mark.parametrize("count", [5, 50])
def test_errors_of_estimates_are_honest(count: int):
    """In worlds that follow the model: not lower than the truth, and 80 % are within 0.84 deviations of it.

    Evaluations that came out low by chance must not count for more than others.
    """
    random = np.random.default_rng(0)
    scores: list[float] = []
    for _ in range(1000):
        z = random.uniform(0.005, 0.2, count)
        true = 50 * z + 1.5 * np.sqrt(z)
        true = true + random.normal(0, np.hypot(RELATIVE * true, ABSOLUTE))
        error = random.uniform(0.3, 0.6, count)
        drops = true + random.normal(0, error)
        seen = [evaluation(*map(float, values)) for values in zip(z, drops, error, strict=True)]
        found, deviation = DropModel(seen).estimate(seen[0])
        scores.append((found - true[0]) / deviation)
    assert np.mean(scores) == pytest.approx(0, abs=0.15)
    assert np.std(scores) == pytest.approx(1, abs=0.25)
    assert np.mean(np.array(scores) > -NormalDist().inv_cdf(0.8)) == pytest.approx(0.8, abs=0.04)


@given(st.lists(st.tuples(st.floats(0, 1e38), st.floats(0, 100)), min_size=1, max_size=8))
def test_divergences_of_any_size(seen: list[tuple[float, float]]):
    """Outputs without a scale, such as those of pictures of another one, diverge without bound."""
    evaluations = [evaluation(divergence, drop) for divergence, drop in seen]
    model = DropModel(evaluations)
    for one in evaluations:
        drop, error = model.estimate(one)
        assert np.isfinite(drop)
        assert 0 < error <= one.drop_error
    assert model.divergence_for(1.0, np.random.default_rng(0)) > 0
