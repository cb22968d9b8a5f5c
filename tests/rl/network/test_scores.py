"""How outputs are compared."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from cimc.rl.network.scores import BROKEN, Reference, channels_last, divergence, outputs_of
from cimc.rl.network.tensors import tensor
from cimc.runtime.arrays import Array


def outputs(seed: int, count: int, classes: int) -> tuple[Array, Array, Array]:
    """Of two networks that mostly agree, and labels."""
    rng = np.random.default_rng(seed)
    first = rng.standard_normal((count, classes)).astype(np.float32)
    second = first + rng.standard_normal((count, classes)).astype(np.float32)
    return first, second, rng.integers(0, classes, count)


@given(st.integers(0, 2**31), st.integers(1, 60), st.integers(1, 4))
def test_drop_is_the_mean_difference_of_pairs(seed: int, count: int, classes: int) -> None:
    """The error is that of the mean of n differences, with one more in each direction."""
    first, second, labels = outputs(seed, count, classes)
    reference = Reference(tensor(first), tensor(labels))
    right, others = first.argmax(1) == labels, second.argmax(1) == labels
    differences = right.astype(float) - others.astype(float)
    drop, error = reference.drop(tensor(second))
    assert reference.accuracy == pytest.approx(100 * right.mean())
    assert drop == pytest.approx(100 * differences.mean())
    squares = ((differences - differences.mean()) ** 2).sum() + 2
    assert error == pytest.approx(100 * np.sqrt(squares) / count)


def test_error_is_that_of_other_draws_of_pictures() -> None:
    """The spread of drops when pictures are drawn anew is the error that is told (bootstrap)."""
    first, second, labels = outputs(3, 500, 4)
    _, error = Reference(tensor(first), tensor(labels)).drop(tensor(second))
    rng = np.random.default_rng(0)
    drops: list[float] = []
    for _ in range(400):
        chosen = rng.integers(0, 500, 500)
        drawn = Reference(tensor(first[chosen]), tensor(labels[chosen]))
        drops.append(drawn.drop(tensor(second[chosen]))[0])
    assert np.std(drops) == pytest.approx(error, rel=0.15)


@given(st.integers(0, 2**31), st.integers(1, 20), st.integers(1, 5))
def test_divergence(seed: int, count: int, classes: int) -> None:
    first, second, labels = outputs(seed, count, classes)
    p, q = (np.exp(x.astype(np.float64)) for x in (first, second))
    p, q = p / p.sum(1, keepdims=True), q / q.sum(1, keepdims=True)
    expected = (p * np.log(p / q)).sum(1).mean()
    reference = Reference(tensor(first), tensor(labels))
    assert reference.divergence(tensor(second)) == pytest.approx(expected, abs=1e-5)
    assert float(divergence(tensor(first), tensor(first))) == pytest.approx(0, abs=1e-6)


@given(st.integers(0, 2**31), st.integers(1, 20), st.integers(2, 5), st.floats(0.1, 5))
def test_probabilities_diverge_as_what_they_come_from(
    seed: int, count: int, classes: int, scale: float
) -> None:
    """A network that ends in Softmax is the same classifier."""
    first, second, _ = (tensor(scale * values) for values in outputs(seed, count, classes))
    expected = float(divergence(first, second))
    assert float(divergence(first.softmax(1), second.softmax(1))) == pytest.approx(
        expected, rel=0.01, abs=1e-5
    )


def test_probabilities_of_0_are_finite_and_have_gradients() -> None:
    certain, other = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]], requires_grad=True)
    found = divergence(certain, other)
    torch.autograd.backward(found)
    assert 10 < float(found.detach()) < 1e3
    assert other.grad is not None
    assert torch.isfinite(other.grad).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_outputs_that_are_no_numbers_are_far_away(value: float) -> None:
    """One picture is enough: a layer that can divide by zero must not seem to lose nothing."""
    first, second, labels = outputs(0, 20, 3)
    second[7, 1] = value
    reference = Reference(tensor(first), tensor(labels))
    assert reference.divergence(tensor(second)) == BROKEN
    assert reference.drop(tensor(second))[0] <= 100


@pytest.mark.parametrize("count", [1, 7, 25, 26])
def test_outputs_in_parts(count: int) -> None:
    sizes: list[int] = []

    class Sizes(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            sizes.append(len(x))
            return x.flatten(1) * 2

    x = torch.arange(count * 8.0).reshape(count, 2, 2, 2)
    assert torch.equal(outputs_of(Sizes(), x, 7), x.flatten(1) * 2)
    assert sum(sizes) == count
    assert max(sizes) <= 7


def test_only_pictures_are_laid_out_anew() -> None:
    pictures = channels_last(torch.zeros(2, 3, 4, 4))
    assert pictures.is_contiguous(memory_format=torch.channels_last)
    assert channels_last(torch.zeros(2, 3)).shape == (2, 3)
