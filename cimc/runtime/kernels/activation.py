"""Activation functions."""

from collections.abc import Callable
from math import pi, sqrt

import numpy as np

from cimc.runtime.arrays import Array, widen

# Coefficients, highest power first, of the rational approximations of erf by W. J. Cody,
# "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969), as published
# in the subroutine CALERF of SPECFUN (netlib.org/specfun/erf).
# For |x| <= 0.46875: erf(x) = x * P(x^2) / Q(x^2).
_ERF_P = (
    1.85777706184603153e-1,
    3.16112374387056560e0,
    1.13864154151050156e2,
    3.77485237685302021e2,
    3.20937758913846947e3,
)
_ERF_Q = (
    1.0,
    2.36012909523441209e1,
    2.44024637934444173e2,
    1.28261652607737228e3,
    2.84423683343917062e3,
)
# For 0.46875 <= x <= 4: erfc(x) = exp(-x^2) * P(x) / Q(x).
_ERFC_P = (
    2.15311535474403846e-8,
    5.64188496988670089e-1,
    8.88314979438837594e0,
    6.61191906371416295e1,
    2.98635138197400131e2,
    8.81952221241769090e2,
    1.71204761263407058e3,
    2.05107837782607147e3,
    1.23033935479799725e3,
)
_ERFC_Q = (
    1.0,
    1.57449261107098347e1,
    1.17693950891312499e2,
    5.37181101862009858e2,
    1.62138957456669019e3,
    3.29079923573345963e3,
    4.36261909014324716e3,
    3.43936767414372164e3,
    1.23033935480374942e3,
)
_ERF_SMALL = 0.46875
# From here on erf is 1 in float64. Between 4 and 6, erfc is below 2e-8 and the second
# approximation, although not made for that range, keeps more digits of it than erf shows.
_ERF_SATURATED = 6.0


def erf_float64(x: Array) -> Array:
    """The error function in float64, to a relative error of some 1e-16."""
    x = np.asarray(x, np.float64)
    magnitude = np.minimum(np.abs(x), _ERF_SATURATED)
    square = magnitude * magnitude
    small = magnitude * np.polyval(_ERF_P, square) / np.polyval(_ERF_Q, square)
    tail = np.exp(-square) * np.polyval(_ERFC_P, magnitude) / np.polyval(_ERFC_Q, magnitude)
    return np.copysign(np.where(magnitude <= _ERF_SMALL, small, 1 - tail), x)


def _activation(function: Callable[..., Array]) -> Callable[..., tuple[Array]]:
    """A kernel that evaluates `function` in float32 for 16-bit floats."""

    @np.errstate(all="ignore")
    def kernel(x: Array, **attributes: float | str) -> tuple[Array]:
        return (np.asarray(function(widen(x), **attributes), x.dtype),)

    return kernel


def _relu(x: Array) -> Array:
    return np.maximum(x, 0)


def _leaky_relu(x: Array, alpha: float = 0.01) -> Array:
    return np.where(x < 0, alpha * x, x)


def _sigmoid(x: Array) -> Array:
    # An overflow of the exponential gives the right limit, 1 / inf.
    return 1 / (1 + np.exp(-x))


def _hard_sigmoid(x: Array, alpha: float = 0.2, beta: float = 0.5) -> Array:
    return np.clip(alpha * x + beta, 0, 1)


def _hard_swish(x: Array) -> Array:
    return x * _hard_sigmoid(x, 1 / 6, 0.5)


def _gelu(x: Array, approximate: str = "none") -> Array:
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))
    if approximate != "none":
        raise ValueError(f"Gelu has no approximation {approximate!r}")
    # 1 + erf cancels for negative x, hence float64 until the end.
    return 0.5 * x * (1 + erf_float64(x / sqrt(2)))


def prelu(x: Array, slope: Array) -> tuple[Array]:
    """ONNX PRelu: `slope * x` where `x` is negative; `slope` broadcasts to the shape of `x`."""
    return (np.where(x < 0, slope * x, x),)


KERNELS = {
    "Erf": _activation(erf_float64),
    "Gelu": _activation(_gelu),
    "HardSigmoid": _activation(_hard_sigmoid),
    "HardSwish": _activation(_hard_swish),
    "LeakyRelu": _activation(_leaky_relu),
    "PRelu": prelu,
    "Relu": _activation(_relu),
    "Sigmoid": _activation(_sigmoid),
    "Tanh": _activation(np.tanh),
}
