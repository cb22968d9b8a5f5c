"""Which policies are selected, against definitions."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rl.spaces import space_of

from cimc.policy import Widths
from cimc.rl.drop_model import DropModel
from cimc.rl.evaluation import Evaluation, Rung
from cimc.rl.selection import Judged, best, front, judged, line

SPACE = space_of(np.array([[1, 2, 4, 8]]), np.ones((1, 4), bool), tuple(Widths(w, 8) for w in (2, 3, 4, 8)))


def evaluation(choice: int, drop: float, error: float = 0.1, divergence: float = 0.01) -> Evaluation:
    return Evaluation((choice,), "quick", drop, error, divergence, 0)


def one(speedup: float, drop: float, error: float = 0.0) -> Judged:
    return Judged(evaluation(0, drop), speedup, drop, error)


found = st.lists(st.builds(one, st.integers(1, 5).map(float), st.integers(0, 5).map(float)), max_size=7)


@given(found)
def test_the_front_is_what_nothing_beats(found: list[Judged]):
    kept = front(found)
    for judgement in found:
        beaten = any(
            (other.speedup >= judgement.speedup and other.drop < judgement.drop)
            or (other.speedup > judgement.speedup and other.drop <= judgement.drop)
            for other in found
        )
        place = judgement.speedup, judgement.drop
        assert (place in [(other.speedup, other.drop) for other in kept]) != beaten
    speeds, drops = [j.speedup for j in kept], [j.drop for j in kept]
    assert speeds == sorted(set(speeds))
    assert drops == sorted(set(drops))


@given(found, st.integers(-1, 6).map(float), st.floats(0.01, 0.99))
def test_the_best_is_the_fastest_within_the_budget(found: list[Judged], budget: float, confidence: float):
    chosen = best(found, budget, confidence)
    within = [j.speedup for j in found if j.drop <= budget]
    assert (None if chosen is None else chosen.speedup) == max(within, default=None)
    assert chosen is None or chosen.drop <= budget


def test_the_more_confidence_the_more_is_kept_clear_of_the_budget():
    """1 point with an error of 0.5: below 1.42 with a probability of 0.8, below 1.64 with 0.9."""
    judgement = one(2, 1, 0.5)
    assert judgement.upper(0.5) == pytest.approx(1)
    assert judgement.upper(0.8) == pytest.approx(1.4208, abs=1e-4)
    assert judgement.upper(0.9) == pytest.approx(1.6408, abs=1e-4)
    assert judgement.upper(0.1) == pytest.approx(0.3592, abs=1e-4)
    slow = one(1, 0.2, 0.1)
    assert best([slow, judgement], 1.5, 0.8) is judgement
    assert best([slow, judgement], 1.5, 0.9) is slow
    assert best([slow, judgement], 0.3, 0.9) is None
    assert best([], 100, 0.5) is None


def test_what_is_not_known_well_is_not_within_the_budget():
    sure, unsure = one(1, 0.9, 0.01), one(3, 0.5, 2.0)
    assert best([sure, unsure], 1.0, 0.8) is sure
    assert best([sure, unsure], 1.0, 0.5) is unsure


def test_quick_evaluations_are_judged_in_the_light_of_all():
    """By chance the third lost nothing; its divergence says that it will."""
    evaluations = [evaluation(i, 60 * z, 0.1, z) for i, z in enumerate((0.01, 0.03, 0.1))]
    lucky = evaluation(3, 0.0, 3.0, 0.1)
    every = [*evaluations, lucky]
    judgements = judged(SPACE, every)
    assert [j.evaluation for j in judgements] == every
    assert [j.speedup for j in judgements] == [8, 4, 2, 1]
    assert judgements[3].drop > 4
    assert judgements[3].error < 2
    model = DropModel(every)
    assert [(j.drop, j.error) for j in judgements] == [model.estimate(e) for e in every]
    # 0 points would be within a budget of 1, what is expected is not.
    chosen = best(judgements[2:], 1.0, 0.5)
    assert chosen is None


def test_trained_networks_are_judged_in_the_light_of_others_that_were_trained():
    """They lose less for the same divergence: neither kind says anything of the other."""
    quick = [evaluation(i, 60 * z, 0.1, z) for i, z in enumerate((0.01, 0.03, 0.1))]
    rungs: tuple[Rung, ...] = ("short", "full", "short", "full")
    trained = [
        replace(evaluation(i, 10 * z, 0.1, z), rung=rung)
        for i, (rung, z) in enumerate(zip(rungs, (0.02, 0.05, 0.1, 0.2), strict=True))
    ]
    lucky = replace(evaluation(3, -1.0, 3.0, 0.1), rung="full")
    mixed = [*trained[:2], *quick, *trained[2:], lucky]
    judgements = judged(SPACE, mixed)
    assert [j.evaluation for j in judgements] == mixed
    assert judgements[-1].drop == pytest.approx(1.0, abs=0.2)
    for part in (quick, [*trained, lucky]):
        assert judged(SPACE, part) == [j for j in judgements if j.evaluation in part]


def test_the_line_goes_from_slow_to_fast():
    judgements = judged(
        SPACE, [Evaluation((i,), "full", drop, 0.1, 1.0, 0) for i, drop in ((0, 5), (2, 6), (3, 0.5), (1, 2))]
    )
    # The third loses more than the first, which is faster.
    assert line(judgements) == [(3,), (1,), (0,)]
    assert line([]) == []
