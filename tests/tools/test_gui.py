"""`cimc-gui`: xDSL's interactive application applies our passes to programs with weights beside them."""

import asyncio
from pathlib import Path

import pytest
from command_line import cimc
from textual.pilot import Pilot
from tiny_models import qdq, serialized
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import PassPipeline

from cimc.errors import CimcError
from cimc.passes import get_all_cimc_passes
from cimc.tools.gui_app import CimcApp
from cimc.tools.gui_main import run_gui


@pytest.fixture
def imported(tmp_path: Path) -> Path:
    (tmp_path / "model.onnx").write_bytes(serialized(qdq()))
    outcome = cimc(tmp_path / "model.onnx", "--emit=onnx", "-o", tmp_path / "model.mlir")
    assert outcome.code == 0, outcome.err
    return tmp_path / "model.mlir"


def labels(app: CimcApp) -> list[str]:
    """The passes that the application offers next."""
    return [str(node.label) for node in app.passes_tree.root.children]


def test_passes_are_applied_one_by_one(imported: Path) -> None:
    async def session() -> None:
        begin = PassPipeline.parse_spec(get_all_cimc_passes(), "onnx-fold-constants").passes
        app = CimcApp(imported, begin)
        async with app.run_test(size=(160, 60)) as pilot:
            await pilot.pause()
            assert isinstance(app.current_module, ModuleOp)
            assert "onnx.Conv" in app.output_text_area.text
            assert {"convert-onnx-to-cim", "cim-schedule", "canonicalize"} <= set(labels(app))
            await choose(app, pilot, "convert-onnx-to-cim")
            assert "cim.conv" in app.output_text_area.text
            await choose(app, pilot, "cim-quantize-weights")
            await pilot.click("#condense_button")
            await pilot.pause()
            offered = labels(app)
            assert "cim-quantize" in offered
            assert "cim-quantize-weights" not in offered  # has nothing left to do
            assert "cim-im2col" not in offered  # too early
            await pilot.click("#uncondense_button")
            await pilot.pause()
            await choose(app, pilot, "cim-im2col")
            assert "run cim-quantize" in app.output_text_area.text

    asyncio.run(session())


async def choose(app: CimcApp, pilot: Pilot[None], name: str) -> None:
    """Clicks on a pass."""
    tree = app.passes_tree
    (node,) = [node for node in tree.root.children if str(node.label) == name]
    tree.select_node(node)
    tree.focus()
    await pilot.press("enter")
    await pilot.pause()


def test_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(CimcError, match=r"nowhere\.mlir"):
        run_gui(tmp_path / "nowhere.mlir", "")


def test_unknown_pass() -> None:
    with pytest.raises(CimcError, match="no-such-pass"):
        run_gui(None, "no-such-pass")
