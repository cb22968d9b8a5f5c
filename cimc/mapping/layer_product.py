"""What a layer multiplies, before anything is said of how."""

from dataclasses import dataclass

from cimc.runtime.packing import Axis


@dataclass(frozen=True)
class LayerProduct:
    """`matrices` stored matrices of [channels of each pixel of a window, outputs], and the vectors they see.

    A matrix product has one axis, of its vectors, with windows of one pixel. A convolution's groups and the
    heads of an attention product are matrices.
    """

    matrices: int
    channels: int
    outputs: int
    axes: tuple[Axis, ...]
    sizes: tuple[int, ...]
    """Output positions along each axis."""
    pictures: int
    input_digits: int
    """Digits of `dac_bits` bits of an input."""
