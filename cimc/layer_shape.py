"""How big a layer is: for the report, the cost model, and what chooses a mapping."""

from math import prod

from cimc.context import CimcContext
from cimc.cost import LayerShape, groups_in_matrix
from cimc.dialects.cim.layers import ConvOp, LayerOp
from cimc.dialects.tensor_types import shape_of
from cimc.mapping.choose import unpacked
from cimc.mapping.layer_product import LayerProduct
from cimc.mapping.structure import Packing
from cimc.passes.codes import streamed_bits
from cimc.runtime.encoding import Encoding
from cimc.runtime.packing import Axis
from cimc.target import Target


def layer_shape(layer: LayerOp) -> LayerShape:
    """The matrices and vectors of a layer whose weights are stored, its groups packed as the IR says.

    Where the inputs are stored, as if nothing were packed.
    """
    name = layer.layer.data
    w, y = shape_of(layer.w), shape_of(layer.y)
    if isinstance(layer, ConvOp):
        groups = layer.groups.value.data
        packing = None if layer.stationary is not None else layer.packing
        packed = 1 if packing is None else packing.data.groups
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


def layer_product(ctx: CimcContext, layer: LayerOp, target: Target) -> LayerProduct:
    """What a layer multiplies in its precision, with its operands in the places they have."""
    plain = plain_product(layer, target, streamed_bits(ctx, layer))
    if layer.stationary is None:
        return plain
    inputs = plain.channels * prod(axis.kernel for axis in plain.axes)
    vectors = plain.pictures * prod(plain.sizes)
    return LayerProduct(plain.matrices, inputs, vectors, (Axis(),), (plain.outputs,), 1, plain.input_digits)


def plain_product(layer: LayerOp, target: Target, bits: int) -> LayerProduct:
    """What a layer multiplies when its weights are stored and so many bits stream."""
    w, y = shape_of(layer.w), shape_of(layer.y)
    digits = target.input_digits(bits)
    if isinstance(layer, ConvOp):
        groups = layer.groups.value.data
        return LayerProduct(groups, w[1], w[0] // groups, layer.axes, y[2:], y[0], digits)
    inputs, outputs = w[-2:]
    matrices = prod(w[:-2])
    vectors = prod(y[:-1]) // matrices
    return LayerProduct(matrices, inputs, outputs, (Axis(),), (vectors,), 1, digits)


def packing_of(layer: LayerOp, product: LayerProduct) -> Packing:
    """The packing that the IR says, or none."""
    return layer.packing.data if layer.packing is not None else unpacked(product)


def paper_packing(layer: LayerOp, encoding: Encoding, target: Target) -> Packing:
    """As many groups of a convolution in one matrix as fit a crossbar."""
    rank = len(shape_of(layer.w)) - 2 if isinstance(layer, ConvOp) else 1
    w, groups = shape_of(layer.w), layer.groups.value.data if isinstance(layer, ConvOp) else 1
    if groups > 1:
        groups = groups_in_matrix(groups, prod(w[1:]), w[0] // groups, encoding, target)
    return Packing(groups, (1,) * rank)
