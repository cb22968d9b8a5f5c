"""Where tables go: a terminal with its width and colours, or plain text."""

from collections.abc import Generator
from contextlib import contextmanager
from io import StringIO
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console

PLAIN_WIDTH = 160
"""Characters of a line in files and pipes, which have no width of their own."""


@contextmanager
def console_for(file: TextIO) -> Generator["Console"]:
    """A console that prints to a file: as it likes to a terminal, else without blanks at the end of lines."""
    from rich.console import Console

    console = Console(file=file, highlight=False)
    if console.is_terminal:
        yield console
        return
    text = StringIO()
    yield Console(file=text, highlight=False, width=PLAIN_WIDTH)
    file.writelines(f"{line.rstrip()}\n" for line in text.getvalue().splitlines())
