"""Which of the evaluated policies is best for a budget."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from cimc.rl.drop_model import DropModel
from cimc.rl.evaluation import Evaluation
from cimc.rl.space import Choices, Space


@dataclass(frozen=True)
class Judged:
    """An evaluation, and the drop that it lets one expect of other pictures."""

    evaluation: Evaluation
    speedup: float
    drop: float
    error: float
    """Standard error of `drop`, in points."""

    def upper(self, confidence: float) -> float:
        """The drop is not larger than this with so much confidence."""
        return self.drop + NormalDist().inv_cdf(confidence) * self.error


def judged(space: Space, evaluations: Sequence[Evaluation]) -> list[Judged]:
    """Evaluations, each seen in the light of all: of networks as they are, or of those that were trained.

    Trained ones lose less for the same divergence.
    """
    models = {
        trained: DropModel([e for e in evaluations if e.is_trained == trained]) for trained in (False, True)
    }
    return [Judged(e, space.speedup(e.choices), *models[e.is_trained].estimate(e)) for e in evaluations]


def best(found: Sequence[Judged], max_drop: float, confidence: float) -> Judged | None:
    """The fastest that keeps to a budget, of several that loses least; None if there is none."""
    within = [one for one in found if one.upper(confidence) <= max_drop]
    return max(within, key=lambda one: (one.speedup, -one.drop), default=None)


def front(found: Sequence[Judged]) -> list[Judged]:
    """Those that no other one beats in both speed and drop, from the slowest to the fastest."""
    kept: list[Judged] = []
    least = float("inf")
    for one in sorted(found, key=lambda one: (-one.speedup, one.drop)):
        if one.drop < least:
            kept.append(one)
            least = one.drop
    return kept[::-1]


def line(found: Sequence[Judged]) -> list[Choices]:
    """The policies of the front, from the slowest to the fastest."""
    return [one.evaluation.choices for one in front(found)]
