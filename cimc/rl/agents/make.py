"""The agents by their names."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from xdsl.dialects.builtin import ModuleOp

from cimc.rl.evaluation import Agent
from cimc.rl.features import LayerFeatures
from cimc.rl.space import Space
from cimc.rl.surrogate import Sensitivities, Surrogate

if TYPE_CHECKING:
    from cimc.rl.problem import Problem

AgentName: TypeAlias = Literal["turns", "ppo", "thompson", "ddpg", "ilp", "greedy", "random"]

AGENTS: tuple[AgentName, ...] = get_args(AgentName)

DEFAULT_AGENT: AgentName = "turns"
"""`ppo` and `thompson` on one surrogate."""


@dataclass(frozen=True)
class AgentTask:
    """What an agent is made for."""

    module: ModuleOp
    """Its layers get the widths of what an agent proposes that edits the IR."""
    space: Space
    features: Sequence[LayerFeatures]
    sensitivities: Callable[[], Sensitivities]
    """Measures them: some agents do without."""
    max_drops: tuple[float, ...]
    evaluations: int
    """How many there will be for all budgets together."""
    seed: int


def task_of(problem: "Problem", max_drops: tuple[float, ...], evaluations: int, seed: int) -> AgentTask:
    """The task that a problem sets."""
    return AgentTask(
        problem.module,
        problem.space,
        problem.features,
        lambda: problem.sensitivities,
        max_drops,
        evaluations,
        seed,
    )


def make_agent(name: AgentName, task: AgentTask) -> Agent:
    """The agent of a name. Agents are imported here, since some take seconds."""
    space, drops = task.space, task.max_drops
    match name:
        case "random":
            from cimc.rl.agents.random import RandomAgent

            return RandomAgent(space, drops, task.seed)
        case "ilp":
            from cimc.rl.agents.ilp import ilp_agent

            return ilp_agent(space, task.sensitivities(), drops)
        case "greedy":
            from cimc.rl.agents.greedy import greedy_agent

            return greedy_agent(space, task.sensitivities(), drops)
        case "ddpg":
            return _ddpg(task)
        case "thompson" | "ppo" | "turns":
            return _on_surrogate(name, task)


def _ddpg(task: AgentTask) -> Agent:
    from cimc.rl.agents.ddpg import DdpgAgent
    from cimc.rl.agents.in_sequence import InSequence

    each, more = divmod(task.evaluations, len(task.max_drops))
    return InSequence(
        [
            DdpgAgent(task.space, task.features, drop, each + (index < more), task.seed + index)
            for index, drop in enumerate(task.max_drops)
        ]
    )


def _on_surrogate(name: AgentName, task: AgentTask) -> Agent:
    from cimc.rl.agents.thompson import ThompsonAgent

    surrogate = Surrogate(task.space, task.sensitivities())
    thompson = ThompsonAgent(task.space, surrogate, task.max_drops, task.seed)
    if name == "thompson":
        return thompson
    from cimc.rl.agents.ppo import PpoAgent
    from cimc.rl.agents.turns import TurnsAgent

    ppo = PpoAgent(task.space, task.features, surrogate, task.max_drops, task.seed, module=task.module)
    return ppo if name == "ppo" else TurnsAgent([ppo, thompson])
