"""Pictures as vectors and back, against plain loops over positions."""

from dataclasses import dataclass
from itertools import product
from math import prod

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from cimc.runtime.arrays import Array
from cimc.runtime.layer import conv_codes, matmul_codes
from cimc.runtime.layout import im2col, to_image


@dataclass(frozen=True)
class Window:
    """Pictures and the window that slides over them."""

    x: Array
    kernel: list[int]
    strides: list[int]
    pads: list[int]
    dilations: list[int]
    sizes: list[int]
    pad_code: int
    groups: int

    def at(self, picture: int, channel: int, position: tuple[int, ...], tap: tuple[int, ...]) -> int:
        """The code that a kernel element sees at an output position."""
        index = [
            p * s + t * d - pad
            for p, s, t, d, pad in zip(
                position, self.strides, tap, self.dilations, self.pads[: len(tap)], strict=True
            )
        ]
        inside = all(0 <= i < n for i, n in zip(index, self.x.shape[2:], strict=True))
        return int(self.x[(picture, channel, *index)]) if inside else self.pad_code


@st.composite
def windows(draw: st.DrawFn) -> Window:
    rank = draw(st.integers(1, 3))

    def some(low: int, high: int, count: int = rank) -> list[int]:
        return draw(st.lists(st.integers(low, high), min_size=count, max_size=count))

    kernel, strides, dilations, pads = some(1, 3), some(1, 3), some(1, 2), some(0, 2, 2 * rank)
    reach = [d * (k - 1) + 1 for d, k in zip(dilations, kernel, strict=True)]
    shape = [draw(st.integers(max(1, reach[i] - pads[i] - pads[rank + i]), 5)) for i in range(rank)]
    sizes = [(shape[i] + pads[i] + pads[rank + i] - reach[i]) // strides[i] + 1 for i in range(rank)]
    groups = draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    channels = groups * draw(st.integers(1, 2))
    x = rng.integers(0, 256, (draw(st.integers(1, 2)), channels, *shape)).astype(np.uint8)
    return Window(x, kernel, strides, pads, dilations, sizes, draw(st.integers(0, 255)), groups)


@given(windows())
def test_im2col(window: Window) -> None:
    pictures, channels = window.x.shape[:2]
    share = channels // window.groups
    inputs = share * prod(window.kernel)
    vectors = im2col(
        window.x,
        matrices=window.groups,
        inputs=inputs,
        kernel=window.kernel,
        strides=window.strides,
        pads=window.pads,
        dilations=window.dilations,
        pad_code=window.pad_code,
    )
    positions = list(product(*map(range, window.sizes)))
    taps = list(product(*map(range, window.kernel)))
    expected = [
        [
            [window.at(n, group * share + c, p, tap) for c in range(share) for tap in taps]
            for n in range(pictures)
            for p in positions
        ]
        for group in range(window.groups)
    ]
    assert vectors.dtype == window.x.dtype
    np.testing.assert_array_equal(vectors, expected)


def test_channels_beyond_the_last_are_zero() -> None:
    x = np.arange(3, dtype=np.uint8).reshape(1, 3, 1) + 1
    one = [1]
    vectors = im2col(x, matrices=2, inputs=2, kernel=one, strides=one, pads=[0, 0], dilations=one, pad_code=9)
    np.testing.assert_array_equal(vectors, [[[1, 2]], [[3, 0]]])


@given(windows(), st.integers(1, 3), st.integers(0, 1 << 32))
def test_conv_codes(window: Window, share: int, seed: int) -> None:
    pictures, channels = window.x.shape[:2]
    outputs, per_group = window.groups * share, channels // window.groups
    rng = np.random.default_rng(seed)
    w = rng.integers(-128, 128, (outputs, per_group, *window.kernel))
    expected = np.zeros((pictures, outputs, *window.sizes), np.int64)
    for n, o, p in product(range(pictures), range(outputs), product(*map(range, window.sizes))):
        first = o // share * per_group
        expected[(n, o, *p)] = sum(
            window.at(n, first + c, p, tap) * int(w[(o, c, *tap)])
            for c, tap in product(range(per_group), product(*map(range, window.kernel)))
        )
    sums = conv_codes(
        window.x,
        w,
        strides=window.strides,
        pads=window.pads,
        dilations=window.dilations,
        groups=window.groups,
        pad_code=window.pad_code,
    )
    np.testing.assert_array_equal(sums, expected)


@given(st.lists(st.integers(1, 3), min_size=2, max_size=5), st.integers(1, 4), st.booleans())
def test_matmul_codes(shape: list[int], outputs: int, batched: bool) -> None:
    rng = np.random.default_rng(prod(shape))
    batch = shape[:-2] if batched else []
    x = rng.integers(-128, 128, shape)
    w = rng.integers(-128, 128, (*batch, shape[-1], outputs))
    np.testing.assert_array_equal(matmul_codes(x, w), np.matmul(x, w))


@given(st.lists(st.integers(1, 3), min_size=1, max_size=3), st.integers(1, 3), st.integers(1, 3))
def test_to_image_sorts_sums_by_picture_and_channel(sizes: list[int], pictures: int, matrices: int) -> None:
    outputs, positions = 2, list(product(*map(range, sizes)))
    count = pictures * len(positions)
    sums = np.arange(matrices * count * outputs).reshape(matrices, count, outputs)
    channels = matrices * outputs - (matrices > 1)
    image = to_image(sums, (pictures, channels, *sizes))
    assert image.shape == (pictures, channels, *sizes)
    for n, c, (i, p) in product(range(pictures), range(channels), enumerate(positions)):
        assert image[(n, c, *p)] == sums[c // outputs, n * len(positions) + i, c % outputs]
