"""The evaluations of a search: from its log or made now, each once, and what they let one expect."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from cimc.rl.evaluation import Evaluated, Evaluation, Rung
from cimc.rl.log import EvaluationLog
from cimc.rl.selection import Judged, judged
from cimc.rl.space import Choices, Space, policy_name
from cimc.rl.workers import Workers
from cimc.tensor_store import atomic_path


class Evaluations:
    """Makes evaluations, and remembers those that were asked for.

    Decisions rest on these alone, not on what a log has of later ones: a search that is resumed goes the
    same way.
    """

    def __init__(
        self,
        space: Space,
        workers: Workers,
        log: EvaluationLog,
        states: Path,
        totals: Mapping[Rung, int | None],
        evaluated: Evaluated,
    ) -> None:
        """`states` is a folder for trained networks, `totals` how many evaluations are expected at most."""
        self.log = log
        self._space, self._workers, self._states = space, workers, states
        self._totals, self._evaluated = totals, evaluated
        self._seen: dict[tuple[Choices, Rung], Evaluation] = {}

    def evaluate(self, policies: Sequence[Choices], rung: Rung) -> list[Evaluation]:
        """The evaluations of policies. Raises `CimcError` if a worker is lost."""
        missing = [choices for choices in policies if not self._is_known(choices, rung)]
        for outcome in self._workers.run(missing, rung):
            if rung == "full" and outcome.state is not None:
                with atomic_path(self.state_file(outcome.evaluation.choices)) as temporary:
                    temporary.write_bytes(outcome.state)
            self.log.add(outcome.evaluation)
        found = (self.log.get(choices, rung) for choices in policies)
        known = [evaluation for evaluation in found if evaluation is not None]
        for evaluation in known:
            if (evaluation.choices, rung) in self._seen:  # lines come back to what they know
                continue
            self._seen[evaluation.choices, rung] = evaluation
            done = sum(seen == rung for _, seen in self._seen)
            total = self._totals[rung]
            self._evaluated(evaluation, done, total and max(total, done))
        return known

    def seen(self) -> dict[tuple[Choices, Rung], Judged]:
        """Those that were asked for so far, each in the light of all."""
        return dict(zip(self._seen, judged(self._space, list(self._seen.values())), strict=True))

    def candidates(self) -> list[Judged]:
        """All of the log whose networks can be exported: as they are, or fully trained."""
        found = judged(self._space, self.log.all())
        return [
            one
            for one in found
            if one.evaluation.rung != "short" and self._is_known(one.evaluation.choices, one.evaluation.rung)
        ]

    def _is_known(self, choices: Choices, rung: Rung) -> bool:
        kept = rung != "full" or self.state_file(choices).exists()
        return kept and self.log.get(choices, rung) is not None

    def state_of(self, evaluation: Evaluation) -> bytes | None:
        """The network that was evaluated, if it was one that was trained."""
        return self.state_file(evaluation.choices).read_bytes() if evaluation.is_trained else None

    def state_file(self, choices: Choices) -> Path:
        """Where the network of a policy is kept once it is trained."""
        return self._states / f"{policy_name(choices)}.pt"
