"""Matrix products."""

import torch
from torch import Tensor

from cimc.rl.network.operators.export import Operator, as_nodes


def matmul(a: Tensor, b: Tensor) -> tuple[Tensor]:
    """ONNX MatMul: the shapes are those of `torch.matmul`."""
    return (a @ b,)


def gemm(
    a: Tensor,
    b: Tensor,
    c: Tensor | None = None,
    *,
    alpha: float = 1.0,
    beta: float = 1.0,
    transA: int = 0,
    transB: int = 0,
) -> tuple[Tensor]:
    """ONNX Gemm: `alpha * a @ b + beta * c`, where `c` broadcasts to the (M, N) of the product."""
    a, b = a.T if transA else a, b.T if transB else b
    if c is None:
        return (alpha * (a @ b),)
    return (torch.addmm(c, a, b, alpha=alpha, beta=beta),)


OPERATORS: dict[str, Operator] = as_nodes({"Gemm": gemm, "MatMul": matmul})
