"""Random models of one quantised layer, and what must come out of them by plain int64 arithmetic on codes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from math import prod
from typing import Any

import numpy as np
import onnx
from hypothesis import strategies as st
from random_graphs import Graph, Operand, activations, biases, weights

from cimc.runtime.arrays import Array

MAX_PRODUCTS = 40
"""Of 8-bit codes less their zero points: with factors up to 4, a sum and its bias stay below 2^24."""


@dataclass(frozen=True)
class Matrix:
    """What a crossbar stores of a layer, and for how many vectors."""

    outputs: int
    inputs: int
    vectors: int
    repeats: int
    weight_bits: int
    activation_bits: int

    @property
    def turned(self) -> "Matrix":
        """The same product with its inputs stored."""
        return replace(
            self,
            outputs=self.vectors,
            vectors=self.outputs,
            weight_bits=self.activation_bits,
            activation_bits=self.weight_bits,
        )


@dataclass(frozen=True)
class Layer:
    """A model of one layer, its input, and what must come out."""

    model: onnx.ModelProto
    inputs: dict[str, Array]
    expected: Array
    matrix: Matrix
    grouped: bool = False


def integer_conv(x: Array, w: Array, strides: Any, pads: Any, dilations: Any, groups: int) -> Array:
    """The sums of products of a convolution, kernel element by kernel element."""
    rank = w.ndim - 2
    padded = np.pad(x, [(0, 0), (0, 0), *((pads[i], pads[rank + i]) for i in range(rank))])
    sizes = [
        (padded.shape[2 + i] - dilations[i] * (w.shape[2 + i] - 1) - 1) // strides[i] + 1 for i in range(rank)
    ]
    y = np.zeros((len(x), len(w), *sizes), np.int64)
    share, channels = len(w) // groups, w.shape[1]
    for output in range(len(w)):
        group = output // share
        for channel, position in product(range(channels), product(*map(range, w.shape[2:]))):
            window = tuple(
                slice(p * d, p * d + (n - 1) * s + 1, s)
                for p, d, n, s in zip(position, dilations, sizes, strides, strict=True)
            )
            picture = padded[(slice(None), group * channels + channel, *window)]
            y[:, output] += picture * w[(output, channel, *position)]
    return y


@st.composite
def convolutions(draw: st.DrawFn) -> Layer:
    rank = draw(st.integers(1, 2))
    groups = draw(st.sampled_from([1, 1, 2, 3, 5]))
    channels = draw(st.integers(1, 3))
    outputs = groups * draw(st.integers(1, 3))

    def some(low: int, high: int, count: int = rank) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=count, max_size=count))

    kernel, strides, dilations, pads = some(1, 3), some(1, 3), some(1, 2), some(0, 2, 2 * rank)
    sizes = [
        draw(st.integers(max(1, d * (k - 1) + 1 - pads[i] - pads[rank + i]), 7))
        for i, (k, d) in enumerate(zip(kernel, dilations, strict=True))
    ]
    images = (draw(st.integers(1, 2)), groups * channels, *sizes)
    return convolution(draw, images, (outputs, channels, *kernel), strides, pads, dilations, groups)


def convolution(
    draw: st.DrawFn,
    images: Sequence[int],
    kernels: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    groups: int,
) -> Layer:
    graph = Graph()
    x, w = draw(activations(graph, "x", images)), draw(weights(graph, kernels, 0))
    scale = x.scale * w.scale
    bias, bias_values = draw(biases(graph, scale, kernels[0]))
    sums = integer_conv(x.codes, w.codes, strides, pads, dilations, groups)
    along = [-1, *[1] * len(strides)]
    expected = sums * scale.reshape(along) + bias_values.reshape(along)
    graph.add(
        "Conv",
        [x.name, w.name, *bias],
        "y",
        strides=strides,
        pads=pads,
        dilations=dilations,
        group=groups,
    )
    vectors = len(sums) * prod(sums.shape[2:])
    matrix = Matrix(kernels[0], prod(kernels[1:]), vectors, 1, w.stored_bits, x.bits)
    return layer(graph, expected, matrix, grouped=groups > 1)


def layer(graph: Graph, expected: Array, matrix: Matrix, *, grouped: bool = False) -> Layer:
    values = expected.astype(np.float32)
    np.testing.assert_array_equal(values, expected, "the oracle is exact")
    model = graph.model("y", expected.shape)
    checker: Any = onnx.checker
    checker.check_model(model, full_check=True)
    return Layer(model, graph.inputs, values, matrix, grouped)


@st.composite
def gemms(draw: st.DrawFn) -> Layer:
    graph = Graph()
    m, k, n = draw(st.integers(1, 4)), draw(st.integers(1, MAX_PRODUCTS)), draw(st.integers(1, 6))
    trans_a, trans_b = draw(st.integers(0, 1)), draw(st.integers(0, 1))
    alpha, beta = draw(st.sampled_from([1.0, 0.5, 2.0, -1.0])), draw(st.sampled_from([1.0, 0.5, 2.0]))
    x = draw(activations(graph, "x", (k, m) if trans_a else (m, k)))
    w = draw(weights(graph, (n, k) if trans_b else (k, n), 0 if trans_b else 1))
    scale = x.scale * w.scale.reshape(-1)
    bias, bias_values = draw(biases(graph, scale, n))
    a = x.codes.T if trans_a else x.codes
    b = w.codes.T if trans_b else w.codes
    expected = alpha * (a @ b * scale) + beta * bias_values
    graph.add("Gemm", [x.name, w.name, *bias], "y", alpha=alpha, beta=beta, transA=trans_a, transB=trans_b)
    return layer(graph, expected, Matrix(n, k, m, 1, w.stored_bits, x.bits))


@st.composite
def shapes(draw: st.DrawFn) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two shapes for a matrix product: batches that broadcast, and operands of one dimension."""
    m, k, n = draw(st.integers(1, 4)), draw(st.integers(1, MAX_PRODUCTS)), draw(st.integers(1, 5))
    batch = draw(st.lists(st.integers(1, 3), max_size=2))

    def own() -> list[int]:
        sizes = [n if draw(st.booleans()) else 1 for n in batch]
        return sizes[draw(st.integers(0, len(sizes))) :]

    left = (k,) if draw(st.integers(0, 3)) == 0 else (*own(), m, k)
    right = (k,) if draw(st.integers(0, 3)) == 0 else (*own(), k, n)
    return left, right


def matrix_product(graph: Graph, a: Operand, b: Operand, matrix: Matrix) -> Layer:
    """The product of two operands; each row of `a` and each column of `b` may have a scale of its own."""
    graph.add("MatMul", [a.name, b.name], "y")
    sums = np.matmul(a.codes, b.codes)
    rows = a.scale.reshape(-1, *[1] * min(b.codes.ndim - 1, 1))
    columns = b.scale.reshape(-1)
    return layer(graph, (sums * rows * columns).reshape(sums.shape), matrix)


def stored_matrix(streamed: Sequence[int], stored: Sequence[int], weight_bits: int, bits: int) -> Matrix:
    """The matrix view of `streamed @ stored`: matrices of a batch are written one after the other.

    One matrix for the whole batch is written once.
    """
    x = streamed if len(streamed) > 1 else (1, *streamed)
    w = stored if len(stored) > 1 else (*stored, 1)
    if len(w) <= max(len(x), 2) and prod(w[:-2]) == 1:
        return Matrix(w[-1], w[-2], prod(x[:-1]), 1, weight_bits, bits)
    repeats = prod(np.broadcast_shapes(tuple(x[:-2]), tuple(w[:-2])))
    return Matrix(w[-1], w[-2], x[-2], repeats, weight_bits, bits)


@st.composite
def products_with_constants(draw: st.DrawFn) -> Layer:
    graph = Graph()
    left, right = draw(shapes())
    x = draw(activations(graph, "x", left))
    w = draw(weights(graph, right, None if len(right) == 1 else len(right) - 1))
    return matrix_product(graph, x, w, stored_matrix(left, right, w.stored_bits, x.bits))


@st.composite
def products_with_constants_on_the_left(draw: st.DrawFn) -> Layer:
    graph = Graph()
    left, right = draw(shapes())
    w = draw(weights(graph, left, None if len(left) == 1 else len(left) - 2))
    x = draw(activations(graph, "x", right))
    if len(left) == 1:  # a constant vector streams through the computed matrix
        return matrix_product(graph, w, x, stored_matrix(left, right, x.bits, w.bits))
    turned = (right[0],) if len(right) == 1 else (*right[:-2], right[-1], right[-2])
    matrix = stored_matrix(turned, (*left[:-2], left[-1], left[-2]), w.stored_bits, x.bits)
    return matrix_product(graph, w, x, matrix)


@st.composite
def computed_products(draw: st.DrawFn) -> Layer:
    graph = Graph()
    left, right = draw(shapes())
    a, b = draw(activations(graph, "a", left)), draw(activations(graph, "b", right))
    return matrix_product(graph, a, b, stored_matrix(left, right, b.bits, a.bits))
