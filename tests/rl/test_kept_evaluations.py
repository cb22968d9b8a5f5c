"""Which evaluations a search goes on from: those of the very same files, if there are any."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
import pytest
from rl.tiny_search import tiny_network, tiny_spec, write_files

from cimc.errors import CimcError
from cimc.rl.evaluation import Evaluation
from cimc.rl.log import NAME, EvaluationLog, fingerprint

ONE = Evaluation((0, 3), "quick", 0.25, 0.1, 1e-7, 1.5)


def test_weights_beside_the_model_count(tmp_path: Path) -> None:
    """Exporters keep large ones there, and the model's own file then says nothing about them."""
    _, data = write_files(tmp_path)
    path = tmp_path / "external.onnx"
    found: list[str] = []
    files: list[bytes] = []
    for seed in (0, 1, 0):
        (tmp_path / "weights.bin").unlink(missing_ok=True)
        cast(Any, onnx).save_model(
            tiny_network(seed=seed),
            str(path),
            save_as_external_data=True,
            location="weights.bin",
            size_threshold=0,
        )
        files.append(path.read_bytes())
        found.append(fingerprint(tiny_spec(path, data)))
    assert files[0] == files[1]
    assert found[0] == found[2] != found[1]


def test_weights_that_are_missing(tmp_path: Path) -> None:
    _, data = write_files(tmp_path)
    cast(Any, onnx).save_model(
        tiny_network(),
        str(tmp_path / "m.onnx"),
        save_as_external_data=True,
        location="w.bin",
        size_threshold=0,
    )
    (tmp_path / "w.bin").unlink()
    with pytest.raises(FileNotFoundError, match=r"w\.bin"):
        fingerprint(tiny_spec(tmp_path / "m.onnx", data))


def test_no_file_before_the_first_evaluation(tmp_path: Path) -> None:
    """Else a search that failed with bad data would forbid the one with the mended data."""
    path = tmp_path / NAME
    EvaluationLog(path, "bad data")
    assert not path.exists()
    log = EvaluationLog(path, "good data")
    log.add(ONE)
    assert EvaluationLog(path, "good data").all() == [ONE]
    with pytest.raises(CimcError, match="another model, data or settings"):
        EvaluationLog(path, "bad data")


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"\x80\x04\x95pickle\n", '{"search": "é"}\n'.encode("latin-1"), bytes(50)]
)
def test_binary_file_of_that_name(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / NAME
    path.write_bytes(content)
    with pytest.raises(CimcError, match=r"evaluations\.jsonl: not a log of evaluations"):
        EvaluationLog(path, "mine")
    assert path.read_bytes() == content


def test_floats_come_back_exactly(tmp_path: Path) -> None:
    """An agent that is told the same numbers proposes the same policies."""
    rng = np.random.default_rng(0)
    many = [
        Evaluation(
            (i,), "quick", *(float(v) for v in rng.standard_normal(4) * 10.0 ** rng.integers(-20, 20, 4))
        )
        for i in range(200)
    ]
    log = EvaluationLog(tmp_path / NAME, "mine")
    for evaluation in many:
        log.add(evaluation)
    assert EvaluationLog(tmp_path / NAME, "mine").all() == many
