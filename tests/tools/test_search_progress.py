"""What a search shows: curves that TensorBoard reads, and a bar where there is a terminal."""

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from rl.agents.toy import toy_space

from cimc.rl.evaluation import Evaluation
from cimc.tools.search_progress import show_search

SPACE = toy_space()
GIVEN = 90.0
MAX_DROPS = (0.5, 2.0)
EVALUATIONS = [
    Evaluation(SPACE.widest, "quick", 0.5, 0.1, 0.01, 1),
    Evaluation(SPACE.fastest, "quick", 40.0, 1.0, 0.9, 1),
    Evaluation(SPACE.fastest, "full", -0.25, 0.1, 0.2, 9),
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def curves(folder: Path) -> dict[str, list[float]]:
    """As TensorBoard reads them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events: Any = EventAccumulator(str(folder))
    events.Reload()
    return {name: [e.value for e in events.Scalars(name)] for name in events.Tags()["scalars"]}


def test_curves_hold_what_was_evaluated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with show_search(tmp_path / "curves") as show:
        show.say("hello")
        tell = show.evaluated(SPACE, GIVEN, MAX_DROPS)
        for done, evaluation in enumerate(EVALUATIONS):
            tell(evaluation, done + 1, 3)
    found = curves(tmp_path / "curves")
    slow, fast = (SPACE.speedup(choices) for choices in (SPACE.widest, SPACE.fastest))
    expected = {
        "quick/speedup": [slow, fast],
        "quick/accuracy": [89.5, 50.0],
        "quick/divergence": [0.01, 0.9],
        "full/speedup": [fast],
        "full/accuracy": [90.25],
        "full/divergence": [0.2],
    }
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        assert found[name] == pytest.approx(values, rel=1e-6)
    printed = capsys.readouterr()  # no terminal: not a word
    assert printed.out == printed.err == ""


def test_nothing_is_written_before_the_first_evaluation(tmp_path: Path) -> None:
    """A search that fails with its data leaves no files."""
    with show_search(tmp_path / "curves") as show:
        show.evaluated(SPACE, GIVEN, MAX_DROPS)
    assert not (tmp_path / "curves").exists()


def test_bar_on_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    with show_search(tmp_path / "curves") as show:
        show.say("mapping all widths")
        tell = show.evaluated(SPACE, GIVEN, MAX_DROPS)
        for done, evaluation in enumerate(EVALUATIONS):
            tell(evaluation, done + 1, 3)
        show.bar.refresh()
    shown = terminal.getvalue()
    for text in ("mapping all widths", "quick evaluations", "full trainings", "2/3", "3/3"):
        assert text in shown
    assert f"{SPACE.speedup(SPACE.fastest):.2f}x at 90.25 %" in shown
    # Where the fastest one loses too much, the best one so far is shown.
    assert f"{SPACE.speedup(SPACE.widest):.2f}x at 89.50 %" in shown
    assert "50.00 %" not in shown
    assert "short trainings" not in shown
    assert len(curves(tmp_path / "curves")) == 6


def test_trainings_are_shown_while_they_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    with show_search(tmp_path / "curves") as show:
        for step in (1, 2):
            show.stepped(step, 3, 0.25)
        show.bar.refresh()
        show.stepped(3, 3, 0.125)
        show.bar.refresh()
        last = len(terminal.getvalue())
        show.bar.refresh()
    shown = terminal.getvalue()
    assert "2/3" in shown
    assert "loss 0.250" in shown
    assert "training" not in shown[last:]
    with pytest.MonkeyPatch.context() as other:
        other.setattr(sys, "stderr", io.StringIO())
        with show_search(tmp_path / "curves") as show:
            show.stepped(1, 3, 0.25)
    assert capsys.readouterr().out == ""


def test_bar_goes_away_when_a_search_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message comes after it, and the cursor is shown again."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")

    def fail() -> None:
        with show_search(tmp_path / "curves") as show:
            show.evaluated(SPACE, GIVEN, MAX_DROPS)(EVALUATIONS[0], 1, 2)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    shown = terminal.getvalue()
    assert shown.rfind("\x1b[?25h") > shown.rfind("\x1b[?25l") >= 0
    assert curves(tmp_path / "curves")["quick/accuracy"] == [89.5]
