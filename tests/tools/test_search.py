"""`cimc search` from its command line: what it leaves works; wrong input is one message and nothing else."""

import csv
import inspect
import json
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch
from xml.etree import ElementTree

import numpy as np
import pytest
from rl.tiny_search import Arrays, labelled, pictures, tiny_network, write_files
from tools.command_line import Outcome, cimc
from tools.tiny_models import serialized

from cimc.folder_lock import only_one_in
from cimc.precision_search import search
from cimc.program import compile
from cimc.tools import search_command
from cimc.tools.cimc_main import cli
from cimc.tools.compare import reference_outputs
from cimc.tools.search_command import EXTRA

ROOT = Path(__file__).parents[2]
DROPS = (2.0, 20.0)
CHEAP = "--max-drop 5 --evaluations 2 --agent random --calibration 32"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A network and its data, of which this module changes nothing."""
    return write_files(tmp_path_factory.mktemp("files"))


@dataclass(frozen=True)
class Searched:
    """What a search has printed, and where it has left its files."""

    out: str
    folder: Path
    network: Path
    data: Arrays

    @property
    def rows(self) -> dict[str, list[str]]:
        """The report's table by what stands first: file, latency, speedup, validation, test, mean bits."""
        table = self.out[self.out.index("| as given") :].split("\n\n")[0]
        cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
        return {row[0]: row[1:] for row in cells}

    @property
    def evaluations(self) -> list[dict[str, Any]]:
        lines = (self.folder / "evaluations.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines[1:]]

    def policy(self, suffix: str) -> dict[str, Any]:
        return json.loads((self.folder / f"policy{suffix}.json").read_text())


def searched(files: tuple[Path, Path], folder: Path, arguments: str) -> Searched:
    outcome = cimc("search", files[0], "--data", files[1], "-o", folder, *arguments.split())
    assert outcome.fault is None
    assert outcome.code == 0
    with np.load(files[1]) as arrays:
        return Searched(outcome.out, folder, files[0], dict(arrays))


@pytest.fixture(scope="module")
def two_budgets(files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Searched:
    """With the default agent."""
    drops = " ".join(f"--max-drop {drop}" for drop in reversed(DROPS))
    folder = tmp_path_factory.mktemp("two") / "deep" / "found"
    return searched(files, folder, f"{drops} --evaluations 10 --calibration 64 --seed 1")


@pytest.fixture(scope="module")
def trained(files: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Searched:
    """A few steps of training, on two crossbars of another kind, with another mapping."""
    arguments = "--max-drop 5 --evaluations 4 --agent thompson --epochs 2 --rate 0.002 --augment shift-flip"
    target = "--target rram-256x256-c2 --crossbars 2 -O 0 --weight-bits pairs --activation-bits 2,4,8"
    return searched(files, tmp_path_factory.mktemp("trained"), f"{arguments} {target} --edges-at-8-bits")


SUFFIXES = {
    "8/8": "-8-8",
    "uniform, 2 points": "-uniform-2",
    "uniform, 20 points": "-uniform-20",
    "found, 2 points": "-2",
    "found, 20 points": "-20",
}


def test_all_files_are_there(two_budgets: Searched) -> None:
    folder = two_budgets.folder
    names = {p.name for p in folder.iterdir()}
    files = {f"{kind}{suffix}" for suffix in SUFFIXES.values() for kind in ("model", "policy")}
    expected = {f"{name}.{'onnx' if name.startswith('model') else 'json'}" for name in files}
    expected |= {"evaluations.jsonl", "front.csv", "front.svg", "report.md", "states", "tensorboard"}
    assert names == expected
    assert two_budgets.out == (folder / "report.md").read_text()
    assert not list((folder / "states").iterdir())
    assert list((folder / "tensorboard").iterdir())


def test_accuracies_are_those_of_the_files(two_budgets: Searched, trained: Searched) -> None:
    """By onnxruntime, which gives the same top-1 but for ties; the given model is always right."""
    for searched in (two_budgets, trained):
        rows = searched.rows
        assert rows.pop("as given") == ["tiny.onnx", "", "", "100.00", "100.00", ""]
        for file, _, _, *found, _ in rows.values():
            for name, percent in zip(("val", "test"), found, strict=True):
                x, y = searched.data[f"x_{name}"], searched.data[f"y_{name}"]
                outputs = reference_outputs(searched.folder / file, {"x": x})["logits"]
                top = np.sort(outputs, 1)
                ties = int((top[:, -1] - top[:, -2] < 1e-5).sum())
                expected = 100 * (outputs.argmax(1) == y).mean()
                assert float(percent) == pytest.approx(expected, abs=100 * ties / len(y) + 0.006)


@pytest.mark.parametrize("name", SUFFIXES)
def test_files_compile_to_the_latency_of_the_report(two_budgets: Searched, name: str) -> None:
    file, latency, speedup, *_, mean_bits = two_budgets.rows[name]
    suffix = SUFFIXES[name]
    assert file == f"model{suffix}.onnx"
    total: Any = compile(two_budgets.folder / file, emit="report").report()["total"]
    assert float(latency) == pytest.approx(total["latency_us"], abs=0.051)
    assert float(speedup) == pytest.approx(total["speedup"], abs=0.00051)
    policy = two_budgets.policy(suffix)
    assert list(policy) == ["conv1", "conv2", "fc"]
    widths = [[layer[kind] for layer in policy.values()] for kind in ("weight_bits", "activation_bits")]
    assert mean_bits == " / ".join(f"{np.mean(bits):.2f}" for bits in widths)


@pytest.mark.parametrize("suffix", ["", "-8-8", "-uniform-5"])
def test_other_targets_and_mappings(trained: Searched, suffix: str) -> None:
    """The report is that of the target and the options of the search."""
    file = trained.folder / f"model{suffix}.onnx"
    (row,) = [row for row in trained.rows.values() if row[0] == file.name]
    arguments = "--target rram-256x256-c2 --crossbars 2 -O 0 --emit=report --format json"
    outcome = cimc(file, *arguments.split())
    assert outcome.fault is None
    report = json.loads(outcome.out)
    assert float(row[1]) == pytest.approx(report["total"]["latency_us"], abs=0.051)
    policy = trained.policy(suffix)
    for layer in report["layers"]:
        assert policy[layer["name"]] == {key: layer[key] for key in ("weight_bits", "activation_bits")}
    assert policy["conv1"] == policy["fc"] == {"weight_bits": 8, "activation_bits": 8}
    assert policy["conv2"]["weight_bits"] in {3, 5, 7, 8}
    assert policy["conv2"]["activation_bits"] in {2, 4, 8}


@pytest.mark.parametrize("name", SUFFIXES)
def test_policies_are_as_the_compiler_takes_them(two_budgets: Searched, name: str, tmp_path: Path) -> None:
    policy, data = two_budgets.folder / f"policy{SUFFIXES[name]}.json", tmp_path / "x.npz"
    np.savez(data, x=two_budgets.data["x_train"])
    outcome = cimc(
        two_budgets.network, "--policy", policy, "--calibrate", data, "--emit=report", "--format", "json"
    )
    assert outcome.fault is None
    total = json.loads(outcome.out)["total"]
    assert float(two_budgets.rows[name][1]) == pytest.approx(total["latency_us"], abs=0.051)


def test_larger_budgets_are_no_slower(two_budgets: Searched) -> None:
    speedups = {name: float(row[2]) for name, row in two_budgets.rows.items() if name != "as given"}
    assert speedups["found, 2 points"] <= speedups["found, 20 points"]
    assert speedups["uniform, 2 points"] <= speedups["uniform, 20 points"]
    for drop in ("2", "20"):
        assert speedups[f"uniform, {drop} points"] <= speedups[f"found, {drop} points"]


def test_evaluations_are_all_in_the_table(two_budgets: Searched, trained: Searched) -> None:
    for searched in (two_budgets, trained):
        with (searched.folder / "front.csv").open(newline="") as file:
            rows = list(csv.DictReader(file))
        logged = [e for e in searched.evaluations if e["rung"] != "short"]
        assert len(rows) == len(logged)
        assert sorted(float(row["drop"]) for row in rows) == pytest.approx(
            sorted(e["drop"] for e in logged), rel=1e-4
        )
        speedups = [float(row["speedup"]) for row in rows]
        assert speedups == sorted(speedups)
        for row in rows:
            # On the front is what no other one of its rung beats.
            others = [o for o in rows if o["rung"] == row["rung"] and o is not row]
            beaten = any(
                float(o["speedup"]) >= float(row["speedup"])
                and float(o["expected_drop"]) <= float(row["expected_drop"])
                and (o["speedup"], o["expected_drop"]) != (row["speedup"], row["expected_drop"])
                for o in others
            )
            if row["front"] == "1":
                assert not beaten
            elif not beaten:
                assert any(o["widths"] != row["widths"] and o["front"] == "1" for o in others)
            assert len(row["widths"].split()) == 3
        for rung in ("quick", "short", "full"):
            count = sum(e["rung"] == rung for e in searched.evaluations)
            assert f"| {rung} | {count} | " in searched.out


def test_trainings_are_short_and_full(trained: Searched) -> None:
    rungs = [e["rung"] for e in trained.evaluations]
    assert {"quick", "short", "full"} == set(rungs)
    assert 1 <= rungs.count("full") <= 7
    assert len(list((trained.folder / "states").iterdir())) == rungs.count("full")


def test_picture_is_one(two_budgets: Searched, trained: Searched) -> None:
    for searched in (two_budgets, trained):
        root = ElementTree.parse(searched.folder / "front.svg").getroot()
        assert root.tag.endswith("svg")


def outputs_of(folder: Path) -> dict[str, bytes]:
    """All files but TensorBoard's, which hold the time."""
    paths = [p for p in folder.rglob("*") if p.is_file() and "tensorboard" not in p.parts]
    return {str(p.relative_to(folder)): p.read_bytes() for p in paths}


def never(*_: object) -> Any:
    raise AssertionError("an evaluation is made anew")


def test_started_again_it_makes_no_evaluation_anew(two_budgets: Searched) -> None:
    before = outputs_of(two_budgets.folder)
    for name in before:
        if name != "evaluations.jsonl":
            (two_budgets.folder / name).unlink()
    arguments: list[str | Path] = [
        "search",
        two_budgets.network,
        "--data",
        two_budgets.network.parent / "data.npz",
    ]
    arguments += [word for drop in DROPS for word in ("--max-drop", str(drop))]
    arguments += "--evaluations 10 --calibration 64 --seed 1 -o".split()
    with patch("cimc.rl.network.evaluator.NetworkEvaluator.evaluated", never):
        outcome = cimc(*arguments, two_budgets.folder)
    assert outcome.fault is None
    assert outcome.out == two_budgets.out
    assert outputs_of(two_budgets.folder) == before


def test_folder_beside_the_working_directory(
    files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`MODEL-search` where one is; without x_val and x_test, pictures are cut off and none test."""
    with np.load(files[1]) as arrays:
        np.savez(tmp_path / "few.npz", x_train=arrays["x_train"][:8], y_train=arrays["y_train"][:8])
    monkeypatch.chdir(tmp_path)
    outcome = cimc("search", files[0], "--data", "few.npz", *CHEAP.split())
    assert outcome.fault is None
    assert outcome.code == 0
    assert (tmp_path / "tiny-search" / "model.onnx").is_file()
    row = next(line for line in outcome.out.splitlines() if line.startswith("| found"))
    assert row.split("|")[6].strip() == ""


@pytest.mark.parametrize("name", ["model.onnx", "model-8-8.onnx"])
def test_a_model_that_would_be_written_over(folder: Path, name: str) -> None:
    (folder / "tiny.onnx").rename(folder / name)
    arguments = TINY.replace("tiny.onnx", f"../{folder.name}/{name}")
    refused(folder, f"{arguments} -o {folder}", f"{name}: what is found could be written over it", "-o")


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_pictures_of_any_size(folder: Path, scale: float) -> None:
    """Nobody's pictures are that large; but then it is no internal error."""
    with np.load(folder / "data.npz") as arrays:
        parts = {
            name: arrays[name] * np.float32(scale) if name[0] == "x" else arrays[name]
            for name in arrays.files
        }
    cast(Any, np.savez)(folder / "data.npz", **parts)
    assert cimc("search", *TINY.replace("random", "ilp").split()).fault is None


# Wrong input.


def snapshot(folder: Path) -> dict[str, bytes | None]:
    """The files and folders below a folder."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else None for p in folder.rglob("*")}


def check_failure(outcome: Outcome, *parts: str) -> None:
    """One message on standard error with these parts, and exit code 1."""
    assert outcome.fault is None
    assert outcome.code == 1
    assert not outcome.out
    for part in parts:
        assert part in outcome.err


@pytest.fixture
def folder(files: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own with the network and its data, which one is in."""
    for path in files:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(folder: Path, arguments: str, *parts: str) -> None:
    """A search in the folder fails with this message, and leaves it as it was."""
    before = snapshot(folder)
    check_failure(cimc("search", *arguments.split()), *parts)
    assert snapshot(folder) == before


TINY = f"tiny.onnx --data data.npz {CHEAP}"


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ("--max-drop -1", ["--max-drop", "from 0 to 100"]),
        ("--max-drop 1 --max-drop -0.001", ["--max-drop", "from 0 to 100"]),
        ("--max-drop nan", ["--max-drop", "from 0 to 100"]),
        ("--max-drop 1 --max-drop nan", ["--max-drop", "from 0 to 100"]),
        ("--max-drop inf", ["--max-drop", "from 0 to 100"]),
        ("--max-drop 101", ["--max-drop", "from 0 to 100"]),
        ("--max-drop much", ["--max-drop", "'much'", "float"]),
        ("--max-drop", ["--max-drop", "argument"]),
        ("--agent nobody", ["--agent", "'nobody'", "'turns'", "'ddpg'"]),
        ("--weight-bits 9", ["from 2 to 8 bits", "'9'"]),
        ("--weight-bits 1,4", ["from 2 to 8 bits", "'1,4'"]),
        ("--weight-bits many", ["2-8 or 4,5,8", "'many'"]),
        ("--weight-bits=", ["2-8 or 4,5,8", "''"]),
        ("--weight-bits 4,,8", ["2-8 or 4,5,8", "'4,,8'"]),
        ("--weight-bits 4.5", ["2-8 or 4,5,8", "'4.5'"]),
        ("--activation-bits 8-2", ["from 2 to 8 bits", "'8-2'"]),
        ("--activation-bits 2-99999999999999", ["from 2 to 8 bits"]),
        ("--activation-bits pairs", ["2-8 or 4,5,8", "'pairs'"]),
        ("--epochs -1", ["--epochs", "-1"]),
        ("--epochs nan", ["--epochs", "nan"]),
        ("--epochs inf", ["--epochs", "inf"]),
        ("--epochs 1 --rate 0", ["--rate", "above 0"]),
        ("--epochs 1 --rate -1e-3", ["--rate", "above 0", "-0.001"]),
        ("--epochs 1 --rate nan", ["--rate", "above 0", "nan"]),
        ("--epochs 1 --rate inf", ["--rate", "inf"]),
        ("--confidence 0.4", ["--confidence", "0.5<=x<=0.999"]),
        ("--confidence 1", ["--confidence", "0.5<=x<=0.999"]),
        ("--confidence nan", ["--confidence", "nan"]),
        ("--augment blur", ["--augment", "'blur'", "'shift'"]),
        ("--evaluations 0", ["--evaluations", "x>=1"]),
        ("--validation 0", ["--validation", "x>=1"]),
        ("--calibration 0", ["--calibration", "x>=1"]),
        ("--workers 0", ["--workers", "1<=x<=1024"]),
        ("--seed -1", ["--seed", "0<=x"]),
        ("--seed 18446744073709551616", ["--seed", "4294967295"]),
        ("--seed 1.5", ["--seed", "'1.5'"]),
        ("--target rram", ["target rram", "rram-256x256-c4"]),
        ("--crossbars 0", ["--crossbars", "x>=1"]),
        ("--mapping folded", ["--mapping", "'folded'", "'offset'"]),
        ("-O 2", ["-O", "0<=x<=1"]),
        ("--target reads.toml --mapping offset", ["offset"]),
        ("-o data.npz", ["data.npz: is a file", "folder"]),
        ("-o tiny.onnx", ["tiny.onnx: is a file", "folder"]),
        ("-o data.npz/deeper", ["data.npz"]),
        ("--data absent.npz", ["absent.npz: no such file"]),
        ("--data .", [".: no such file"]),
        ("--data tiny.onnx", ["tiny.onnx: not a .npz file"]),
        ("--speed 9", ["--speed"]),
        ("more.onnx", ["more.onnx"]),
    ],
)
def test_arguments_that_make_no_sense(folder: Path, arguments: str, parts: list[str]) -> None:
    (folder / "reads.toml").write_text('reads = ["differential"]\n')
    refused(folder, f"{TINY} {arguments}", *parts)


@pytest.mark.parametrize(
    "arguments", ["", "tiny.onnx", "tiny.onnx --data data.npz", "tiny.onnx --max-drop 1"]
)
def test_arguments_that_are_missing(folder: Path, arguments: str) -> None:
    refused(folder, arguments, "Missing")


Edit = Callable[[Arrays], Any]


def edit(change: Edit) -> Edit:
    """A change, with its type."""
    return change


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (edit(lambda a: a | {"y_train": a["y_train"][1:]}), ["y_train", "integers [120]", "[119]"]),
        (edit(lambda a: a | {"x_val": a["x_val"][1:]}), ["y_val", "integers [59]", "[60]"]),
        (edit(lambda a: a | {"y_test": a["y_test"] + 1}), ["y_test", "from 1 to 3", "0 to 2"]),
        (edit(lambda a: a | {"y_train": a["y_train"] / 1}), ["y_train", "integers", "float64"]),
        (edit(lambda a: a | {"x_train": a["x_train"].astype(int)}), ["x_train", "float pictures", "int64"]),
        (edit(lambda a: a | {"x_val": a["x_val"] * np.nan}), ["x_val", "not finite"]),
        (edit(lambda a: a | {"x_test": a["x_test"][:, :, 1:]}), ["x_test", "[n, 1, 6, 6]", "[40, 1, 5, 6]"]),
        (
            edit(lambda a: a | {"x_train": a["x_train"][:1], "y_train": a["y_train"][:1]}),
            ["x_train", "2 pictures"],
        ),
        (edit(lambda a: a | {"x_val": a["x_val"][:1], "y_val": a["y_val"][:1]}), ["x_val", "2 pictures"]),
        (edit(lambda a: {"x": a["x_train"]}), ["x_train and y_train", "it has x"]),
        (edit(lambda a: {k: v for k, v in a.items() if k != "y_val"}), ["x_val needs y_val"]),
        (edit(lambda a: a | {"x_train": a["x_train"].astype(object)}), ["data.npz", "allow_pickle=False"]),
        (edit(lambda a: {}), ["x_train and y_train", "none"]),
    ],
)
def test_data_that_does_not_fit(folder: Path, change: Edit, parts: list[str]) -> None:
    arrays = change(labelled(folder / "tiny.onnx"))
    cast(Any, np.savez)(folder / "data.npz", **arrays)
    refused(folder, TINY, "data.npz", *parts)


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04" + bytes(60), b"PK", b"\x80\x04\x95" + bytes(9), b"x,y\n1,2\n"]
)
def test_data_that_is_no_archive(folder: Path, content: bytes) -> None:
    (folder / "data.npz").write_bytes(content)
    refused(folder, TINY, "data.npz", ".npz")


@pytest.mark.parametrize("cut", [0.2, 0.9, 0.999])
def test_data_that_is_cut_off(folder: Path, cut: float) -> None:
    whole = (folder / "data.npz").read_bytes()
    (folder / "data.npz").write_bytes(whole[: int(len(whole) * cut)])
    refused(folder, TINY, "data.npz", "cannot be read")


@pytest.mark.parametrize("content", [b"", b"no model\n" * 9, serialized(tiny_network())[:-300]])
def test_file_that_is_no_model(folder: Path, content: bytes) -> None:
    (folder / "tiny.onnx").write_bytes(content)
    refused(folder, TINY, "tiny.onnx")


def test_bad_data_does_not_forbid_good_data(folder: Path) -> None:
    """The log of a search that failed at once must not be in the way of the next one."""
    good = (folder / "data.npz").read_bytes()
    np.savez(folder / "data.npz", x_train=pictures(4))
    check_failure(cimc("search", *TINY.split()), "y_train")
    (folder / "data.npz").write_bytes(good)
    assert cimc("search", *TINY.split()).fault is None


def test_log_of_another_search(folder: Path) -> None:
    """It is left as it is."""
    assert cimc("search", *TINY.split()).fault is None
    (folder / "tiny-search" / "tensorboard").rename(folder / "curves")
    log = "tiny-search/evaluations.jsonl"
    for arguments in ("--seed 2", "--validation 8", "--weight-bits 4,8", "--target rram-256x256-c1"):
        refused(folder, f"{TINY} {arguments}", log, "another model, data or settings", "-o")
    (folder / log).write_bytes(b"\x80\x02 no text")
    refused(folder, TINY, log, "not a log")


def test_ray_that_is_not_installed(folder: Path) -> None:
    with patch.dict(sys.modules, {"ray": None}):
        refused(folder, f"{TINY} --ray auto", "--ray", "pip install 'cimc[ray]'")


@pytest.mark.parametrize("name", EXTRA)
def test_packages_that_are_not_installed(folder: Path, name: str) -> None:
    """Said at once, not when a search of hours wants to write what it found."""

    def find(module: str) -> object:
        return None if module == name else object()

    with patch.object(search_command, "find_spec", find):
        refused(folder, TINY, name, "pip install 'cimc[search]'")


def test_extra_is_that_of_the_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {text.split("=")[0].rstrip("<>~") for text in project["optional-dependencies"]["search"]}
    assert names == set(EXTRA)


def test_two_searches_in_one_folder(folder: Path) -> None:
    (folder / "tiny-search").mkdir()
    with only_one_in(folder / "tiny-search"):
        outcome = cimc("search", *TINY.split())
        other = cimc("search", *TINY.split(), "-o", "elsewhere")
    assert outcome.code == 1
    assert (
        outcome.err.strip()
        == "cimc: error: tiny-search: another search is at work there; give another folder"
    )
    assert not [p for p in (folder / "tiny-search").rglob("*") if p.is_file()]
    assert other.code in (0, None)
    assert cimc("search", *TINY.split()).code in (0, None)


def test_interrupted_it_says_so(folder: Path) -> None:
    def interrupt(*_: object) -> Any:
        raise KeyboardInterrupt

    with patch("cimc.rl.network.evaluator.NetworkEvaluator.evaluated", interrupt):
        outcome = cimc("search", *TINY.split())
    assert outcome.code == 130
    assert outcome.err.strip() == "cimc: interrupted; nothing half written is left"
    assert not [p for p in (folder / "tiny-search").rglob("*") if p.is_file()]


def test_interrupted_it_leaves_what_was_evaluated(folder: Path) -> None:
    from cimc.rl.network.evaluator import NetworkEvaluator

    evaluate = NetworkEvaluator.evaluated
    left = 3

    def interrupt(*arguments: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise KeyboardInterrupt
        return evaluate(*arguments)

    with patch("cimc.rl.network.evaluator.NetworkEvaluator.evaluated", interrupt):
        outcome = cimc("search", *TINY.split())
    assert outcome.code == 130
    files = [p.name for p in (folder / "tiny-search").glob("*.*")]
    assert sorted(files) == ["evaluations.jsonl", "front.csv"]
    rows = (folder / "tiny-search" / "front.csv").read_text().splitlines()
    assert len(rows) == 1 + 3
    assert cimc("search", *TINY.split()).code in (0, None)


HEAVY = ("torch", "torchrl", "tensordict", "brevitas", "ray", "matplotlib", "tensorboard", "scipy")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["search", "--help"], ["search"], ["search", "x.onnx", "--agent", "z"]]
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "import sys\nfrom cimc.tools.cimc_main import main\n"
        f"sys.argv = ['cimc', *{arguments!r}]\n"
        "try: main()\nexcept SystemExit: pass\n"
        f"print('loaded:', [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("loaded: []\n")
    if arguments[-1] == "--help":
        assert "search" in done.stdout
        assert not done.stderr


def test_libraries_are_silent(folder: Path) -> None:
    """In a process of its own: TorchRL says what its replay buffers do, on standard output."""
    arguments = ["cimc", "search", *TINY.replace("random", "ddpg").split()]
    code = f"import sys\nfrom cimc.tools.cimc_main import main\nsys.argv = {arguments!r}\nmain()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (folder / "tiny-search" / "report.md").read_text()
    assert not done.stderr


def test_help_knows_all_options_of_the_docs() -> None:
    """Each option of the table in the docs is one of the command line."""
    text = (ROOT / "docs" / "search.md").read_text()
    table = text[text.index("## Options") : text.index("## How it works")]
    options = {
        word.strip("`,|").split("=")[0]
        for line in table.splitlines()
        if line.startswith("| `")
        for word in line.split("|")[1].replace("`", " ").split()
        if word.startswith("-")
    }
    assert len(options) > 12
    help_text = cimc("search", "--help").out
    for option in options:
        assert option[:2] in help_text if option in ("-O0", "-O1") else option in help_text


def test_from_python_the_options_are_those_of_the_command_line() -> None:
    given = ["m.onnx", "--data", "d.npz", "--max-drop", "1"]
    options = cli.commands["search"].make_context("search", given).params
    parameters = inspect.signature(search).parameters
    needed = {"model", "data", "max_drop"}
    assert options.keys() == parameters.keys()
    defaults = {name: parameters[name].default for name in options.keys() - needed}
    assert defaults == {name: options[name] for name in options.keys() - needed}
