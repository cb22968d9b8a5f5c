"""Between pictures and the vectors of a convolution: what passes that make the matrix view share."""

from xdsl.ir import SSAValue

from cimc.dialects.cim.attributes import PackingAttr
from cimc.dialects.cim.digital import Im2colOp, ToImageOp
from cimc.dialects.cim.layers import ConvOp
from cimc.dialects.onnx.base import ints_attr
from cimc.dialects.tensor_types import Shape, element_type, retyped
from cimc.passes.builder import Builder


def vectors_of(build: Builder, layer: ConvOp, shape: Shape, packing: PackingAttr | None = None) -> SSAValue:
    """The input vectors of a convolution on codes, [matrices, vectors, inputs]."""
    im2col = Im2colOp.build(
        operands=[layer.x],
        result_types=[retyped(layer.x.type, element_type(layer.x), shape)],
        properties={
            "kernel": ints_attr(layer.kernel),
            "strides": layer.strides,
            "pads": layer.pads,
            "dilations": layer.dilations,
            "pad_code": layer.pad_code,
            **_packed(packing),
        },
    )
    return build.emit(im2col)


def picture_of(build: Builder, layer: ConvOp, sums: SSAValue, packing: PackingAttr | None = None) -> SSAValue:
    """The result of a convolution from its sums [matrices, vectors, outputs]."""
    image = ToImageOp.build(operands=[sums], result_types=[layer.y.type], properties=_packed(packing))
    return build.emit(image)


def _packed(packing: PackingAttr | None) -> dict[str, PackingAttr]:
    return {} if packing is None else {"packing": packing}
