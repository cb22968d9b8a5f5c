"""The torch operators on other batches than the imported one."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch_operators import data, ints, modest, run, seeds, shapes, tensors

from cimc.rl.network.operators import NEEDS_IMPORTED_SHAPES, OPERATORS
from cimc.runtime.arrays import Array
from cimc.runtime.kernels import KERNELS


def follows(op_type: str, x: Array, others: Sequence[Array], **attributes: Any) -> None:
    """Check an operator on pictures `x` against the kernel on each picture, the imported batch being 1."""
    if op_type in NEEDS_IMPORTED_SHAPES:
        attributes["imported"] = [(1, *x.shape[1:]), *(other.shape for other in others)]
    (result,) = OPERATORS[op_type](*tensors([x, *others]), **attributes)
    attributes.pop("imported", None)
    alone = [KERNELS[op_type](picture[None], *others, **attributes)[0] for picture in x]
    np.testing.assert_array_equal(result.numpy(), np.concatenate(alone))


batches = st.integers(1, 4)


@modest
@given(batches, st.lists(st.sampled_from([1, 2, 3]), max_size=6), st.data(), seeds)
def test_reshape_follows_the_batch(batch: int, factors: list[int], draw: st.DataObject, seed: int) -> None:
    def grouped() -> list[int]:
        """The product of `factors`, as another shape each time."""
        cuts = sorted(draw.draw(st.lists(st.integers(0, len(factors)), max_size=4)))
        bounds = [0, *cuts, len(factors)]
        return [int(np.prod(factors[a:b])) for a, b in pairwise(bounds)]

    x = data(seed, (batch, *grouped()))
    target = grouped() if draw.draw(st.booleans()) else [1, *grouped()]
    unknown = draw.draw(st.integers(0, len(target)))
    if unknown < len(target):
        target[unknown] = -1
    for axis, size in enumerate(target):
        if axis < x.ndim and size == (1, *x.shape[1:])[axis] and draw.draw(st.booleans()):
            target[axis] = 0
    follows("Reshape", x, [np.asarray(target)])


@modest
@given(batches, shapes, st.data(), seeds)
def test_flatten_follows_the_batch(batch: int, shape: list[int], draw: st.DataObject, seed: int) -> None:
    axis = draw.draw(st.integers(-len(shape) - 1, len(shape) + 1))
    follows("Flatten", data(seed, (batch, *shape)), [], axis=axis)


@modest
@given(batches, st.lists(st.tuples(st.integers(1, 3), st.booleans()), min_size=1, max_size=3), seeds)
def test_expand_follows_the_batch(batch: int, axes: list[tuple[int, bool]], seed: int) -> None:
    x = data(seed, (batch, *(1 if stretched else size for size, stretched in axes)))
    follows("Expand", x, [np.asarray([1, *(size for size, _ in axes)])])
    follows("Expand", x, [np.asarray([size for size, _ in axes])])


@modest
@given(batches, st.lists(st.sampled_from([1, 2, 3]), min_size=1, max_size=3), seeds)
def test_squeeze_keeps_the_batch(batch: int, shape: list[int], seed: int) -> None:
    x = torch.as_tensor(data(seed, (batch, *shape)))
    (result,) = run("Squeeze", [x], imported=[(2, *shape)])
    expected = x.numpy().reshape(batch, *(n for n in shape if n != 1))
    np.testing.assert_array_equal(result.numpy(), expected)


def test_squeeze_refuses_to_remove_the_batch() -> None:
    with pytest.raises(ValueError, match="cannot be removed"):
        run("Squeeze", [torch.zeros(3, 1, 2)], imported=[(1, 1, 2)])


@modest
@given(st.integers(2, 4), st.booleans(), seeds)
def test_a_class_token_serves_the_whole_batch(batch: int, first: bool, seed: int) -> None:
    x, token = data(seed, (batch, 3, 5)), data(seed + 1, (1, 1, 5))
    every = np.broadcast_to(token, (batch, 1, 5))
    inputs = [torch.as_tensor(token), torch.as_tensor(x)]
    (result,) = run("Concat", inputs if first else inputs[::-1], axis=1)
    np.testing.assert_array_equal(result.numpy(), np.concatenate([every, x] if first else [x, every], 1))


def test_reshape_refuses_a_batch_that_is_not_the_first_axis() -> None:
    with pytest.raises(ValueError, match="batch is not the first axis"):
        run("Reshape", [torch.zeros(5, 3, 8), ints(5, 4, 2)], imported=[(5, 1, 8), (3,)])
