"""What a search shows while it goes on: a bar on standard error, and curves for TensorBoard."""

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from cimc.rl.evaluation import Evaluated, Evaluation
from cimc.rl.space import Space

RUNG_TEXTS = {"quick": "quick evaluations", "short": "short trainings", "full": "full trainings"}


@dataclass
class SearchProgress:
    """The bar, if standard error is a terminal, and the curves."""

    writer: Callable[[], Any]
    """Gives TensorBoard's writer; its file is made with the first curve."""
    bar: Any = None
    _tasks: dict[str, Any] = field(default_factory=dict[str, Any])
    _best: dict[tuple[str, float], tuple[float, float]] = field(
        default_factory=dict[tuple[str, float], tuple[float, float]]
    )
    """Speedup and accuracy, by rung and budget."""
    _step: int = 0

    def say(self, what: str) -> None:
        """Tells what goes on."""
        if self.bar is not None:
            self.bar.console.print(what)

    def stepped(self, step: int, steps: int, loss: float) -> None:
        """Tells how far a training is."""
        if self.bar is None:
            return
        if "training" not in self._tasks:
            self._tasks["training"] = self.bar.add_task("training", total=steps, text="")
        task = self._tasks["training"]
        self.bar.update(task, completed=step, total=steps, text=f"loss {loss:.3f}", visible=step < steps)

    def evaluated(self, space: Space, given: float, max_drops: Sequence[float]) -> Evaluated:
        """What to call after each evaluation; `given` is the accuracy of the given model in percent."""

        def show(evaluation: Evaluation, done: int, total: int | None) -> None:
            speedup = space.speedup(evaluation.choices)
            self._curve(evaluation, speedup, given)
            if self.bar is None:
                return
            rung = evaluation.rung
            if rung not in self._tasks:
                self._tasks[rung] = self.bar.add_task(RUNG_TEXTS[rung], total=total, text="")
            text = self._best_text(evaluation, speedup, given - evaluation.drop, max_drops)
            self.bar.update(self._tasks[rung], completed=done, total=total, text=text)

        return show

    def _best_text(
        self, evaluation: Evaluation, speedup: float, accuracy: float, max_drops: Sequence[float]
    ) -> str:
        """The fastest that was measured within each budget so far."""
        texts: list[str] = []
        for max_drop in max_drops:
            key = evaluation.rung, max_drop
            if evaluation.drop <= max_drop and speedup > self._best.get(key, (0.0, 0.0))[0]:
                self._best[key] = speedup, accuracy
            if key in self._best:
                texts.append("{:.2f}x at {:.2f} %".format(*self._best[key]))
        return ", ".join(dict.fromkeys(texts))

    def _curve(self, evaluation: Evaluation, speedup: float, given: float) -> None:
        self._step += 1
        for name, value in (
            ("speedup", speedup),
            ("accuracy", given - evaluation.drop),
            ("divergence", evaluation.divergence),
        ):
            self.writer().add_scalar(f"{evaluation.rung}/{name}", value, self._step)


@contextmanager
def show_search(curves: Path) -> Generator[SearchProgress]:
    """Shows a search until the context ends."""
    from torch.utils.tensorboard import SummaryWriter

    with ExitStack() as stack:

        @cache
        def writer() -> Any:
            return stack.enter_context(SummaryWriter(str(curves)))

        if not sys.stderr.isatty():
            yield SearchProgress(writer)
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[text]}"),
        )
        bar = stack.enter_context(Progress(*columns, console=Console(stderr=True), transient=True))
        yield SearchProgress(writer, bar)
