"""Trials in several processes, some of which are sent signals."""

import multiprocessing
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from killed import left_behind
from tools.tiny_models import dense, serialized, weights

import cimc
from cimc.errors import CimcError
from cimc.trials import Experiment, results

TRIALS = 300


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    (tmp_path / "dense.onnx").write_bytes(serialized(dense()))
    x = weights(1, 6)
    program = cimc.compile(tmp_path / "dense.onnx", calibrate={"x": x}, batch=1)
    program.save(tmp_path / "dense.mlir")
    target = cimc.load_target("rram-256x256-c4").with_noise(read_noise=0.1)
    return Experiment(tmp_path / "dense.mlir", target, seed=0, batches=[{"x": x}])


def numbers_after(experiment: Experiment, sent: signal.Signals) -> list[int]:
    """The trials that come, with a signal sent to all workers after the first."""
    with results(experiment, cimc.load(experiment.path), TRIALS, workers=2) as done:
        numbers = [next(done).trial]
        for worker in multiprocessing.active_children():
            assert worker.pid is not None
            os.kill(worker.pid, sent)
        return numbers + [result.trial for result in done]


def test_an_interruption_is_left_to_the_process_that_started_the_workers(experiment: Experiment) -> None:
    assert numbers_after(experiment, signal.SIGINT) == list(range(TRIALS))
    assert not multiprocessing.active_children()


def test_a_worker_that_is_killed_is_no_reason_to_wait_for_ever(experiment: Experiment) -> None:
    with pytest.raises(CimcError, match="a worker has ended before its work was done"):
        numbers_after(experiment, signal.SIGKILL)
    assert not multiprocessing.active_children()


def test_what_is_wrong_in_a_worker_is_said(experiment: Experiment) -> None:
    target = experiment.target.with_noise(fault_map="no.npz")
    wrong = Experiment(experiment.path, target, experiment.seed, experiment.batches)
    with (
        pytest.raises(CimcError, match=r"fault map no\.npz"),
        results(wrong, cimc.load(wrong.path), TRIALS, workers=2) as done,
    ):
        next(done)
    assert not multiprocessing.active_children()


def test_workers_are_no_more_than_what_is_to_be_done(experiment: Experiment) -> None:
    with results(experiment, cimc.load(experiment.path), 2, workers=1000) as done:
        first, second = [result.outputs["y"] for result in done]
    assert not np.array_equal(first, second)


KILLED = """
import sys
from pathlib import Path
import numpy as np
import cimc
from cimc.trials import Experiment, results

path = Path(sys.argv[1])
target = cimc.load_target("rram-256x256-c4").with_noise(read_noise=0.1)
experiment = Experiment(path, target, 0, [{"x": np.ones((1, 6), np.float32)}])
with results(experiment, cimc.load(path), 100_000, workers=2) as done:
    list(done)
"""


def test_workers_end_with_the_process_that_started_them(experiment: Experiment, tmp_path: Path) -> None:
    assert not left_behind(KILLED, tmp_path, experiment.path)
