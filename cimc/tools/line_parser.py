"""A parser that remembers on which line each op stands."""

from xdsl.context import Context
from xdsl.ir import Operation

from cimc.ir_parser import IRParser


class LineParser(IRParser):
    """Parses IR; `line_of` says where in the text an op came from."""

    def __init__(self, ctx: Context, text: str, name: str) -> None:
        super().__init__(ctx, text, name)
        self._text = text
        self._starts: dict[Operation, int] = {}

    def parse_operation(self) -> Operation:
        start = self.pos
        op = super().parse_operation()
        self._starts[op] = start
        return op

    def line_of(self, op: Operation) -> int | None:
        """The line of an op, from 1 on; None if it does not come from the text."""
        start = self._starts.get(op)
        return None if start is None else self._text.count("\n", 0, start) + 1
