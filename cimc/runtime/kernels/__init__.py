"""The reference semantics of the ONNX operators, one numpy function each.

A kernel takes the inputs of a node by position (None for an absent optional one) and its
attributes by their ONNX names, and returns the tuple of its outputs. Its form is that of the
newest operator set. Results may be views of the inputs, so arrays must not be written in place.
"""

from collections.abc import Callable

from cimc.runtime.arrays import Array
from cimc.runtime.kernels import (
    activation,
    attention,
    conv,
    elementwise,
    matmul,
    normalization,
    pooling,
    quantize,
    reduce,
    shape,
)

Kernel = Callable[..., tuple[Array, ...]]

KERNELS: dict[str, Kernel] = {
    **activation.KERNELS,
    **attention.KERNELS,
    **conv.KERNELS,
    **elementwise.KERNELS,
    **matmul.KERNELS,
    **normalization.KERNELS,
    **pooling.KERNELS,
    **quantize.KERNELS,
    **reduce.KERNELS,
    **shape.KERNELS,
}

NEEDS_NUM_RESULTS = frozenset({"MaxPool", "Split"})
"""The operators whose kernel also takes `num_results`, how many outputs the node has."""
