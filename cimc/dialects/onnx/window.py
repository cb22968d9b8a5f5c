"""What slides a window over spatial axes: convolution and pooling."""

from abc import ABC

from xdsl.dialects.builtin import StringAttr
from xdsl.irdl import opt_prop_def, prop_def

from cimc.dialects.onnx.base import INTS, OnnxOp, one_of, python_value
from cimc.dialects.tensor_types import Shape
from cimc.runtime.kernels.geometry import spatial_axes


class WindowOp(OnnxOp, ABC):
    """An op with a window that slides over all axes of its input but the first two."""

    auto_pad = prop_def(
        one_of("NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"),
        default_value=StringAttr("NOTSET"),
    )
    dilations = opt_prop_def(INTS)
    pads = opt_prop_def(INTS)
    strides = opt_prop_def(INTS)

    def window_counts(self, x: Shape, kernel: Shape, *, ceil_mode: bool = False) -> Shape:
        """How many windows of shape `kernel` there are along each spatial axis of `x`."""
        if len(x) < 3:
            raise ValueError(f"x of shape {x} has no spatial dimension")
        strides: Shape = python_value(self.strides) or ()
        dilations: Shape = python_value(self.dilations) or ()
        pads: Shape = python_value(self.pads) or ()
        if any(n < 1 for n in (*kernel, *strides, *dilations)):
            raise ValueError("a kernel's sizes, strides and dilations are at least 1")
        if any(n < 0 for n in pads):
            raise ValueError(f"pads {pads} are negative")
        axes = spatial_axes(
            x[2:],
            kernel,
            strides=strides,
            dilations=dilations,
            pads=pads,
            auto_pad=self.auto_pad.data,
            ceil_mode=ceil_mode,
        )
        return tuple(axis.output for axis in axes)
