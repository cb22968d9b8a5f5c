"""What an agent knows of a layer besides its options."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log2

from cimc.cost import LayerShape
from cimc.dialects.cim.layers import ConvOp, LayerOp
from cimc.layer_shape import layer_shape


@dataclass(frozen=True)
class LayerFeatures:
    """A layer as agents see it."""

    shape: LayerShape
    kernel: int
    """Weights that one output sees of a channel; 1 for a matrix product."""
    stride: int
    groups: int
    is_computed: bool
    """Whether the stored operand is computed at run time."""

    def vector(self) -> list[float]:
        """About in [0, 1]: kind, kernel, stride, groups, and sizes by their logarithms."""
        shape = self.shape
        sizes = (shape.inputs, shape.outputs, shape.vectors, shape.repeats, shape.weights, self.groups)
        return [
            float(self.kernel > 1),
            float(self.is_computed),
            self.kernel / 49,
            self.stride / 4,
            *(log2(max(1, size)) / 24 for size in sizes),
        ]


def features_of(layers: Sequence[LayerOp]) -> list[LayerFeatures]:
    """The features of each layer."""
    return [_features(layer) for layer in layers]


def _features(layer: LayerOp) -> LayerFeatures:
    kernel = stride = groups = 1
    if isinstance(layer, ConvOp):
        for size in layer.kernel:
            kernel *= size
        stride = max(layer.strides.get_values())
        groups = layer.groups.value.data
    return LayerFeatures(layer_shape(layer), kernel, stride, groups, layer.is_computed)
