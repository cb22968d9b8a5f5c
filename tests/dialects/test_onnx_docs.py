"""docs/onnx.md names every operator, and no other in its table."""

import re
from pathlib import Path

from cimc.dialects.onnx import OPS_BY_TYPE

DOCS = (Path(__file__).parents[2] / "docs" / "onnx.md").read_text()


def test_every_operator_is_in_the_table() -> None:
    table = DOCS.split("## Operators")[1].split("\n## ")[0]
    named: list[str] = []
    for row in re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE):
        named += re.findall(r"`(\w+)`", row)
    assert sorted(named) == sorted(OPS_BY_TYPE)
