"""What CIM-AQ's agent sees of layers, by hand."""

import numpy as np

from cimc.cost import LayerShape
from cimc.rl.features import LayerFeatures
from cimc.rl.layer_states import layer_states


def test_states_of_each_kind():
    layers = [
        LayerFeatures(LayerShape("conv", "Conv2D", 8, 27, 64, 1, 216), 9, 2, 1, False),
        LayerFeatures(LayerShape("depthwise", "Conv2D", 1, 9, 64, 8, 72), 9, 1, 8, False),
        LayerFeatures(LayerShape("heads", "MatMul", 4, 5, 6, 2, 40), 1, 1, 1, True),
        LayerFeatures(LayerShape("dense", "Dense", 11, 8, 1, 1, 88), 1, 1, 1, False),
    ]
    raw = np.array(
        [
            [0, 3, 8, 2, 3, 216, 256, 0],
            [1, 8, 8, 1, 3, 72, 64, 1],
            [3, 5, 4, 0, 1, 40, 6, 2],
            [2, 8, 11, 0, 1, 88, 1, 3],
        ]
    )
    np.testing.assert_allclose(layer_states(layers), (raw - raw.min(0)) / np.ptp(raw, axis=0))


def test_what_all_layers_share_stays_as_it_is():
    dense = LayerFeatures(LayerShape("dense", "Dense", 11, 8, 5, 1, 88), 1, 1, 1, False)
    np.testing.assert_array_equal(layer_states([dense]), [[2, 8, 11, 0, 1, 88, 5, 0]])
