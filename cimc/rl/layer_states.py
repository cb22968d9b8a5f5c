"""What CIM-AQ's agent sees of a layer."""

from collections.abc import Sequence

import numpy as np

from cimc.rl.features import LayerFeatures
from cimc.runtime.arrays import Array


def layer_states(features: Sequence[LayerFeatures]) -> Array:
    """Kind, channels in and out, stride, side of the kernel, weights, input size, index: float [layers, 8].

    Each column is scaled to [0, 1] over the layers; one that is the same for all stays as it is. So does
    CIM-AQ (`_build_state_embedding` in lib/env/linear_quantize_env.py). The size of the input is taken from
    that of the output and the stride.
    """
    states = np.array([[*_state(layer), index] for index, layer in enumerate(features)], np.float64)
    low, high = states.min(0), states.max(0)
    varies = high > low
    return np.where(varies, (states - low) / np.where(varies, high - low, 1), states)


def _state(layer: LayerFeatures) -> tuple[float, ...]:
    shape = layer.shape
    if not shape.kind.startswith("Conv"):
        # 3 is a product of two computed matrices; neither kind has a stride.
        kind = 3 if layer.is_computed else 2
        return (kind, shape.inputs, shape.outputs, 0, 1, shape.weights, shape.vectors)
    inputs, outputs = shape.inputs * shape.repeats // layer.kernel, shape.outputs * shape.repeats
    is_depthwise = layer.groups == inputs
    input_size = shape.vectors * layer.stride**2
    return (is_depthwise, inputs, outputs, layer.stride, layer.kernel**0.5, shape.weights, input_size)
