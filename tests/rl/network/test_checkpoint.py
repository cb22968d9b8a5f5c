"""A training that was interrupted gives the network that it would have given."""

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from rl.tiny_search import tiny_spec

from cimc.rl.network import checkpoint as checkpoint_module
from cimc.rl.network.checkpoint import Checkpoint
from cimc.rl.network.network import Network
from cimc.rl.network.training import Training, train
from cimc.rl.problem import Problem
from cimc.rl.tensors import tensor_of

STEPS = 24
TRAINING = Training(3, rate=5e-3, batch=15, augmentation="shift-flip")
"""Of 120 pictures: 8 steps an epoch."""


class Stopped(Exception):
    """The process is killed."""


def trained(
    problem: Problem, checkpoint: Checkpoint | None = None, stop: int | None = None
) -> tuple[Network, list[int]]:
    """The trained network, and the steps that were made; killed after step `stop`."""
    network, teacher = copy.deepcopy(problem.network), copy.deepcopy(problem.network)
    problem.evaluator.quantize(network, (0,) * len(problem.space.layers))
    teacher.quantize(False)
    steps: list[int] = []

    def stepped(step: int, count: int, loss: float) -> None:
        assert count == STEPS
        steps.append(step)
        if step == stop:
            raise Stopped

    train(network, teacher, tensor_of(problem.data.training.x), TRAINING, 1, stepped, checkpoint)
    return network, steps


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """A checkpoint after each step."""
    monkeypatch.setattr(checkpoint_module, "EVERY_S", 0.0)


def same(a: Network, b: Network) -> bool:
    return all(map(torch.equal, a.parameters(), b.parameters()))


@pytest.mark.usefixtures("always")
def test_goes_on_from_the_last_checkpoint(problem: Problem, tmp_path: Path) -> None:
    """Wherever it is stopped, several times, within an epoch or at its end: equal to the last bit."""
    whole, steps = trained(problem)
    assert steps == list(range(1, STEPS + 1))
    path = tmp_path / "new" / "checkpoint.pt"
    for stop in (1, 3, 8, 13, 16, 23):
        with pytest.raises(Stopped):
            trained(problem, Checkpoint(path), stop)
        assert path.exists()
    resumed, steps = trained(problem, Checkpoint(path))
    assert steps == [24]
    assert same(resumed, whole)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_a_checkpoint_is_written_only_when_it_is_due(problem: Problem, tmp_path: Path) -> None:
    checkpoint = Checkpoint(tmp_path / "checkpoint.pt")
    with pytest.raises(Stopped):
        trained(problem, checkpoint, 10)
    assert not list(tmp_path.iterdir())
    checkpoint.remove()


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04" + bytes(100)])
def test_what_cannot_be_read_is_no_checkpoint(problem: Problem, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(content)
    assert Checkpoint(path).load() is None


@pytest.mark.usefixtures("always")
def test_where_nothing_can_be_written_it_trains_all_the_same(problem: Problem, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    network, steps = trained(problem, Checkpoint(tmp_path / "file" / "checkpoint.pt"))
    assert len(steps) == STEPS
    assert same(network, trained(problem)[0])


@pytest.mark.usefixtures("always")
def test_evaluations_go_on_and_leave_nothing(files: tuple[Path, Path], tmp_path: Path) -> None:
    """Each policy and rung from its own file."""
    spec = tiny_spec(*files, epochs=3)
    expected = Problem(spec).evaluator
    evaluator = Problem(replace(spec, checkpoints=tmp_path / "unfinished")).evaluator
    policies = [(0,) * len(evaluator.space.layers), evaluator.space.eight]
    asked: list[tuple[Any, Any]] = [(p, "full") for p in policies] + [(policies[0], "short")]

    def stop(step: int, steps: int, loss: float) -> None:
        if step == steps // 2:
            raise Stopped

    for choices, rung in asked:
        evaluator.stepped = stop
        with pytest.raises(Stopped):
            evaluator.evaluate(choices, rung)
    assert len(list((tmp_path / "unfinished").iterdir())) == 3
    for choices, rung in asked:
        steps: list[int] = []
        evaluator.stepped = lambda step, count, loss, steps=steps: steps.append(step)
        found, state = evaluator.evaluated(choices, rung)
        wanted, wanted_state = expected.evaluated(choices, rung)
        assert replace(found, seconds=0) == replace(wanted, seconds=0)
        assert state == wanted_state
        assert len(steps) < STEPS / (1 if rung == "full" else 6)
    assert not list((tmp_path / "unfinished").iterdir())
