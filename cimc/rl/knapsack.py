"""The best policy of an additive model: a multiple-choice knapsack, by dynamic programming."""

import numpy as np

from cimc.rl.space import Choices
from cimc.runtime.arrays import Array

BINS = 4000
"""Steps of the budget; losses are rounded up to whole ones, so that the budget always holds."""


def cheapest(cost: Array, loss: Array, budget: float) -> Choices | None:
    """The option of each layer with the least sum of costs whose sum of losses is within the budget.

    `cost` and `loss` are [layers, options], losses not negative; an infinite cost or loss rules an option
    out. Exact but for the rounding of losses. None if nothing is within the budget.
    """
    if not budget > 0:
        return None
    steps = np.ceil(np.minimum(loss / budget, 2.0) * BINS - 1e-9).astype(np.int64)
    best = np.zeros(BINS + 1)
    taken: list[Array] = []
    bins = np.arange(BINS + 1)
    for layer_cost, layer_steps in zip(cost, steps, strict=True):
        options = _undominated(layer_cost, layer_steps)
        before = bins[None, :] - layer_steps[options, None]
        totals = np.where(before >= 0, best[np.maximum(before, 0)], np.inf) + layer_cost[options, None]
        chosen = totals.argmin(0)
        best = totals[chosen, bins]
        taken.append(options[chosen])
    if not np.isfinite(best[-1]):
        return None
    choices: list[int] = []
    left = BINS
    for layer in reversed(range(len(cost))):
        option = int(taken[layer][left])
        choices.append(option)
        left -= int(steps[layer, option])
    return tuple(reversed(choices))


def _undominated(cost: Array, steps: Array) -> Array:
    """The options that no other one beats in both cost and loss; at least one."""
    order = np.lexsort((cost, steps))
    kept: list[int] = []
    least = np.inf
    for option in order:
        if cost[option] < least and steps[option] <= BINS:
            kept.append(int(option))
            least = cost[option]
    return np.array(kept or [int(order[0])])


def front(cost: Array, loss: Array, budgets: Array) -> list[Choices]:
    """The cheapest choices for each of some budgets, without repeats, from the smallest budget on."""
    found = (cheapest(cost, loss, float(budget)) for budget in np.sort(budgets))
    return list(dict.fromkeys(choices for choices in found if choices is not None))
