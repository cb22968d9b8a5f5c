"""Matrix products."""

import numpy as np

from cimc.runtime.arrays import Array, widen


def product(a: Array, b: Array) -> Array:
    """`a @ b` in the type of `a`, accumulated in float32 for 16-bit floats."""
    return np.asarray(np.matmul(widen(a), widen(b)), a.dtype)


def matmul(a: Array, b: Array) -> tuple[Array]:
    """ONNX MatMul: the shapes are those of `numpy.matmul`."""
    return (product(a, b),)


def gemm(
    a: Array,
    b: Array,
    c: Array | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> tuple[Array]:
    """ONNX Gemm: `alpha * a @ b + beta * c`, where `c` broadcasts to the (M, N) of the product."""
    y = np.matmul(widen(a.T if transA else a), widen(b.T if transB else b))
    if alpha != 1:
        y = alpha * y
    if c is not None:
        y = y + (widen(c) if beta == 1 else beta * widen(c))
    return (np.asarray(y, a.dtype),)


KERNELS = {"Gemm": gemm, "MatMul": matmul}
