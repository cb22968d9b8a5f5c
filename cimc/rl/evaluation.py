"""What an evaluation of a policy tells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, get_args

from cimc.rl.space import Choices

Rung: TypeAlias = Literal["quick", "short", "full"]

RUNGS: tuple[Rung, ...] = get_args(Rung)
"""The ladder: fake quantisation without training; a short training; the full one."""


@dataclass(frozen=True)
class Evaluation:
    """How much a network loses with the widths of a policy, on validation pictures."""

    choices: Choices
    rung: Rung
    drop: float
    """Points of top-1, in percent, below the model as it was given, on the same pictures."""
    drop_error: float
    """The standard error of `drop`: of the difference on the same pictures."""
    divergence: float
    """Mean Kullback-Leibler divergence of the outputs from the given model's, in nats: it is far less noisy
    than a count of pictures."""
    seconds: float

    @property
    def is_trained(self) -> bool:
        """Whether the network was trained, shortly or fully."""
        return self.rung != "quick"


Evaluated: TypeAlias = Callable[[Evaluation, int, int | None], None]
"""Told of an evaluation, how many are done of its rung, and how many there will be at most, if known."""


@dataclass(frozen=True)
class Proposal:
    """A policy that an agent wants to be evaluated, and the budget that it was made for."""

    choices: Choices
    max_drop: float


class Agent(Protocol):
    """Whoever proposes policies, learns from their evaluations, and proposes better ones."""

    def propose(self, count: int) -> list[Proposal]:
        """At most `count` policies to evaluate next; none if it has no more."""
        ...

    def observe(self, evaluations: Sequence[Evaluation]) -> None:
        """Takes in the evaluations of what was proposed last, in the same order."""
        ...
