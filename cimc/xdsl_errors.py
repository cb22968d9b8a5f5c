"""What xDSL raises for malformed text, IR and pipelines, as `CimcError`."""

import re
from collections.abc import Generator
from contextlib import contextmanager

from xdsl.utils.exceptions import ArgSpecParseError, DiagnosticException, ParseError

from cimc.errors import CimcError, first_line

_LET_THROUGH = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    RecursionError,
    StopIteration,
    TypeError,
    ValueError,
)
"""What xDSL's parser and its attributes' constructors let through for some malformed texts."""


_TOKENS = re.compile(
    r'//[^\n]*|"(?:[^"\\\n\v\f]|\\(?:["nt\\]|[0-9A-Fa-f]{2}))*"|"|(?<![\w.$%@#!-])[su]?i[0-9]{5,}\b'
)
"""Comments, strings as MLIR writes them, a quote that begins none, integer types of 10000 bits or more."""


def ir_error(label: str, error: ParseError | DiagnosticException) -> CimcError:
    """The first line of what xDSL says, without the text or the module that it puts under it."""
    if isinstance(error, ParseError):
        return CimcError(f"{label}: line {error.span.line_offset + line_of(error)}: {first_line(error.msg)}")
    return CimcError(f"{label}: {first_line(error)}")


@contextmanager
def parsing(label: str) -> Generator[None]:
    """A context for parsing and verifying, in which everything but `ParseError` and
    `DiagnosticException` becomes a `CimcError`."""
    try:
        yield
    except (ParseError, DiagnosticException):
        raise
    except _LET_THROUGH as e:
        raise CimcError(f"{label}: malformed IR: {first_line(e)}") from None


@contextmanager
def parsing_pipeline() -> Generator[None]:
    """A context for parsing a pass pipeline: what is wrong with it is a `CimcError`."""
    try:
        yield
    except (ArgSpecParseError, ValueError) as e:  # the former is a BaseException, and three lines long
        lines = [line.strip() for line in str(e).splitlines() if line.strip()]
        raise CimcError(f"pass pipeline: {' '.join(lines)}") from None


def check_text(text: str, label: str) -> None:
    """Raises `CimcError` for text on which xDSL's parser would take exponential time, or all memory."""
    for match in _TOKENS.finditer(text):
        token = match.group()
        if token != '"' and token[0] in '/"':
            continue
        unclosed = "a string is not closed, or has an unknown escape"
        problem = unclosed if token == '"' else f"no array holds {token}"
        raise CimcError(f"{label}: line {text.count(chr(10), 0, match.start()) + 1}: {problem}")


def line_of(error: ParseError) -> int:
    """The line of the text where it could not be parsed, from 1 on."""
    text = error.span.input.content[: error.span.start]
    return (text.count("\n") if isinstance(text, str) else text.count(b"\n")) + 1
