"""The log that an interrupted search goes on from."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cimc.errors import CimcError
from cimc.pipelines import Options
from cimc.rl.constraints import Constraints
from cimc.rl.evaluation import RUNGS, Evaluation
from cimc.rl.log import NAME, EvaluationLog, fingerprint
from cimc.rl.network.training import Training
from cimc.rl.problem import ProblemSpec
from cimc.target import Target

FIRST = Evaluation((0, 3), "quick", 0.25, 0.1, 1e-7, 1.5)
SECOND = Evaluation((1, 2), "quick", -1 / 3, 0.1, 0.1 + 0.2, 1.5)
TRAINED = Evaluation((0, 3), "full", 0.5, 0.1, 12.0, 100)


def filled(path: Path) -> EvaluationLog:
    log = EvaluationLog(path, "mine")
    for evaluation in (FIRST, SECOND, TRAINED):
        log.add(evaluation)
    return log


def spec(folder: Path) -> ProblemSpec:
    model, data = folder / "model.onnx", folder / "data.npz"
    model.write_bytes(b"model")
    data.write_bytes(b"data")
    training = Training(1, 0.1)
    return ProblemSpec(
        model,
        data,
        Target("t"),
        Options(),
        Constraints(),
        validation=10,
        calibration=10,
        sensitivity=10,
        sensitivity_method="measured",
        short=training,
        full=training,
        seed=0,
    )


def test_keeps_evaluations_of_each_rung(tmp_path: Path):
    log = filled(tmp_path / NAME)
    assert log.get((0, 3), "quick") == FIRST
    assert log.get((0, 3), "full") == TRAINED
    assert log.get((0, 3), "short") is None
    assert log.get((3, 0), "quick") is None
    assert log.all() == [FIRST, SECOND, TRAINED]
    assert log.of_rung("quick") == [FIRST, SECOND]
    assert log.of_rung("short") == []


def test_goes_on_from_the_file_with_the_same_numbers(tmp_path: Path):
    filled(tmp_path / NAME)
    log = EvaluationLog(tmp_path / NAME, "mine")
    assert log.all() == [FIRST, SECOND, TRAINED]
    assert log.get((1, 2), "quick") == SECOND
    third = replace(FIRST, choices=(5, 5))
    log.add(third)
    assert EvaluationLog(tmp_path / NAME, "mine").all() == [FIRST, SECOND, TRAINED, third]


@given(
    st.lists(
        st.builds(
            Evaluation,
            st.lists(st.integers(0, 48), max_size=5).map(tuple),
            st.sampled_from(RUNGS),
            *[st.floats(allow_nan=False)] * 4,
        ),
        max_size=6,
    )
)
def test_any_numbers_come_back(tmp_path_factory: pytest.TempPathFactory, evaluations: list[Evaluation]):
    path = tmp_path_factory.mktemp("log") / NAME
    log = EvaluationLog(path, "mine")
    for evaluation in evaluations:
        log.add(evaluation)
    assert EvaluationLog(path, "mine").all() == log.all()


def test_the_first_evaluation_stays(tmp_path: Path):
    log = filled(tmp_path / NAME)
    text = (tmp_path / NAME).read_text()
    log.add(replace(FIRST, drop=99.0))
    assert log.get((0, 3), "quick") == FIRST
    assert (tmp_path / NAME).read_text() == text


def test_wherever_it_was_stopped_the_whole_lines_count(tmp_path: Path):
    """Cut in the middle of each line, and about its end."""
    path = tmp_path / NAME
    filled(path)
    whole = path.read_bytes()
    ends = [i for i, byte in enumerate(whole) if byte == ord("\n")]
    for length in [0, 1, *(end + more for end in ends for more in (-1, 0, 1, 2, 40))]:
        path.write_bytes(whole[:length])
        log = EvaluationLog(path, "mine")
        complete = max(whole[:length].count(b"\n") - 1, 0)
        assert log.all() == [FIRST, SECOND, TRAINED][:complete]
        # What is added then is not appended to the broken line.
        log.add(SECOND)
        log.add(TRAINED)
        again = EvaluationLog(path, "mine").all()
        assert again == log.all()
        assert {TRAINED, SECOND} <= set(again)


def test_another_searchs_log_is_an_error_and_stays(tmp_path: Path):
    filled(tmp_path / NAME)
    text = (tmp_path / NAME).read_text()
    with pytest.raises(CimcError, match="another model, data or settings") as caught:
        EvaluationLog(tmp_path / NAME, "other")
    assert str(tmp_path / NAME) in str(caught.value)
    assert "-o" in str(caught.value)
    assert (tmp_path / NAME).read_text() == text


LINE = '{"search": "mine"}\n'


@pytest.mark.parametrize(
    "text",
    [
        "{}\n",
        "[]\n",
        "3\n",
        "hello\n",
        "\n",
        LINE[:-4] + "x",
        LINE + "\n",
        LINE + "{}\n",
        LINE + "nothing\n",
        LINE + "[1, 2]\n",
        LINE + '{"choices": 3}\n',
        LINE + json.dumps({"choices": [1], "rung": "quick", "other": 1}) + "\n",
    ],
)
def test_a_file_that_is_no_log_is_an_error_and_stays(text: str, tmp_path: Path):
    path = tmp_path / NAME
    path.write_text(text)
    with pytest.raises(CimcError, match=NAME):
        EvaluationLog(path, "mine")
    assert path.read_text() == text


CHANGES: dict[str, Callable[[ProblemSpec], Any]] = {
    "target": lambda s: replace(s, target=Target("t", rows=128)),
    "cells": lambda s: replace(s, target=Target("t", cell_bits=2)),
    "mapping": lambda s: replace(s, mapping=Options(mapping="any")),
    "level": lambda s: replace(s, mapping=Options(opt_level=0)),
    "constraints": lambda s: replace(s, constraints=Constraints((4, 8))),
    "edges": lambda s: replace(s, constraints=Constraints(edges_at_8_bits=True)),
    "validation": lambda s: replace(s, validation=11),
    "calibration": lambda s: replace(s, calibration=11),
    "sensitivity": lambda s: replace(s, sensitivity=11),
    "method": lambda s: replace(s, sensitivity_method="fisher"),
    "training": lambda s: replace(s, full=replace(s.full, epochs=2)),
    "short": lambda s: replace(s, short=replace(s.short, epochs=2)),
    "seed": lambda s: replace(s, seed=1),
    "model": lambda s: s.model.write_bytes(b"other"),
    "data": lambda s: s.data.write_bytes(b"more"),
    "both": lambda s: (s.model.write_bytes(b"modeld"), s.data.write_bytes(b"ata")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_all_that_evaluations_follow_from_is_in_the_fingerprint(change: str, tmp_path: Path):
    mine = spec(tmp_path)
    before = fingerprint(mine)
    assert len(before) == 16
    int(before, 16)
    changed = CHANGES[change](mine)
    if not isinstance(changed, ProblemSpec):
        changed = mine
    assert fingerprint(changed) != before


def test_the_place_of_files_is_not_in_the_fingerprint(tmp_path: Path):
    (tmp_path / "other").mkdir()
    there = replace(spec(tmp_path / "other"), checkpoints=tmp_path)
    assert fingerprint(spec(tmp_path)) == fingerprint(there)


def test_another_process_finds_the_same_fingerprint(tmp_path: Path):
    """Whatever seed Python hashes strings with."""
    here = fingerprint(spec(tmp_path))
    code = (
        "import sys; from pathlib import Path; from rl.test_log import spec; "
        "from cimc.rl.log import fingerprint; print(fingerprint(spec(Path(sys.argv[1]))))"
    )
    tests = Path(__file__).parents[1]
    path = os.pathsep.join([str(tests), str(tests.parent)])
    found = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "12345"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.stdout.strip(), found.stderr) == (here, "")
