"""Policies are evaluated on one network, and each evaluation is for itself."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch_networks import WIDTHS, exported, network_of, pictures

from cimc.policy import Widths
from cimc.rl.network.calibrate import calibrate
from cimc.rl.network.evaluator import NetworkEvaluator, Pictures
from cimc.rl.network.export import export_qcdq
from cimc.rl.network.scores import Reference, outputs_of
from cimc.rl.network.statistics import Statistics
from cimc.rl.network.tensors import tensor
from cimc.rl.network.training import Training
from cimc.rl.space import Space
from cimc.tools.compare import reference_outputs

NARROW, WIDE = Widths(2, 3), Widths(8, 8)


@pytest.fixture(scope="module", params=["cnn", "vit"])
def evaluator(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> NetworkEvaluator:
    """Of pictures whose classes the float network knows."""
    network = network_of(exported(request.param, tmp_path_factory.mktemp("model") / "model.onnx"))
    calibrate(network, [pictures(16)], WIDTHS)
    x, validation = pictures(64, seed=3), pictures(60, seed=4)
    outputs = outputs_of(network, validation)
    shape = len(network.layers), 2
    space = Space(tuple(network.layers), (NARROW, WIDE), np.ones(shape, np.int64), np.ones(shape, bool), 1)
    return NetworkEvaluator(
        network,
        copy.deepcopy(network),
        Reference(outputs, outputs.argmax(1)),
        space,
        Statistics(network, pictures(16)),
        x,
        Pictures(validation, outputs.argmax(1)),
        {"short": Training(8, rate=5e-3, batch=16)},
        seed=1,
    )


def test_evaluations_do_not_depend_on_each_other(evaluator: NetworkEvaluator) -> None:
    count = len(evaluator.space.layers)
    narrow, wide = (0,) * count, (1,) * count
    before = [evaluator.evaluate(choices, "quick") for choices in (narrow, wide)]
    evaluator.evaluate(narrow, "short")
    mixed = tuple(i % 2 for i in range(count))
    evaluator.evaluate(mixed, "quick")
    after = [evaluator.evaluate(choices, "quick") for choices in (narrow, wide)]
    for a, b in zip(before, after, strict=True):
        assert (a.choices, a.rung, a.drop, a.drop_error) == (b.choices, b.rung, b.drop, b.drop_error)
        assert a.divergence == b.divergence
    assert before[1].divergence < before[0].divergence / 10
    assert before[1].drop <= before[0].drop


def test_training_is_repeatable(evaluator: NetworkEvaluator) -> None:
    narrow = (0,) * len(evaluator.space.layers)
    quick, short, again = (evaluator.evaluate(narrow, rung) for rung in ("quick", "short", "short"))
    assert short.divergence != quick.divergence
    assert (short.drop, short.divergence) == (again.drop, again.divergence)
    assert short.rung == "short"


def test_a_trained_network_is_the_file_that_is_written(evaluator: NetworkEvaluator, tmp_path: Path) -> None:
    """The evaluation is that of the exported file, executed."""
    choices = tuple(i % 2 for i in range(len(evaluator.space.layers)))
    steps: list[tuple[int, int]] = []
    evaluator.stepped = lambda step, count, loss: steps.append((step, count))
    network = evaluator.trained(choices, "short")
    assert steps == [(i + 1, 32) for i in range(32)]
    export_qcdq(network, tmp_path / "qcdq.onnx")
    x = pictures(60, seed=4)
    outputs = tensor(reference_outputs(tmp_path / "qcdq.onnx", {"x": x.numpy()})["logits"])
    evaluation = evaluator.evaluate(choices, "short")
    # A picture may fall on the other side where a code does.
    assert evaluator.reference.drop(outputs)[0] == pytest.approx(evaluation.drop, abs=100 / 60 + 1e-9)
    assert evaluator.reference.divergence(outputs) == pytest.approx(evaluation.divergence, rel=0.05)
    with torch.no_grad():
        assert (network(x) - outputs).abs().median() < 1e-5


@torch.no_grad()
def test_a_trained_network_comes_back_from_its_state(evaluator: NetworkEvaluator) -> None:
    """Whatever was evaluated in between, and to the last bit."""
    choices = tuple(i % 2 for i in range(len(evaluator.space.layers)))
    x = pictures(60, seed=4)
    for rung in ("quick", "short"):
        with torch.enable_grad():
            evaluation, state = evaluator.evaluated(choices, rung)
        assert (state is None) == (rung == "quick")
        evaluator.evaluate((0,) * len(choices), "quick")
        network = evaluator.restored(choices, state)
        assert evaluator.reference.divergence(outputs_of(network, x)) == pytest.approx(
            evaluation.divergence, rel=1e-3
        )
    with torch.enable_grad():
        trained = evaluator.trained(choices, "short")
    assert torch.equal(trained(x), network(x))
