"""The agent `ppo`: a policy network that is told the budget, and learns in worlds that might be.

Widths of weights and activations are decided together, layer by layer, among the options that the budget
leaves. The network starts from a copy of what the knapsack does on the expected losses, and is trained by
proximal policy optimisation (J. Schulman et al., arXiv 1707.06347, 2017) on episodes in samples of the
surrogate, which cost nothing. Of many policies that it makes, the one that looks best in a sample is
evaluated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from tensordict.nn import InteractionType, TensorDictModule
from torch import Tensor, nn
from torch.nn import functional
from torchrl.modules import MaskedCategorical, ProbabilisticActor
from torchrl.objectives import ClipPPOLoss
from torchrl.objectives.value import GAE
from xdsl.dialects.builtin import ModuleOp

from cimc.rl.agents.thompson import cost_of
from cimc.rl.decisions import Decisions
from cimc.rl.environment import PolicyEnv, PrecisionEnv
from cimc.rl.evaluation import Evaluation, Proposal
from cimc.rl.features import LayerFeatures
from cimc.rl.knapsack import front
from cimc.rl.space import Choices, Space
from cimc.rl.surrogate import Surrogate
from cimc.rl.tensors import tensor_of
from cimc.runtime.arrays import Array

TEMPERATURES = (1.0, 2.0, 4.0, 8.0, 16.0)
"""By which scores are divided, one after the other, until a policy turns up that was not evaluated yet."""


@dataclass(frozen=True)
class PpoSettings:
    """How the network is made and trained."""

    hidden: int = 64
    rate: float = 1e-3
    cloned: int = 48
    """Solutions of the knapsack that it starts from."""
    clone_steps: int = 300
    episodes: int = 64
    """In a round of training; there is one before each round of proposals."""
    worlds: int = 8
    """Samples of the surrogate in a round."""
    passes: int = 2
    """Over the episodes of a round."""
    clip: float = 0.2
    entropy: float = 0.003
    overrun_penalty: float = 2.0
    """Logarithmic speedup that a policy loses for each budget's worth beyond the budget."""
    candidates: int = 97
    """Policies that are drawn for a proposal."""


class _Actor(nn.Module):
    """A score for each option: options [..., count, size] to logits [..., count]."""

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.option = nn.Sequential(nn.Linear(size, hidden), nn.Tanh(), nn.Linear(hidden, hidden), nn.Tanh())
        self.score = nn.Linear(hidden, 1)
        self.temperature = 1.0

    def forward(self, options: Tensor) -> Tensor:
        return self.score(self.option(options)).squeeze(-1) / self.temperature


class _Critic(nn.Module):
    """The value of a decision: options [..., count, size] and their mask to [..., 1]."""

    def __init__(self, size: int, hidden: int) -> None:
        super().__init__()
        self.option = nn.Sequential(nn.Linear(size, hidden), nn.Tanh())
        self.value = nn.Linear(hidden, 1)

    def forward(self, options: Tensor, mask: Tensor) -> Tensor:
        hidden = self.option(options) * mask[..., None]
        return self.value(hidden.sum(-2) / mask.sum(-1, keepdim=True))


class PpoAgent:
    """Proposes for several budgets in turn with one network."""

    def __init__(
        self,
        space: Space,
        features: Sequence[LayerFeatures],
        surrogate: Surrogate,
        max_drops: Sequence[float],
        seed: int,
        settings: PpoSettings | None = None,
        module: ModuleOp | None = None,
    ) -> None:
        """With the network's `module`, what is proposed is what the agent's actions have made of its IR."""
        self._space, self._surrogate, self._settings = space, surrogate, settings or PpoSettings()
        self._max_drops = tuple(max_drops)
        self._random = np.random.default_rng(seed)
        self._decisions = Decisions(space, features, surrogate.mean())
        self._turn = 0
        self._started = False
        self._precision = None
        if module is not None:
            self._precision = PrecisionEnv(module, self._decisions, torch.ones, _no_reward)
        with self._generator():
            self._make()

    def _generator(self) -> Any:
        """torch's numbers follow from the agent's own until the context ends."""
        return _seeded(int(self._random.integers(1 << 62)))

    def _make(self) -> None:
        settings, size = self._settings, self._decisions.size
        self._scores = _Actor(size, settings.hidden)
        actor = TensorDictModule(self._scores, in_keys=["options"], out_keys=["logits"])
        self._actor = ProbabilisticActor(
            actor,
            in_keys=["logits", "mask"],
            distribution_class=MaskedCategorical,
            return_log_prob=True,
            # TorchRL takes the most likely action unless it is told to explore.
            default_interaction_type=InteractionType.RANDOM,
        )
        critic = TensorDictModule(_Critic(size, settings.hidden), ["options", "mask"], ["state_value"])
        self._loss = ClipPPOLoss(
            cast(Any, self._actor),
            cast(Any, critic),
            clip_epsilon=settings.clip,
            entropy_coeff=settings.entropy,
        )
        self._advantage = GAE(gamma=1.0, lmbda=0.95, value_network=critic)
        self._optimizer: Any = torch.optim.Adam(self._loss.parameters(), settings.rate)

    def propose(self, count: int) -> list[Proposal]:
        """`count` policies, fewer if there are no new ones."""
        with self._generator():
            self._decisions.set_loss(self._surrogate.mean())
            if not self._started:
                self._clone()
                self._started = True
            proposals: list[Proposal] = []
            self._train()
            for _ in range(count):
                proposal = self._next()
                if proposal is not None:
                    self._surrogate.proposed.add(proposal.choices)
                    proposals.append(proposal)
        return proposals

    def _next(self) -> Proposal | None:
        """A new policy for the next budget; of less likely ones where the likely ones are known."""
        for temperature in TEMPERATURES:
            max_drop = self._max_drops[self._turn % len(self._max_drops)]
            self._turn += 1
            budget = self._surrogate.drops.divergence_for(max_drop, self._random)
            choices = self._best(budget, temperature)
            if choices is None:
                continue
            if self._precision is not None:
                policy = self._precision.play(self._decisions.actions(choices), budget)
                choices = self._space.choices(policy)
            return Proposal(choices, max_drop)
        return None

    def observe(self, evaluations: Sequence[Evaluation]) -> None:
        """Refits the surrogate, in which the network learns from then on."""
        self._surrogate.observe(evaluations)

    def _budgets(self, count: int) -> Tensor:
        """Budgets of divergence around those that are asked for, [count]."""
        low, high = np.log(self._budget_range())
        return tensor_of(np.exp(self._random.uniform(low, high, count))).float()

    def _clone(self) -> None:
        """Copies the knapsack's solutions, decision by decision."""
        settings, decisions = self._settings, self._decisions
        budgets: Array = np.geomspace(*self._budget_range(), settings.cloned)
        options: list[Tensor] = []
        masks: list[Tensor] = []
        wanted: list[Tensor] = []
        solutions = [(b, front(cost_of(self._space), self._surrogate.mean(), np.array([b]))) for b in budgets]
        solved = [(budget, decisions.actions(found[0])) for budget, found in solutions if found]
        if not solved:
            return
        budget = torch.tensor([b for b, _ in solved]).float()
        actions = torch.tensor([a for _, a in solved])
        cost, loss = torch.zeros(len(solved)), torch.zeros(len(solved))
        for layer in range(decisions.layers):
            seen, mask = decisions.observation(layer, cost, loss, budget)
            options.append(seen)
            masks.append(mask)
            wanted.append(actions[:, layer])
            cost = cost + decisions.cost[layer][actions[:, layer]]
            loss = loss + decisions.loss[layer][actions[:, layer]]
        x, mask, y = torch.cat(options), torch.cat(masks), torch.cat(wanted)
        optimizer: Any = torch.optim.Adam(self._scores.parameters(), 3 * settings.rate)
        for _ in range(settings.clone_steps):
            chosen = torch.randint(len(x), (256,))
            logits = self._scores(x[chosen]).masked_fill(~mask[chosen], -1e9)
            error: Any = functional.cross_entropy(logits, y[chosen])
            optimizer.zero_grad()
            error.backward()
            optimizer.step()

    def _budget_range(self) -> tuple[float, float]:
        low, high = (
            self._surrogate.drops.divergence_for(d) for d in (min(self._max_drops), max(self._max_drops))
        )
        return low / 2, high * 2

    def _train(self) -> None:
        """A round of proximal policy optimisation in samples of the surrogate."""
        settings, decisions = self._settings, self._decisions
        worlds = torch.stack([self._world() for _ in range(settings.worlds)])
        world = torch.arange(settings.episodes) % settings.worlds

        def reward(actions: Tensor, cost: Tensor, loss: Tensor, budget: Tensor) -> Tensor:
            layers = torch.arange(decisions.layers)
            lost = worlds[world[:, None], layers, actions].sum(1)
            beyond = (lost / budget - 1).clamp(min=0, max=4)
            return -torch.log(cost) - settings.overrun_penalty * beyond

        env: Any = PolicyEnv(decisions, settings.episodes, self._budgets, reward)
        with torch.no_grad():
            episodes: Any = env.rollout(decisions.layers, self._actor)
        for _ in range(settings.passes):
            with torch.no_grad():
                self._advantage(episodes)
            for part in _shuffled(episodes.reshape(-1), 4):
                losses = self._loss(part)
                total = losses["loss_objective"] + losses["loss_critic"] + losses["loss_entropy"]
                self._optimizer.zero_grad()
                total.backward()
                nn.utils.clip_grad_norm_(self._loss.parameters(), 1.0)
                self._optimizer.step()

    def _world(self) -> Tensor:
        """A sample of the surrogate for the options of the decisions, [layers, count]."""
        return self._decisions.of_options(self._surrogate.sample(self._random))

    @torch.no_grad()
    def _best(self, budget: float, temperature: float) -> Choices | None:
        """Of the network's policies for a budget, the fastest that holds it in a sample, and is new."""
        self._scores.temperature = temperature
        decisions, count = self._decisions, self._settings.candidates
        env: Any = PolicyEnv(decisions, count, lambda n: torch.full((n,), budget), _saved_cost)
        episodes: Any = env.rollout(decisions.layers, self._actor)
        self._scores.temperature = 1.0
        actions: Any = episodes["action"]
        world = self._world()
        lost = world[torch.arange(decisions.layers), actions].sum(1)
        cost = -episodes["next", "reward"][:, -1, 0]
        # Those within the budget by their cost, then the others by how far they are beyond it.
        beyond = (lost / budget - 1).clamp(min=0)
        order: Any = torch.argsort(torch.where(beyond > 0, 10 + beyond, cost), stable=True)
        for index in order.tolist():
            choices = decisions.choices(actions[index].tolist())
            if choices not in self._surrogate.proposed:
                return choices
        return None


def _saved_cost(actions: Tensor, cost: Tensor, loss: Tensor, budget: Tensor) -> Tensor:
    return -cost


def _no_reward(actions: Tensor, cost: Tensor, loss: Tensor, budget: Tensor) -> Tensor:
    """What the policy is worth, only its evaluation tells."""
    return torch.zeros_like(cost)


def _shuffled(episodes: Any, parts: int) -> list[Any]:
    order = torch.randperm(len(episodes))
    return [episodes[chosen] for chosen in order.chunk(parts)]


class _seeded:
    """A context with a seed of torch of its own."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def __enter__(self) -> None:
        self._before = torch.get_rng_state()
        random: Any = torch.random  # some functions of it have no types
        random.manual_seed(self._seed)

    def __exit__(self, *error: object) -> None:
        torch.set_rng_state(self._before)
