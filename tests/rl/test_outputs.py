"""What a search writes: numbers that other programs read, and the same bytes each time."""

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import numpy as np
import pytest
from rl.agents.toy import OPTIONS, toy_evaluation, toy_space

from cimc.policy import Policy, Widths, load_policy
from cimc.rl.evaluation import Evaluation, Rung
from cimc.rl.outputs import Exported, front_csv, front_picture, policy_json, report_text
from cimc.rl.search import Found
from cimc.rl.selection import judged
from cimc.tensor_store import write_text

SPACE = toy_space()


def evaluations(rung: Rung, count: int = 30, seed: int = 0) -> list[Evaluation]:
    """Of policies at random."""
    rng = np.random.default_rng(seed)
    policies = [tuple(int(i) for i in rng.integers(0, len(OPTIONS), 4)) for _ in range(count)]
    known = (toy_evaluation(SPACE, choices) for choices in policies)
    return [replace(e, rung=rung, drop_error=0.3, divergence=e.drop / 60) for e in known]


def table(many: Sequence[Evaluation]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(front_csv(SPACE, judged(SPACE, many)))))


def widths_of(text: str) -> tuple[Widths, ...]:
    return tuple(Widths(*map(int, pair.split("/"))) for pair in text.split())


def test_table_holds_every_evaluation() -> None:
    many = evaluations("quick")
    rows = table(many)
    assert len(rows) == len(many)
    found = {
        (row["rung"], SPACE.choices(dict(zip(SPACE.layers, widths_of(row["widths"]), strict=True)))): row
        for row in rows
    }
    for e in many:
        row = found[e.rung, e.choices]
        numbers = {"drop": e.drop, "drop_error": e.drop_error, "divergence": e.divergence}
        numbers |= {"speedup": SPACE.speedup(e.choices), "latency_us": SPACE.latency_of(e.choices) / 1e6}
        for name, number in numbers.items():
            assert float(row[name]) == pytest.approx(number, rel=1e-5)
    assert [float(row["speedup"]) for row in rows] == sorted(float(row["speedup"]) for row in rows)


def test_front_is_what_no_other_beats() -> None:
    rows = table(evaluations("quick"))
    points = [(float(row["speedup"]), float(row["expected_drop"])) for row in rows]
    for row, (speed, drop) in zip(rows, points, strict=True):
        beaten = any(s >= speed and d <= drop and (s, d) != (speed, drop) for s, d in points)
        assert row["front"] == str(int(not beaten))
    assert {row["front"] for row in rows} == {"0", "1"}


def test_rungs_have_fronts_of_their_own() -> None:
    """What a training makes good says nothing about the networks that were not trained, and the reverse."""
    quick = evaluations("quick")
    full = [replace(e, rung="full", drop=e.drop / 4, divergence=5.0) for e in quick[3:7]]
    both = table(quick + full)
    for rung, alone in (("quick", table(quick)), ("full", table(full))):
        assert [row for row in both if row["rung"] == rung] == alone


def test_outputs_that_are_no_numbers_stay_by_themselves() -> None:
    """A training may fail so far that a network gives NaN."""
    quick = evaluations("quick", 5)
    broken = replace(quick[0], rung="full", divergence=float("nan"))
    rows = table([*quick, broken])
    assert [row for row in rows if row["rung"] == "quick"] == table(quick)
    assert next(row["divergence"] for row in rows if row["rung"] == "full") == "nan"


def picture(path: Path, many: Sequence[Evaluation], found: Sequence[Found]) -> bytes:
    front_picture(path, judged(SPACE, many), found)
    return path.read_bytes()


@pytest.mark.parametrize("count", [1, 30])
def test_picture_has_the_same_bytes_each_time(tmp_path: Path, count: int) -> None:
    many = evaluations("quick", count)
    found = [Found(1.0, judged(SPACE, many)[0], True)]
    first, second = (picture(tmp_path / name, many, found) for name in ("a.svg", "b.svg"))
    assert first == second
    assert ElementTree.fromstring(first).tag.endswith("svg")
    if count > 1:
        assert picture(tmp_path / "c.svg", many[1:], found) != first


def exported(name: str, found: Found | None, test: float | None = 70.25) -> Exported:
    policy: Policy = {"a": Widths(2, 4), "b": Widths(3, 8)}
    layers = [{"name": layer, "layer": layer, "kind": "Dense"} for layer in policy]
    report: Any = {"total": {"latency_us": 1234.56, "speedup": 7.8912}, "layers": layers}
    return Exported(name, found, policy, report, f"{name}.onnx", 71.456, test)


def test_report(tmp_path: Path) -> None:
    many = evaluations("quick", 3) + evaluations("full", 2, seed=1)
    many = [replace(e, seconds=1.25) for e in many]
    one = judged(SPACE, many)[0]
    rows = [
        exported("8-8", None),
        exported("a", Found(0.5, one, True)),
        exported("b", Found(1.5, one, False)),
    ]
    text = report_text("net.onnx", (80.0, 79.25), rows, many)
    assert "| as given | net.onnx | | | 80.00 | 79.25 | |" in text
    assert "| a | a.onnx | 1234.6 | 7.891 | 71.46 | 70.25 | 2.50 / 6.00 |" in text
    assert (
        "No policy that was evaluated keeps to 1.5 points with enough confidence: b.onnx loses least. More "
        "pictures to select with make surer (x_val, --validation), or ask for less confidence "
        "(--confidence 0.5)."
    ) in text
    assert text.count("No policy") == 1
    assert "| quick | 3 | 3.8 |" in text
    assert "| short | 0 | 0.0 |" in text
    assert "| full | 2 | 2.5 |" in text
    table = text[text.index("| | file") :].split("\n\n")[0].splitlines()
    assert len(table) == 2 + 1 + len(rows)
    assert len({line.count("|") for line in table}) == 1


def test_report_without_test_pictures() -> None:
    text = report_text("net.onnx", (80.0, None), [exported("a", None, None)], [])
    assert "| as given | net.onnx | | | 80.00 |  | |" in text
    assert "| 71.46 |  | 2.50 / 6.00 |" in text


def test_policies_come_back(tmp_path: Path) -> None:
    """Also of layers with names that JSON must escape."""
    policy: Policy = {'layer "1"': Widths(2, 8), "schicht.größe\\x": Widths(8, 2)}
    write_text(tmp_path / "policy.json", policy_json(policy))
    assert load_policy(tmp_path / "policy.json") == policy
    assert list(load_policy(tmp_path / "policy.json")) == list(policy)


def test_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    write_text(path, "before")
    with pytest.raises(TypeError):
        write_text(path, cast(Any, 3))
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["report.md"]
