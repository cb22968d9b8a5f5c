"""Comments that say what error a file of IR must give, as in MLIR's own tests.

```mlir
// expected-error @+1 {{Relu gives tensor<2xf32>}}
%y = onnx.Relu(%x) : (tensor<2xf32>) -> tensor<3xf32>
```

The error must be on the line of the comment, or on the one that `@+N`, `@-N`, `@above` or `@below` says;
`@unknown` is anywhere. Its message must contain the text.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

MARK = "expected-error"
_COMMENT = re.compile(
    rf"//.*?{MARK}\s*(?:@(?P<where>[+-]\d+|above|below|unknown)\s*)?\{{\{{(?P<message>.*?)\}}\}}"
)


@dataclass(frozen=True)
class Error:
    """An error, expected or found; its line is None if that is not known."""

    message: str
    line: int | None

    def is_in(self, found: "Error") -> bool:
        """Whether an error that was found is this one."""
        lines = {self.line, found.line}
        return self.message in found.message and (None in lines or len(lines) == 1)

    def __str__(self) -> str:
        where = "" if self.line is None else f"line {self.line}: "
        return f"{where}{self.message}"


def expected_errors(text: str, offset: int = 0) -> list[Error]:
    """The errors that a piece of a file expects; `offset` lines of the file are before it."""
    lines = text.split("\n")
    expected: list[Error] = []
    for index, line in enumerate(lines):
        for match in _COMMENT.finditer(line):
            at = _line_meant(lines, index, match["where"])
            expected.append(Error(match["message"], None if at is None else offset + at + 1))
    return expected


def _line_meant(lines: Sequence[str], index: int, where: str | None) -> int | None:
    if where == "unknown":
        return None
    if where in ("above", "below"):
        step = -1 if where == "above" else 1
        index += step
        while 0 <= index < len(lines) and MARK in lines[index]:
            index += step
        return index
    return index + int(where or 0)


def unmet(expected: Sequence[Error], found: Error | None) -> list[str]:
    """What is wrong with the error that a piece of a file gave, if any: it is not expected, or others are."""
    missing = [error for error in expected if found is None or not error.is_in(found)]
    problems = [f"expected error was not produced: {error}" for error in missing]
    if found is not None and len(missing) == len(expected):
        problems.insert(0, f"unexpected error: {found}")
    return problems
