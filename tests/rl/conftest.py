"""A network that is searched in a second, for each module that wants one."""

from pathlib import Path

import pytest
from rl.tiny_search import tiny_spec, write_files

from cimc.rl.problem import Problem


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The network and its data."""
    return write_files(tmp_path_factory.mktemp("files"))


@pytest.fixture(scope="module")
def problem(files: tuple[Path, Path]) -> Problem:
    """Without training."""
    return Problem(tiny_spec(*files))
