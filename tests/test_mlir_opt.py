"""Upstream MLIR reads our IR in its generic form, if there is an `mlir-opt`; and we read what it prints."""

import shutil
import subprocess
from pathlib import Path

import pytest
from tools.command_line import cimc_opt
from tools.tiny_models import attention, conv, dense, qdq, serialized, weights
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

import cimc
from cimc.context import new_context
from cimc.ir_files import parse_module, print_module
from cimc.pipelines import OptLevel

MODELS = {"conv": conv, "dense": dense, "attention": attention, "qdq": qdq}
WAYS: dict[str, tuple[OptLevel, str | None]] = {"paper": (0, None), "best": (1, "any")}

found = [path for path in (shutil.which(f"mlir-opt{v}") for v in ("", "-19", "-18", "-17", "-16")) if path]
pytestmark = pytest.mark.skipif(not found, reason="there is no mlir-opt")


def through_mlir(text: str) -> str:
    """What `mlir-opt` makes of generic IR."""
    command = [found[0], "--allow-unregistered-dialect", "--mlir-print-op-generic"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:2000]
    return done.stdout


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", MODELS)
def test_ir_of_every_level_goes_through_mlir(name: str, way: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(serialized(MODELS[name]()))
    level, mapping = WAYS[way]
    texts: list[str] = []

    def observe(done: ModulePass | None, module: ModuleOp) -> None:
        texts.append(print_module(module))

    shapes = cimc.compile(path, emit="onnx").input_shapes()
    data = {x: weights(4 * shape[0], *shape[1:]) for x, shape in shapes.items()}
    target = cimc.Target("small", rows=16, cols=32, crossbars=2)
    cimc.compile(
        path,
        target=target,
        calibrate=data,
        mapping=mapping,
        opt_level=level,
        observers=[observe],
    )
    assert len(texts) > 10
    for text in dict.fromkeys(texts):
        (tmp_path / "ours.mlir").write_text(text)
        generic = cimc_opt(tmp_path / "ours.mlir", "--print-op-generic", "--print-no-properties")
        assert generic.fault is None
        ours, again = (parse_module(new_context(), one, "IR") for one in (text, through_mlir(generic.out)))
        assert again.is_structurally_equivalent(ours)
