"""What a search works on: its parts agree with each other, and models it can do nothing with are refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper
from rl.tiny_search import (
    INPUT,
    TRAIN,
    VALIDATION,
    pictures,
    tiny_network,
    tiny_spec,
)
from tools.tiny_models import model, node, qcdq, serialized, weights

from cimc.errors import CimcError
from cimc.pipelines import Options
from cimc.policy import Widths
from cimc.program import compile
from cimc.rl.network.scores import outputs_of
from cimc.rl.network.training import Training
from cimc.rl.problem import Problem, SensitivityMethod
from cimc.rl.tensors import tensor_of
from cimc.tools.compare import reference_outputs

_helper = cast(Any, helper)


def test_reference_is_the_given_model(problem: Problem) -> None:
    """Also after the search's own network has been quantised."""
    x = problem.data.validation.x
    problem.evaluator.evaluate(problem.space.fastest, "quick")
    expected = reference_outputs(problem.spec.model, {"x": x})["y"]
    reference = problem.evaluator.reference
    np.testing.assert_allclose(reference.outputs.numpy(), expected, atol=1e-4)
    np.testing.assert_allclose(outputs_of(problem.given, tensor_of(x)).numpy(), expected, atol=1e-4)
    assert reference.accuracy == 100
    assert len(reference.labels) == VALIDATION


def test_reports_are_the_compilers(problem: Problem) -> None:
    """On one crossbar, the latency that a search counts with is also that of the report."""
    space = problem.space
    for choices in (space.widest, space.fastest):
        total: Any = problem.report(choices)["total"]
        assert total["latency_us"] == pytest.approx(space.latency_of(choices) / 1e6, abs=1e-9)
        assert total["speedup"] == pytest.approx(space.speedup(choices), rel=1e-9)


def test_widest_options_are_8_bits_and_constraints_hold(problem: Problem) -> None:
    space = problem.space
    assert {space.options[i] for i in space.widest} == {Widths(8, 8)}
    assert {o.weight_bits for o in space.options} == {2, 4, 8} == {o.activation_bits for o in space.options}
    assert space.allowed.any(1).all()
    assert space.layers == ("conv1", "conv2", "fc")
    assert len(problem.features) == len(space.layers)


def test_built_again_it_is_the_same(problem: Problem) -> None:
    again = Problem(problem.spec)
    assert (again.space.latency_ps == problem.space.latency_ps).all()
    assert (again.sensitivities.total == problem.sensitivities.total).all()
    choices = problem.space.uniform(Widths(4, 4))
    a, b = (one.evaluator.evaluate(choices, "quick") for one in (problem, again))
    assert replace(a, seconds=0) == replace(b, seconds=0)


def test_progress_is_told(files: tuple[Path, Path]) -> None:
    told: list[str] = []
    Problem(tiny_spec(*files), told.append)
    assert told[0] == "reading the model"
    assert len(told) == len(set(told)) > 3


def test_file_for_a_batch_of_its_own(tmp_path: Path, problem: Problem) -> None:
    """A model exported for so many pictures at a time; 60 pictures to select with are no multiple of 7."""
    bias = cast(Any, problem.network.layers["fc"]).inner.bias.detach().numpy()
    path = tmp_path / "fixed.onnx"
    for batch in (4, 7):
        path.write_bytes(serialized(tiny_network((batch, *INPUT), bias=bias)))
        fixed = Problem(replace(problem.spec, model=path))
        assert fixed.network.input_shape == INPUT
        given, expected = (one.evaluator.reference.outputs.numpy() for one in (fixed, problem))
        np.testing.assert_allclose(given, expected, atol=1e-4)
        for choices in (problem.space.widest, problem.space.uniform(Widths(4, 4))):
            a, b = (one.evaluator.evaluate(choices, "quick") for one in (problem, fixed))
            assert a.divergence == pytest.approx(b.divergence, rel=0.01)


def test_model_with_its_own_quantisation(tmp_path: Path) -> None:
    """Drops are counted from what the quantised file says, not from its float weights."""
    path = tmp_path / "qcdq.onnx"
    path.write_bytes(serialized(qcdq()))
    x = 4 * np.abs(weights(80, 6))
    y = reference_outputs(path, {"x": x})["y"].argmax(1)
    cast(Any, np.savez)(tmp_path / "data.npz", x_train=x, y_train=y, x_val=x, y_val=y)
    problem = Problem(tiny_spec(path, tmp_path / "data.npz"))
    expected = reference_outputs(path, {"x": problem.data.validation.x})["y"]
    np.testing.assert_allclose(problem.evaluator.reference.outputs.numpy(), expected, atol=1e-4)
    assert problem.evaluator.reference.accuracy == 100


def test_a_file_whose_quantiser_clips_teaches_what_it_gives(
    files: tuple[Path, Path], tmp_path: Path, problem: Problem
) -> None:
    """Statistics are restored to, and training aims at, the network with the quantisers of its file."""
    clipping = onnx.load_from_string(files[0].read_bytes())
    clipping.graph.node[-1].input[0] = "dq"
    clipping.graph.node.extend(
        (node("QuantizeLinear", "e scale zero", "q"), node("DequantizeLinear", "q scale zero", "dq"))
    )
    clipping.graph.node.append(clipping.graph.node.pop(-3))
    numbers = {"scale": np.float32(0.05), "zero": np.int8(0)}
    clipping.graph.initializer.extend(numpy_helper.from_array(np.array(v), k) for k, v in numbers.items())
    path = tmp_path / "clipping.onnx"
    path.write_bytes(serialized(clipping))
    training = Training(20, rate=1e-2, batch=16)
    clipped = Problem(replace(problem.spec, model=path, short=training))
    x = clipped.data.validation.x
    wanted = reference_outputs(path, {"x": x})["y"]
    np.testing.assert_allclose(clipped.evaluator.reference.outputs.numpy(), wanted, atol=1e-4)
    quick, short = (clipped.evaluator.evaluate(clipped.space.widest, rung) for rung in ("quick", "short"))
    assert quick.divergence < 0.01
    assert short.divergence < 0.1


@pytest.mark.parametrize("method", ["measured", "fisher"])
def test_model_that_ends_in_softmax(
    tmp_path: Path, files: tuple[Path, Path], method: SensitivityMethod
) -> None:
    """It is the same classifier, whose widths cost the same."""
    probabilities = onnx.load_from_string(files[0].read_bytes())
    probabilities.graph.node[-1].output[0] = "scores"
    probabilities.graph.node.append(node("Softmax", "scores", "y", axis=1))
    path = tmp_path / "softmax.onnx"
    path.write_bytes(serialized(probabilities))
    training = Training(0.3, batch=16)
    problems = [
        Problem(replace(tiny_spec(one, files[1]), full=training, sensitivity_method=method))
        for one in (files[0], path)
    ]
    one, other = (problem.sensitivities.total for problem in problems)
    np.testing.assert_allclose(one, other, rtol=0.01, atol=1e-5)
    for rung in ("quick", "full"):
        choices = problems[0].space.uniform(Widths(4, 4))
        a, b = (problem.evaluator.evaluate(choices, rung) for problem in problems)
        assert b.divergence == pytest.approx(a.divergence, rel=0.05)
        assert b.drop == pytest.approx(a.drop, abs=4)


# Models that a search can do nothing with.


def with_head(*nodes: Any, **arrays: Any) -> ModelProto:
    """A convolution, and what comes after it."""
    body = [node("Conv", "x conv.weight", "c"), node("Relu", "c", "r")]
    return model([*body, *nodes], ["N", *INPUT], **{"conv.weight": weights(4, 1, 3, 3)}, **arrays)


def dense_head(w: Any) -> ModelProto:
    pool, flatten = node("GlobalAveragePool", "r", "g"), node("Flatten", "g", "f")
    return with_head(pool, flatten, node("Gemm", "f w", "y", transB=1), w=w)


def two_inputs() -> ModelProto:
    proto = tiny_network()
    graph = cast(Any, proto).graph
    graph.input.append(_helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", 3]))
    graph.node[-1].output[0] = "t"
    graph.node.append(node("Add", "t z", "y"))
    return proto


def two_heads() -> ModelProto:
    """The second output has a convolution of its own."""
    proto = dense_head(weights(3, 4))
    graph = cast(Any, proto).graph
    graph.node.append(node("Conv", "r aux.weight", "z"))
    graph.initializer.append(cast(Any, numpy_helper).from_array(weights(2, 4, 1, 1), "aux.weight"))
    graph.output.append(_helper.make_tensor_value_info("z", TensorProto.FLOAT, ["N", 2, 4, 4]))
    return proto


@pytest.mark.parametrize(
    ("proto", "parts"),
    [
        (model([node("Flatten", "x", "f"), node("Relu", "f", "y")], ["N", *INPUT]), ["layers", "crossbars"]),
        (with_head(node("Identity", "r", "y")), ["[pictures, classes]", "[1, 4, 4, 4]"]),
        (
            with_head(node("Reshape", "r s", "y"), s=np.array([-1, 4], np.int64)),
            ["[pictures, classes]", "[16, 4]"],
        ),
        (
            with_head(node("ReduceMean", "r a", "y", keepdims=0), a=np.array([1, 2, 3], np.int64)),
            ["[pictures, classes]", "[1]"],
        ),
        (dense_head(weights(1, 4)), ["some classes", "[1, 1]"]),
        (two_inputs(), ["one input", "2"]),
        (two_heads(), ["layer 'aux'", "first output"]),
        (with_head(node("ArgMax", "r", "y")), ["ArgMax", "not supported"]),
    ],
)
def test_model_that_is_no_classifier(
    tmp_path: Path, files: tuple[Path, Path], proto: ModelProto, parts: list[str]
) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(serialized(proto))
    with pytest.raises(CimcError) as error:
        Problem(tiny_spec(path, files[1]))
    for text in parts:
        assert text in str(error.value)


@pytest.mark.parametrize("weight", [np.nan, np.inf, 3e38])
def test_model_whose_outputs_are_not_finite(tmp_path: Path, files: tuple[Path, Path], weight: float) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(serialized(dense_head(np.full((3, 4), weight, np.float32))))
    with pytest.raises(CimcError, match=r"outputs|finite"):
        Problem(tiny_spec(path, files[1]))


def test_pictures_for_another_network(tmp_path: Path, files: tuple[Path, Path]) -> None:
    path = tmp_path / "bad.onnx"
    path.write_bytes(serialized(model([node("Gemm", "x w", "y")], ["N", 36], w=weights(36, 3))))
    with pytest.raises(CimcError) as error:
        Problem(tiny_spec(path, files[1]))
    assert f"float pictures [n, 36], got float32 [{TRAIN}, 1, 6, 6]" in str(error.value)


def test_vectors_are_no_pictures_to_augment(tmp_path: Path, files: tuple[Path, Path]) -> None:
    path = tmp_path / "vectors.onnx"
    path.write_bytes(serialized(model([node("Gemm", "x w", "y")], ["N", 36], w=weights(36, 3))))
    with np.load(files[1]) as arrays:
        data = {name: a.reshape(len(a), 36) if name[0] == "x" else a for name, a in arrays.items()}
    cast(Any, np.savez)(tmp_path / "data.npz", **data)
    training = Training(0.1, augmentation="shift")
    spec = replace(tiny_spec(path, tmp_path / "data.npz"), short=training, full=training)
    with pytest.raises(CimcError, match=r"--augment shift needs pictures .*\[36\]"):
        Problem(spec)
    Problem(replace(spec, full=replace(training, augmentation="none")))


def test_classes_that_the_network_does_not_know(tmp_path: Path, files: tuple[Path, Path]) -> None:
    path = tmp_path / "two.onnx"
    path.write_bytes(serialized(dense_head(weights(2, 4))))
    with pytest.raises(CimcError, match="classes from 0 to 2, the network's outputs are 0 to 1"):
        Problem(tiny_spec(path, files[1]))


def test_mapping_that_the_target_has_not(files: tuple[Path, Path]) -> None:
    """The search says the same as the compiler."""
    spec = tiny_spec(*files)
    target = replace(spec.target, reads=("differential",))
    with pytest.raises(CimcError) as compilers:
        compile(files[0], target=target, mapping="offset", emit="xbar", calibrate={"x": pictures(8)})
    with pytest.raises(CimcError) as error:
        Problem(replace(spec, target=target, mapping=Options(mapping="offset")))
    assert str(error.value) == str(compilers.value)
