"""Agents that propose what they are told, for the tests of those that put agents together."""

from collections.abc import Sequence

from cimc.rl.evaluation import Evaluation, Proposal


class Scripted:
    """Proposes the policies (name, 0), (name, 1) and so on, `most` altogether."""

    def __init__(self, name: int, most: int) -> None:
        self.name = name
        self.most = most
        self.proposed = 0
        self.observed: list[Evaluation] = []

    def propose(self, count: int) -> list[Proposal]:
        count = min(count, self.most - self.proposed)
        found = [Proposal((self.name, self.proposed + i), float(self.name)) for i in range(count)]
        self.proposed += count
        return found

    def observe(self, evaluations: Sequence[Evaluation]) -> None:
        self.observed += evaluations


def evaluations_of(proposals: Sequence[Proposal]) -> list[Evaluation]:
    return [Evaluation(proposal.choices, "quick", 0, 1, 0, 0) for proposal in proposals]
