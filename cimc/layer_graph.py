"""Which layers wait for which: from the IR, whose values say it."""

from collections.abc import Iterable
from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue


@dataclass(frozen=True)
class Needs:
    """Layers, by number, whose results must be there."""

    vectors: frozenset[int]
    """Before a vector can stream."""
    cells: frozenset[int]
    """Before a tile can be written."""


class LayerGraph:
    """Follows values through a block of ops: from which layers does each come, without another in between?"""

    def __init__(self) -> None:
        self._sources: dict[SSAValue, frozenset[int]] = {}

    def needs(self, vectors: SSAValue, cells: SSAValue) -> Needs:
        """What a product of these operands waits for."""
        return Needs(self._of([vectors]), self._of([cells]))

    def digital(self, op: Operation) -> None:
        """Notes an op that is no layer: its results come from where its operands do."""
        sources = self._of(op.operands)
        for result in op.results:
            self._sources[result] = sources

    def layer(self, result: SSAValue, index: int) -> None:
        """Notes the result of a layer."""
        self._sources[result] = frozenset((index,))

    def _of(self, values: Iterable[SSAValue]) -> frozenset[int]:
        return frozenset[int]().union(*(self._sources.get(value, frozenset()) for value in values))
