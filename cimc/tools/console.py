"""Where tables go: a terminal with its width and colours, or plain text."""

from collections.abc import Generator
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 160
"""Characters of a line in files and pipes, which have no width of their own."""


def plain_console(file: TextIO | None = None, width: int | None = None) -> "Console":
    """A console, by default on standard output, that prints what it is told: names of layers may be anything,
    and are not to be taken for rich's markup."""
    from rich.console import Console

    return Console(file=file, width=width, highlight=False, markup=False, emoji=False)


@contextmanager
def console_for(file: TextIO) -> Generator["Console"]:
    """A console that prints to a file: as it likes to a terminal, else without blanks at the end of lines."""
    console = plain_console(file)
    if console.is_terminal:
        yield console
        return
    text = StringIO()
    yield plain_console(text, PLAIN_WIDTH)
    file.writelines(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())
