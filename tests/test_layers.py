"""Which parts of the package may know which: found out by importing them in a fresh interpreter."""

import subprocess
import sys
from pathlib import Path

import pytest

import cimc

ROOT = Path(cimc.__file__).parent


def modules(package: str) -> list[str]:
    """The names of all modules of a package."""
    folder = ROOT / package
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [folder.with_suffix(".py")]
    names = [".".join(("cimc", *f.relative_to(ROOT).with_suffix("").parts)) for f in files]
    return [name.removesuffix(".__init__") for name in names]


def loaded_by(code: str) -> set[str]:
    """The modules that are loaded after some code has run."""
    script = f"{code}\nimport sys; print('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def imports(*packages: str) -> str:
    return "\n".join(f"import {name}" for package in packages for name in modules(package))


def of_packages(loaded: set[str], *packages: str) -> set[str]:
    return {name for name in loaded if name.startswith(tuple(f"{p}." for p in packages)) or name in packages}


def test_the_runtime_knows_neither_xdsl_nor_onnx() -> None:
    loaded = loaded_by(imports("runtime"))
    assert "cimc.runtime.kernels.conv" in loaded
    assert not of_packages(
        loaded, "xdsl", "onnx", "torch", "cimc.dialects", "cimc.passes", "cimc.interpreters"
    )


def test_dialects_know_no_passes() -> None:
    loaded = loaded_by(imports("dialects"))
    assert "cimc.dialects.xbar" in loaded
    assert not of_packages(loaded, "cimc.passes", "cimc.interpreters", "cimc.frontend", "onnx", "torch")


def test_interpreters_know_no_passes() -> None:
    loaded = loaded_by(imports("interpreters"))
    assert "cimc.interpreters.xbar" in loaded
    assert not of_packages(loaded, "cimc.passes", "cimc.frontend", "onnx", "torch")


def test_the_compiler_knows_no_training_libraries() -> None:
    loaded = loaded_by(imports("tools", "program", "passes", "interpreters", "frontend"))
    assert {"cimc.tools.cimc_main", "cimc.passes.cim_tile"} <= loaded
    assert not of_packages(loaded, "torch", "torchrl", "brevitas", "tensordict", "onnxruntime")


COMPILE = """
import numpy as np, onnx
from onnx import TensorProto, helper, numpy_helper
w = numpy_helper.from_array(np.eye(3, dtype=np.float32), "fc.weight")
x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [2, 3]) for n in "xy")
graph = helper.make_graph([helper.make_node("MatMul", ["x", "fc.weight"], ["y"])], "g", [x], [y], [w])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
open({path!r}, "wb").write(model.SerializeToString())
import cimc
data = np.ones((2, 3), np.float32)
program = cimc.compile({path!r}, calibrate={{"x": data}}, check=True, batch=2)
assert program.run(data)["y"].shape == (2, 3)
program.report().as_json()
"""


def test_compiling_and_running_loads_no_torch(tmp_path: Path) -> None:
    loaded = loaded_by(COMPILE.format(path=str(tmp_path / "model.onnx")))
    assert "cimc.passes.convert_cim_to_xbar" in loaded
    assert not of_packages(loaded, "torch", "torchrl", "brevitas", "tensordict")


@pytest.mark.parametrize("package", ["cost", "runtime", "target"])
def test_the_cost_model_stands_alone(package: str) -> None:
    assert not of_packages(loaded_by(imports(package)), "xdsl", "onnx")
