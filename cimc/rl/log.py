"""The log of evaluations: a file with a line for each, which an interrupted search goes on from."""

import hashlib
import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from onnx import ModelProto

from cimc.errors import CimcError
from cimc.rl.evaluation import Evaluation, Rung
from cimc.rl.problem import ProblemSpec
from cimc.rl.space import Choices

NAME = "evaluations.jsonl"

PLACES = ("model", "data", "checkpoints")
"""What of a problem says where files are: it is what they hold that counts."""


def fingerprint(spec: ProblemSpec) -> str:
    """16 hexadecimal digits that change with all that evaluations follow from, files and packages too."""
    sha = hashlib.sha256()
    for path in (spec.model, *_external_files(spec.model), spec.data):
        with path.open("rb") as file:
            sha.update(hashlib.file_digest(file, "sha256").digest())
    rest = {name: value for name, value in vars(spec).items() if name not in PLACES}
    sha.update(repr(sorted(rest.items())).encode())
    sha.update(repr([(name, version(name)) for name in ("cimc", "torch", "brevitas")]).encode())
    return sha.hexdigest()[:16]


def _external_files(model: Path) -> list[Path]:
    """Where a model keeps weights that are too large for it, or that its exporter put beside it."""
    proto: Any = ModelProto()  # its fields have no types
    try:
        proto.ParseFromString(model.read_bytes())
    except (DecodeError, UnicodeDecodeError):
        return []  # whoever reads the model will say so
    entries = (entry for tensor in proto.graph.initializer for entry in tensor.external_data)
    return [model.parent / name for name in sorted({e.value for e in entries if e.key == "location"})]


class EvaluationLog:
    """Evaluations by policy and rung, in memory and in a file that the first one makes."""

    def __init__(self, path: Path, identity: str) -> None:
        """Reads what is there. Raises `CimcError` if the file is that of another search."""
        self._path = path
        self._evaluations: dict[tuple[Choices, Rung], Evaluation] = {}
        self._header = json.dumps({"search": identity}) + "\n"
        if path.exists():
            self._read(identity)

    def _read(self, identity: str) -> None:
        try:
            text = self._path.read_text()
            if self._header.startswith(text):  # stopped, or out of disk, in the first line
                self._path.write_text("")
                return
            whole, _, broken = text.rpartition("\n")
            header, *lines = whole.split("\n")
            found = json.loads(header).get("search")
            evaluations = [_evaluation(json.loads(line)) for line in lines]
        except (ValueError, TypeError, KeyError, AttributeError) as e:
            raise CimcError(f"{self._path}: not a log of evaluations: {e}") from None
        if found != identity:
            raise CimcError(
                f"{self._path}: holds the evaluations of another model, data or settings; give another "
                "folder with -o, or remove it"
            )
        if broken:  # the search was stopped while it wrote
            self._path.write_text(whole + "\n")
        self._evaluations = {(e.choices, e.rung): e for e in evaluations}

    def get(self, choices: Choices, rung: Rung) -> Evaluation | None:
        """The evaluation of a policy, if there is one."""
        return self._evaluations.get((choices, rung))

    def add(self, evaluation: Evaluation) -> None:
        """Remembers an evaluation, on disk at once."""
        key = evaluation.choices, evaluation.rung
        if key in self._evaluations:
            return
        self._evaluations[key] = evaluation
        with self._path.open("a") as file:
            header = "" if file.tell() else self._header
            file.write(f"{header}{json.dumps(asdict(evaluation))}\n")

    def all(self) -> list[Evaluation]:
        """All evaluations, in the order in which they were made."""
        return list(self._evaluations.values())

    def of_rung(self, rung: Rung) -> list[Evaluation]:
        """Those of a rung."""
        return [e for e in self.all() if e.rung == rung]


def _evaluation(line: dict[str, Any]) -> Evaluation:
    choices: Any = tuple(line.pop("choices"))
    return Evaluation(choices, **line)
