"""The test cases of onnx's own backend suite, as the tests of kernels and of whole models take them."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.loader import load_model_tests

from cimc.runtime.arrays import Array


@dataclass(frozen=True)
class Case:
    """A model, and for each data set its inputs and outputs."""

    name: str
    model: onnx.ModelProto
    data_sets: Sequence[tuple[Sequence[Any], Sequence[Any]]]
    rtol: float
    atol: float

    @property
    def op_types(self) -> set[str]:
        return {node.op_type for node in self.model.graph.node} - {"Constant"}

    @property
    def group(self) -> str:
        """The operator, or what stands for all models of several."""
        return min(self.op_types) if len(self.op_types) == 1 else "several"


def generated_cases() -> Iterator[Case]:
    """The cases of single operators, which the onnx package makes anew; it takes seconds."""
    with warnings.catch_warnings(action="ignore"):
        collected = collect_testcases(None)
    for case in collected:
        assert case.model is not None
        assert case.data_sets is not None
        # These cases ask for more digits than bfloat16 has: allow two units in its last place,
        # since their values were rounded after every step and ours are rounded at the end.
        rtol = 2**-6 if case.name.endswith("_bf16") else case.rtol
        yield Case(case.name, case.model, case.data_sets, rtol, case.atol)


def stored_cases(*kinds: str) -> Iterator[Case]:
    """The cases of folders of the onnx package: `pytorch-converted`, `pytorch-operator`, `simple`."""
    for kind in kinds:
        for case in load_model_tests(kind=kind):
            assert case.model_dir is not None
            directory = Path(case.model_dir)
            data_sets = [
                (_tensors(data, "input"), _tensors(data, "output"))
                for data in sorted(directory.glob("test_data_set_*"))
            ]
            model = onnx.ModelProto.FromString((directory / "model.onnx").read_bytes())
            yield Case(case.name, model, data_sets, case.rtol, case.atol)


def _tensors(directory: Path, kind: str) -> list[onnx.TensorProto]:
    count = len(list(directory.glob(f"{kind}_*.pb")))
    paths = (directory / f"{kind}_{index}.pb" for index in range(count))
    return [onnx.TensorProto.FromString(path.read_bytes()) for path in paths]


def array_of(value: Any) -> Array:
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.asarray(value)
