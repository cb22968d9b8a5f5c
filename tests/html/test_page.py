"""Pages about programs: what stands in them, and that they need no network."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tools.command_line import cimc as command
from tools.tiny_models import conv, serialized, weights

import cimc
from cimc.comparison import Costs, LayerCosts
from cimc.html.about import run_of_program, runs_in
from cimc.html.page import page
from cimc.html.runs import Run
from cimc.results import Results

pytest.importorskip("plotly", reason="Plotly is not installed: pip install 'cimc[html]'")

SMALL = cimc.Target("small", rows=32, cols=32, crossbars=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program `a.mlir`, its report `b.json`, and results of runs of it, `r.json`."""
    path: Path = tmp_path_factory.mktemp("page")
    (path / "conv.onnx").write_bytes(serialized(conv()))
    program = cimc.compile(path / "conv.onnx", target=SMALL, calibrate={"x": weights(4, 3, 8, 8)})
    program.save(path / "a.mlir")
    (path / "b.json").write_text(json.dumps(program.report().as_json()))
    (path / "r.json").write_text(
        json.dumps({"program": "a.mlir", "what": "accuracy", "shares": [0.5, 0.75, 1], "pictures": 40})
    )
    return path


def figures_in(text: str) -> dict[str, Any]:
    """The data of Plotly's figures, by the names of their places."""
    found: dict[str, Any] = {}
    decoder = json.JSONDecoder()
    for match in re.finditer(r'Plotly\.newPlot\(\s*"(\w+)",\s*', text):
        found[match[1]], _ = decoder.raw_decode(text, match.end())
    return found


def test_a_page_tells_all_of_a_program(folder: Path) -> None:
    program = cimc.compile(folder / "conv.onnx", target=SMALL, emit="html")
    text = page("a & b", [run_of_program("a", program)])
    assert "<title>a &amp; b</title>" in text
    figures, report = figures_in(text), program.report()
    assert set(figures) == {"latency", "precision", "occupancy", "schedule"}
    names = [layer.shape.name for layer in report.layers]
    writes, mvms = figures["latency"]
    assert (writes["y"], mvms["y"]) == (names, names)
    assert writes["x"] == [layer.cost.write_ps / 1e9 for layer in report.layers]
    assert mvms["x"] == [layer.cost.mvm_ps / 1e9 for layer in report.layers]
    assert figures["precision"][0]["x"] == [layer.weight_bits for layer in report.layers]
    assert figures["precision"][1]["x"] == [layer.activation_bits for layer in report.layers]
    assert program.timeline is not None
    bars = sum(len(trace["x"]) for trace in figures["schedule"])
    assert bars == len(program.timeline.events)
    ends = [b + x for trace in figures["schedule"] for b, x in zip(trace["base"], trace["x"], strict=True)]
    assert max(ends) == pytest.approx(report.latency_ps / 1e9)
    frames, *tiles = figures["occupancy"]
    assert len(frames["x"]) == 6 * report.total.tile_writes == sum(len(trace["x"]) for trace in tiles)
    assert f"{report.latency_ps / 1e9:.3f} ms" in text


def test_tiles_are_as_large_as_what_is_written(folder: Path) -> None:
    program = cimc.compile(folder / "conv.onnx", target=SMALL, emit="html")
    assert program.timeline is not None
    drawn: list[float] = []
    for trace in figures_in(page("a", [run_of_program("a", program)]))["occupancy"][1:]:
        for i in range(0, len(trace["x"]), 6):
            width = trace["x"][i + 1] - trace["x"][i]
            drawn.append(width * (trace["y"][i + 2] - trace["y"][i]))
    written = [
        e.tile.shape[0] * e.tile.shape[1] / 32**2 for e in program.timeline.events if e.kind == "write"
    ]
    assert sorted(drawn) == pytest.approx(sorted(written))


def test_nothing_is_loaded_from_elsewhere(folder: Path) -> None:
    text = page("a", runs_in([folder / "a.mlir"]))
    head = text[: text.index("<script>")] + text[text.index("</head>") :]
    assert not re.search(r"(src|href)\s*=|url\(|@import", head)


def test_names_are_text_and_no_markup() -> None:
    """Whatever layers and files are called."""
    evil = '</script><script>alert("x")</script><b>%{x}'
    costs = Costs({evil: LayerCosts(evil, 1, 2, 3, 4, (5, 6))}, 7)
    text = page(evil, [Run(evil, costs, SMALL, results=Results(evil, evil, (0.5, 1.0), 3))])
    body = text[text.index("</head>") :]
    assert "<script>alert" not in body
    assert "<b>" not in re.sub(r"<script.*?</script>", "", body, flags=re.DOTALL)


def test_runs_are_compared_and_results_shown(folder: Path) -> None:
    files = [folder / name for name in ("a.mlir", "b.json", "r.json")]
    outcome = command("report", *files, "-o", folder / "p.html")
    assert outcome.fault is None
    assert outcome.code == 0
    text = (folder / "p.html").read_text()
    figures = figures_in(text)
    assert set(figures) == {"comparison", "latency", "occupancy", "schedule", "scores0"}
    assert [trace["name"] for trace in figures["comparison"]] == ["a", "b"]
    assert figures["comparison"][0]["x"] == figures["comparison"][1]["x"]
    assert figures["scores0"][0]["x"] == [50, 75, 100]
    assert "75.00 % of 40 pictures" in text
    again = folder / "again.html"
    command("report", *files, "-o", again)
    assert again.read_bytes() == (folder / "p.html").read_bytes()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (["r.json"], "r.json: holds results of a.mlir, which is not among the files given"),
        (["a.mlir", "r0.json"], "r0.json: not results of cimc run: shares must be from 0 to 1"),
        (["a.mlir", "r1.json"], "r1.json: not results of cimc run"),
        (["t.json"], "target .*t.json: must be a table, got None"),
        (["no.json"], "no.json: cannot be read"),
        (["no.mlir"], "no.mlir: cannot be read"),
        (["conv.onnx"], "conv.onnx: neither a program"),
    ],
)
def test_other_files_are_refused(files: list[str], message: str, folder: Path, tmp_path: Path) -> None:
    results = {"program": "a.mlir", "what": "accuracy", "pictures": 4}
    (folder / "r0.json").write_text(json.dumps({**results, "shares": [2]}))
    (folder / "r1.json").write_text(json.dumps({**results, "shares": "half"}))
    report = json.loads((folder / "b.json").read_text())
    (folder / "t.json").write_text(json.dumps({**report, "target": None}))
    outcome = command("report", *(folder / name for name in files), "-o", tmp_path / "p.html")
    assert outcome.fault is None
    assert outcome.code == 1
    assert re.search(message, outcome.err)
    assert not list(tmp_path.iterdir())


def test_a_page_is_not_printed(folder: Path) -> None:
    outcome = command(folder / "conv.onnx", "--emit", "html")
    assert outcome.code == 1
    assert "give -o PAGE.html" in outcome.err
