"""Search along a line of policies, each faster than the one before: bisection for each budget."""

from collections.abc import Sequence
from dataclasses import dataclass

from cimc.rl.evaluation import Evaluation, Proposal
from cimc.rl.space import Choices


@dataclass
class _Interval:
    """Policies from `low` on hold a budget as far as is known, from `high` on they do not."""

    max_drop: float
    low: int
    high: int

    @property
    def is_open(self) -> bool:
        return self.high - self.low > 1

    @property
    def middle(self) -> int:
        return (self.low + self.high) // 2


class BisectionAgent:
    """Finds, for each budget, how far one can go on a line of policies; budgets share their evaluations."""

    def __init__(self, line: Sequence[Choices], max_drops: Sequence[float]) -> None:
        self._line = list(line)
        self._intervals = [_Interval(max_drop, -1, len(line)) for max_drop in max_drops]
        self._positions = {choices: index for index, choices in enumerate(line)}

    def propose(self, count: int) -> list[Proposal]:
        """The middle of the widest intervals that are left; none when all are found."""
        proposals: dict[Choices, Proposal] = {}
        for interval in sorted(self._intervals, key=lambda i: i.low - i.high):
            if interval.is_open and len(proposals) < count:
                choices = self._line[interval.middle]
                proposals.setdefault(choices, Proposal(choices, interval.max_drop))
        return list(proposals.values())

    def observe(self, evaluations: Sequence[Evaluation]) -> None:
        """Halves the intervals."""
        for evaluation in evaluations:
            position = self._positions.get(evaluation.choices)
            if position is None:
                continue
            for interval in self._intervals:
                if evaluation.drop <= interval.max_drop:
                    interval.low = max(interval.low, min(position, interval.high - 1))
                else:
                    interval.high = min(interval.high, max(position, interval.low + 1))
