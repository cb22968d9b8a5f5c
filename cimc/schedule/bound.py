"""How fast any schedule can be at best.

Three things take time: the crossbars' work, the path of layers that wait for each other, and the writes of
the copies that make a layer of the path fast. Let the layers of a path take the times t_l, one after the
other. In t_l a crossbar does at most t_l of a layer's MVMs, so W_l / t_l crossbars or more take part, with a
write each:

    makespan >= write + sum over the path of t_l
    makespan >= sum over all layers of (W_l + write * max(T_l, W_l / t_l)) / P

for T_l tiles, W_l of MVM time, P crossbars. Any mixture of both with weights k and 1 - k holds for the t_l
that make it least, each layer by itself; the largest such bound over some k and all paths is taken.
"""

from collections.abc import Sequence
from math import ceil, sqrt

from cimc.schedule.work import LayerWork, Machine

_SAFE = 1 - 1e-9
"""The mixture is computed in floats, whose rounding must not lift a bound."""


def lower_bound_ps(works: Sequence[LayerWork], machine: Machine) -> int:
    """No schedule of these layers, each after what it depends on, ends before."""
    work = sum(w.mvm_ps + w.tiles * machine.write_ps for w in works)
    best = ceil(work / machine.crossbars) if machine.crossbars > 1 else work
    if machine.crossbars == 1:
        return best
    low, high = 0.0, 1.0
    for _ in range(40):  # the mixture is concave in its weight, as a minimum of straight lines
        third = (high - low) / 3
        left, right = _mixture(works, machine, low + third), _mixture(works, machine, high - third)
        best = max(best, int(left * _SAFE), int(right * _SAFE))
        if left < right:
            low += third
        else:
            high -= third
    return max(best, int(_mixture(works, machine, 1.0) * _SAFE))


def _mixture(works: Sequence[LayerWork], machine: Machine, k: float) -> float:
    """The bound for the weight `k` of the path, over the path for which it is largest."""
    share = (1 - k) / machine.crossbars
    everywhere = share * sum(w.mvm_ps + w.tiles * machine.write_ps for w in works)
    gains: list[float] = []
    for work in works:
        before = max((gains[i] for i in work.vectors_after), default=0.0)
        written = max((gains[i] for i in work.cells_after), default=0.0) + k * machine.write_ps
        gains.append(max(before, written) + _gain(work, machine, k, share))
    return everywhere + max(gains, default=0.0)


def _gain(work: LayerWork, machine: Machine, k: float, share: float) -> float:
    """What a layer adds to the mixture when it is on the path."""
    shortest, longest = work.shortest_ps(machine.crossbars), work.vectors * work.vector_ps
    copies = share * machine.write_ps * work.mvm_ps
    t = min(max(sqrt(copies / k), shortest), longest) if k > 0 else longest
    return k * t + (copies / t if t else 0.0) - share * machine.write_ps * work.tiles
