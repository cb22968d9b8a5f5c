"""A quantised layer computed plainly: what mapped programs must reproduce to the last integer."""

from collections.abc import Sequence

import numpy as np

from cimc.runtime.arrays import Array
from cimc.runtime.layout import im2col, to_image
from cimc.runtime.products import exact_product


def matmul_codes(x: Array, w: Array) -> Array:
    """The exact product of integer arrays [..., vectors, inputs] x [..., inputs, outputs], int64."""
    if w.ndim == 2:
        return (
            exact_product(x.reshape(-1, x.shape[-1]), w).astype(np.int64).reshape(*x.shape[:-1], w.shape[1])
        )
    pairs = zip(x.reshape(-1, *x.shape[-2:]), w.reshape(-1, *w.shape[-2:]), strict=True)
    products = [exact_product(a, b) for a, b in pairs]
    return np.stack(products).astype(np.int64).reshape(*x.shape[:-1], w.shape[-1])


def conv_codes(
    x: Array,
    w: Array,
    *,
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    groups: int,
    pad_code: int,
) -> Array:
    """The exact convolution of codes [pictures, channels, ...] with codes [outputs, channels, ...], int64."""
    inputs = w[0].size
    vectors = im2col(
        x,
        matrices=groups,
        inputs=inputs,
        kernel=w.shape[2:],
        strides=strides,
        pads=pads,
        dilations=dilations,
        pad_code=pad_code,
    )
    matrices = w.reshape(groups, -1, inputs).transpose(0, 2, 1)
    sums = matmul_codes(vectors, matrices)
    rank = w.ndim - 2
    sizes = [
        (n + pads[i] + pads[rank + i] - dilations[i] * (w.shape[2 + i] - 1) - 1) // strides[i] + 1
        for i, n in enumerate(x.shape[2:])
    ]
    return to_image(sums, (len(x), len(w), *sizes))
