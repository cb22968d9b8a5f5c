"""The mixed-precision network of `examples/models` on all 10,000 test pictures, on crossbars."""

import ast
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import fashion_mnist
import numpy as np
import pytest

import cimc
from cimc.dialects.cim.layers import LayerOp
from cimc.dialects.weights import LoadOp
from cimc.interpreters.weights import loaded_array
from cimc.program import Program
from cimc.runtime.arrays import Array
from cimc.tools.compare import compare, reference_outputs

EXAMPLES = Path(fashion_mnist.__file__).parent
BATCH = 500

CONSUMES = {
    "stem": "INPUT_BITS",
    "conv": "stem",
    "block.conv1": "conv",
    "block.conv2": "block.conv1",
    "depthwise": "block.conv2",
    "pointwise": "depthwise",
    "classifier": "POOLED_BITS",
}
"""Of each layer, which activation of the training script it takes."""


def model(form: str) -> Path:
    return EXAMPLES / "models" / f"fashion_mixed_{form}.onnx"


@pytest.fixture(scope="module")
def pictures() -> tuple[Array, Array]:
    try:
        return fashion_mnist.load("test")
    except (OSError, subprocess.CalledProcessError) as e:
        pytest.skip(f"the package {fashion_mnist.PACKAGE} is neither there nor to be had: {e}")


@pytest.fixture(scope="module")
def logits(pictures: tuple[Array, Array]) -> Callable[[str], Array]:
    """The outputs of a file's program for all pictures, computed once."""

    @cache
    def run(form: str) -> Array:
        return cimc.compile(model(form), batch=BATCH).run(pictures[0])["logits"]

    return run


@cache
def trained() -> dict[str, Any]:
    """The tables of widths in the training script, which is not imported: it needs torch."""
    tree = ast.parse((EXAMPLES / "train_fashion_mnist.py").read_text())
    return {
        target.id: ast.literal_eval(statement.value)
        for statement in tree.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name) and target.id in ("WIDTHS", "INPUT_BITS", "POOLED_BITS")
    }


def layers(program: Program) -> dict[str, LayerOp]:
    """The layers by the name of their module in the training script."""
    found: dict[str, LayerOp] = {}
    for op in program.module.walk():
        if isinstance(op, LayerOp):
            (name,) = trained()["WIDTHS"].keys() & set(op.all_names())
            found[name] = op
    return found


@pytest.mark.parametrize("form", ["qcdq", "qonnx"])
def test_widths_are_those_trained(form: str) -> None:
    """A layer's activation width is that of what it takes, not of what it gives."""
    widths = trained()["WIDTHS"]
    program = cimc.compile(model(form), emit="cim")
    found = layers(program)
    assert found.keys() == widths.keys() == CONSUMES.keys()
    for name, layer in found.items():
        source = CONSUMES[name]
        activation = trained()[source] if source in trained() else widths[source][1]
        assert layer.precision is not None
        assert (layer.precision.weight, layer.precision.activation) == (widths[name][0], activation), name
        assert isinstance(layer.w.owner, LoadOp)
        codes = loaded_array(layer.w.owner, program.ctx.tensors)
        assert codes.dtype == np.int8
        largest = 2 ** (widths[name][0] - 1) - 1
        assert np.abs(codes.astype(int)).max() == largest, f"{name}: some weight uses the whole width"


def test_top1_is_onnxruntimes(
    pictures: tuple[Array, Array], logits: Callable[[str], Array], capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("onnxruntime")
    x, y = pictures
    parts = np.split(x, len(x) // BATCH)
    expected = np.concatenate([reference_outputs(model("qcdq"), {"x": part})["logits"] for part in parts])
    found = logits("qcdq")
    comparison = compare("logits", found, expected, None)
    accuracy = 100 * float((found.argmax(1) == y).mean())
    with capsys.disabled():
        print(
            f"\nFashion-MNIST on crossbars: {accuracy:.2f} %, top-1 as onnxruntime's for "
            f"{comparison.same_top1} of {len(x)} ({comparison.ties} exact ties), logits within "
            f"{comparison.steps:.2g} steps of 8 bits"
        )
    assert len(x) == 10_000
    assert comparison.same_top1 + comparison.ties == len(x)
    # Equal but for float32's rounding, which in a few pictures turns a code at the middle between two.
    assert (np.abs(found - expected).max(axis=1) < 1e-4).mean() > 0.99
    assert comparison.steps <= 2
    assert accuracy > 88


def test_qonnx_gives_the_same_numbers(logits: Callable[[str], Array]) -> None:
    assert np.array_equal(logits("qonnx"), logits("qcdq"))
