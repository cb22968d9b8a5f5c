"""How big a layer is: for the report, the cost model, and what chooses a mapping."""

from dataclasses import replace
from math import prod

from cimc.cost import LayerShape, groups_in_matrix
from cimc.dialects.cim.layers import ConvOp, LayerOp, MatmulOp
from cimc.dialects.tensor_types import integer_of, shape_of, type_holding
from cimc.mapping.layer_product import LayerProduct
from cimc.mapping.structure import Packing
from cimc.runtime.encoding import Encoding
from cimc.runtime.packing import Axis
from cimc.target import Target


def layer_shape(layer: LayerOp) -> LayerShape:
    """The matrices and vectors of a layer, with its groups packed as the IR says."""
    packed = layer.packing.data.groups if isinstance(layer, ConvOp) and layer.packing else 1
    name = layer.layer.data
    w, y = shape_of(layer.w), shape_of(layer.y)
    if isinstance(layer, ConvOp):
        groups = layer.groups.value.data
        return LayerShape(
            name,
            f"Conv{len(w) - 2}D",
            outputs=packed * w[0] // groups,
            inputs=packed * prod(w[1:]),
            vectors=y[0] * prod(y[2:]),
            repeats=-(-groups // packed),
            weights=prod(w),
        )
    inputs, outputs = w[-2:]
    matrices = prod(w[:-2])
    return LayerShape(
        name,
        "MatMul" if layer.is_computed else "Dense",
        outputs,
        inputs,
        vectors=prod(y[:-1]) // matrices,
        repeats=matrices,
        weights=prod(w),
    )


def layer_product(layer: LayerOp, target: Target) -> LayerProduct:
    """What a layer multiplies in its precision, with its operands in the places they have."""
    assert layer.precision is not None
    plain = plain_product(layer, target, layer.precision.activation)
    return plain if layer.stationary is None else swapped_product(layer, target, plain)


def plain_product(layer: LayerOp, target: Target, activation_bits: int) -> LayerProduct:
    """What a layer multiplies when its weights are stored and its inputs have so many bits."""
    w, y = shape_of(layer.w), shape_of(layer.y)
    digits = target.input_digits(activation_bits)
    if isinstance(layer, ConvOp):
        groups = layer.groups.value.data
        windows = (layer.kernel, layer.strides.get_values(), layer.dilations.get_values())
        axes = tuple(Axis(*axis) for axis in zip(*windows, strict=True))
        return LayerProduct(groups, w[1], w[0] // groups, axes, y[2:], y[0], digits)
    inputs, outputs = w[-2:]
    matrices = prod(w[:-2])
    vectors = prod(y[:-1]) // matrices
    return LayerProduct(matrices, inputs, outputs, (Axis(),), (vectors,), 1, digits)


def swapped_product(layer: LayerOp, target: Target, plain: LayerProduct) -> LayerProduct:
    """What a product of two computed operands multiplies when its inputs are stored."""
    digits = target.input_digits(streamed_weight_bits(layer))
    (vectors,) = plain.sizes
    return replace(plain, outputs=vectors, sizes=(plain.outputs,), input_digits=digits)


def streamed_weight_bits(layer: LayerOp) -> int:
    """The bits of a computed operand's codes less their zero point, when it streams."""
    if layer.is_integer:
        return integer_of(layer.w).width.data
    stored = layer.stored_quantizer
    if stored is None or not stored.zero_point:
        assert layer.precision is not None
        return layer.precision.weight
    return type_holding(stored.low - stored.zero_point, stored.high - stored.zero_point).width.data


def may_swap(layer: LayerOp) -> bool:
    """Whether either operand may be stored: both are computed, and neither is stored for several matrices."""
    if not isinstance(layer, MatmulOp) or not layer.is_computed:
        return False
    return shape_of(layer.w)[:-2] == shape_of(layer.x)[:-2]


def packing_of(layer: LayerOp, product: LayerProduct) -> Packing:
    """The packing that the IR says, or none."""
    return layer.packing.data if layer.packing is not None else Packing(1, (1,) * len(product.axes))


def paper_packing(layer: LayerOp, encoding: Encoding, target: Target) -> Packing:
    """As many groups of a convolution in one matrix as fit a crossbar."""
    rank = len(shape_of(layer.w)) - 2 if isinstance(layer, ConvOp) else 1
    w, groups = shape_of(layer.w), layer.groups.value.data if isinstance(layer, ConvOp) else 1
    if groups > 1:
        groups = groups_in_matrix(groups, prod(w[1:]), w[0] // groups, encoding, target)
    return Packing(groups, (1,) * rank)
