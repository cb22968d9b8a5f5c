"""How big a layer is, for the cost model and the report."""

from math import prod

from cimc.cost import LayerShape, groups_in_matrix
from cimc.dialects.cim.layers import ConvOp, LayerOp
from cimc.dialects.tensor_types import shape_of
from cimc.runtime.encoding import Encoding
from cimc.target import Target


def layer_shape(layer: LayerOp) -> LayerShape:
    """The matrices and vectors of a layer, with its groups packed as the IR says."""
    packed = layer.groups_per_matrix.value.data if isinstance(layer, ConvOp) else 1
    return _shape(layer, packed)


def packed_shape(layer: LayerOp, encoding: Encoding, target: Target) -> LayerShape:
    """The matrices and vectors of a layer, with its groups packed as well as an encoding allows."""
    return _shape(layer, groups_for(layer, encoding, target))


def groups_for(layer: LayerOp, encoding: Encoding, target: Target) -> int:
    """How many groups of a layer go into one matrix."""
    if not isinstance(layer, ConvOp):
        return 1
    w, groups = shape_of(layer.w), layer.groups.value.data
    if groups == 1:
        return 1
    return groups_in_matrix(groups, prod(w[1:]), w[0] // groups, encoding, target)


def _shape(layer: LayerOp, packed: int) -> LayerShape:
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
