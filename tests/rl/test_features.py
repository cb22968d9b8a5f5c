"""What agents know of layers, by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tools.tiny_models import MODELS, model, node, serialized, weights

from cimc.context import new_context
from cimc.cost import LayerShape
from cimc.driver import run_pipeline
from cimc.frontend.importer import import_onnx
from cimc.pipelines import layers_pipeline
from cimc.rl.features import LayerFeatures, features_of
from cimc.what_if import layers_of


def features(proto: bytes, folder: Path) -> list[LayerFeatures]:
    path = folder / "model.onnx"
    path.write_bytes(proto)
    ctx = new_context()
    module = import_onnx(path, ctx.tensors, 1)
    run_pipeline(ctx, module, layers_pipeline())
    return features_of(layers_of(module))


def test_convolutions_and_a_dense_layer(tmp_path: Path):
    first, depthwise, dense = features(serialized(MODELS["conv"]()), tmp_path)
    assert (first.kernel, first.stride, first.groups, first.is_computed) == (9, 1, 1, False)
    assert (first.shape.inputs, first.shape.outputs, first.shape.vectors) == (27, 4, 64)
    assert (depthwise.kernel, depthwise.stride, depthwise.groups) == (9, 2, 4)
    assert (depthwise.shape.repeats, depthwise.shape.weights) == (4, 36)
    assert (dense.kernel, dense.stride, dense.groups, dense.is_computed) == (1, 1, 1, False)


@pytest.mark.parametrize(
    ("kernel", "strides"), [((5,), (3,)), ((3, 1), (1, 2)), ((2, 2, 3), (1, 3, 2)), ((1, 1), (1, 1))]
)
def test_a_kernel_has_all_its_weights_and_the_greatest_stride_counts(
    kernel: tuple[int, ...], strides: tuple[int, ...], tmp_path: Path
):
    nodes = [node("Conv", "x w", "y", strides=strides)]
    proto = model(nodes, [1, 2, *[7] * len(kernel)], w=weights(3, 2, *kernel))
    [found] = features(serialized(proto), tmp_path)
    assert (found.kernel, found.stride) == (np.prod(kernel), max(strides))
    assert found.vector()[0] == float(found.kernel > 1)


def test_products_of_two_computed_values_are_told_apart(tmp_path: Path):
    found = features(serialized(MODELS["attention"]()), tmp_path)
    assert [feature.is_computed for feature in found] == [False] * 3 + [True] * 2 + [False]
    # Two heads, each a matrix.
    assert [feature.shape.repeats for feature in found] == [1, 1, 1, 2, 2, 1]
    assert [feature.vector()[1] for feature in found] == [0, 0, 0, 1, 1, 0]


def test_numbers_are_about_1_at_most_and_tell_layers_apart():
    """The largest layers of large networks: VGG-16's first dense one, ResNet-50's first convolution."""
    dense = LayerFeatures(LayerShape("fc", "Dense", 4096, 25088, 1, 1, 4096 * 25088), 1, 1, 1, False)
    conv = LayerFeatures(LayerShape("conv", "Conv2D", 64, 147, 12544, 1, 9408), 49, 2, 1, False)
    deep = LayerFeatures(LayerShape("dw", "Conv2D", 1, 9, 3136, 512, 4608), 9, 1, 512, False)
    vectors = [feature.vector() for feature in (dense, conv, deep)]
    assert all(0 <= value <= 1.2 for vector in vectors for value in vector)
    assert len({len(vector) for vector in vectors}) == 1
    wider = replace(conv, shape=replace(conv.shape, outputs=128))
    assert sum(a != b for a, b in zip(wider.vector(), conv.vector(), strict=True)) == 1
    for other in (replace(conv, stride=1), replace(conv, kernel=25), replace(conv, groups=2)):
        assert other.vector() != conv.vector()
