"""What xDSL raises for malformed text, IR and pipelines, as `CimcError`."""

from collections.abc import Generator
from contextlib import contextmanager

from xdsl.utils.exceptions import ArgSpecParseError, DiagnosticException, ParseError

from cimc.errors import CimcError, first_line

_LET_THROUGH = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    NotImplementedError,
    RecursionError,
    StopIteration,
    TypeError,
    ValueError,
)
"""What xDSL's parser and its attributes' constructors let through for some malformed texts."""


def ir_error(label: str, error: ParseError | DiagnosticException) -> CimcError:
    """The first line of what xDSL says, without the text or the module that it puts under it."""
    if isinstance(error, ParseError):
        return CimcError(f"{label}: {_position(error)}{first_line(error.msg)}")
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


def _position(error: ParseError) -> str:
    text = error.span.input.content[: error.span.start]
    return f"line {text.count(chr(10)) + 1}: " if isinstance(text, str) else ""
