"""The spatial arithmetic of convolution and pooling, on plain integers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from cimc.limits import check_elements, check_window


def resolve_pads(
    auto_pad: str, size: int, kernel: int, stride: int, dilation: int, pads: tuple[int, int]
) -> tuple[int, int]:
    """The explicit (begin, end) pads of one axis, as the ONNX operator Conv defines `auto_pad`."""
    if auto_pad == "NOTSET":
        return pads
    if auto_pad == "VALID":
        return (0, 0)
    if auto_pad not in ("SAME_UPPER", "SAME_LOWER"):
        raise ValueError(f"auto_pad {auto_pad!r} is unknown")
    output = -(-size // stride)
    total = max(0, (output - 1) * stride + dilation * (kernel - 1) + 1 - size)
    smaller = total // 2
    return (smaller, total - smaller) if auto_pad == "SAME_UPPER" else (total - smaller, smaller)


def output_size(
    size: int,
    kernel: int,
    stride: int,
    dilation: int,
    pads: tuple[int, int],
    *,
    ceil_mode: bool = False,
) -> int:
    """The number of windows on one axis, as the ONNX operators Conv and MaxPool define it.

    With `ceil_mode`, a partial window at the end counts. That holds for `auto_pad` VALID, too:
    the text of the operators has another formula there, but the shape inference of ONNX has not.
    """
    room = size + sum(pads) - dilation * (kernel - 1) - 1
    output = room // stride + 1
    if ceil_mode and room % stride and output * stride < size + pads[0]:
        # Unless it would start in the padding.
        output += 1
    if output < 1:
        raise ValueError(f"a kernel of {kernel} does not fit an axis of {size} padded by {pads}")
    return output


@dataclass(frozen=True)
class Axis:
    """One spatial axis: the input's size, the sliding window, and how many windows there are."""

    size: int
    kernel: int
    stride: int
    dilation: int
    pads: tuple[int, int]
    output: int

    @property
    def overhang(self) -> int:
        """How far the last window reaches beyond the padded input (only in `ceil_mode`)."""
        reach = (self.output - 1) * self.stride + self.dilation * (self.kernel - 1) + 1
        return max(0, reach - self.size - sum(self.pads))

    def tap(self, position: int) -> slice:
        """What the kernel's element at `position` reads from the padded axis, window by window."""
        start = position * self.dilation
        return slice(start, start + (self.output - 1) * self.stride + 1, self.stride)

    def counts(self, *, include_pad: bool) -> list[int]:
        """How many kernel elements of each window lie inside the input (or its padding)."""
        begin = 0 if include_pad else self.pads[0]
        end = self.pads[0] + self.size + (self.pads[1] if include_pad else 0)
        first = range(0, self.output * self.stride, self.stride)
        reads = range(0, self.kernel * self.dilation, self.dilation)
        return [sum(begin <= start + read < end for read in reads) for start in first]


def spatial_axes(
    sizes: Sequence[int],
    kernel_shape: Sequence[int],
    *,
    strides: Sequence[int] | None = None,
    dilations: Sequence[int] | None = None,
    pads: Sequence[int] | None = None,
    auto_pad: str = "NOTSET",
    ceil_mode: bool = False,
) -> tuple[Axis, ...]:
    """The spatial axes of a convolution or pooling, from the attributes of its ONNX node."""
    rank = len(sizes)
    strides = strides or (1,) * rank
    dilations = dilations or (1,) * rank
    pads = pads or (0,) * (2 * rank)
    if not rank == len(kernel_shape) == len(strides) == len(dilations) == len(pads) / 2:
        raise ValueError(f"kernel, strides, dilations and pads must suit {rank} spatial axes")

    if any(n < 1 for n in (*kernel_shape, *strides, *dilations)):
        raise ValueError("a kernel's sizes, strides and dilations are at least 1")
    check_window(kernel_shape)
    axes: list[Axis] = []
    for axis, (size, kernel) in enumerate(zip(sizes, kernel_shape, strict=True)):
        window = (size, kernel, strides[axis], dilations[axis])
        resolved = resolve_pads(auto_pad, *window, (pads[axis], pads[rank + axis]))
        axes.append(Axis(*window, resolved, output_size(*window, resolved, ceil_mode=ceil_mode)))
    check_elements("a padded picture", [axis.size + sum(axis.pads) + axis.overhang for axis in axes])
    return tuple(axes)


def taps(axes: Sequence[Axis]) -> Iterator[tuple[slice, ...]]:
    """For each kernel element in row-major order, what it reads from the padded input."""
    return product(*([axis.tap(position) for position in range(axis.kernel)] for axis in axes))
