"""Pages in a browser: headless Chromium, if there is one."""

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tools.tiny_models import conv, serialized

import cimc
from cimc.html.about import run_of_program
from cimc.html.page import page
from cimc.html.runs import COLOURS
from cimc.results import Results

pytest.importorskip("plotly", reason="Plotly is not installed: pip install 'cimc[html]'")

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")

MEASURE = """<script>addEventListener("load", () => setTimeout(() => {
  const root = document.documentElement, error = window.failed ? " error " + window.failed : "";
  document.title = `width ${root.scrollWidth} of ${root.clientWidth}` + error;
}, 1000));</script>"""
CATCH = """<script>addEventListener("error", (event) => { window.failed = event.message; });</script>"""


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page about two programs, with results."""
    folder: Path = tmp_path_factory.mktemp("page")
    (folder / "conv.onnx").write_bytes(serialized(conv()))
    target = cimc.Target("small", rows=32, cols=32, crossbars=3)
    runs = [
        run_of_program(
            mapping, cimc.compile(folder / "conv.onnx", target=target, mapping=mapping, emit="html")
        )
        for mapping in ("differential-column", "any")
    ]
    runs[0] = replace(runs[0], results=Results("a.mlir", "accuracy", (0.5, 0.75, 0.8), 40))
    path = folder / "page.html"
    path.write_text(page("conv", runs).replace("<head>", f"<head>{CATCH}{MEASURE}"))
    return path


def chromium(page: Path, width: int, *arguments: str) -> str:
    """What a browser with a window of some width prints."""
    assert CHROMIUM is not None
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb"]
    size = f"--window-size={width},4000"
    command = [CHROMIUM, *flags, "--virtual-time-budget=20000", size, *arguments, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    return done.stdout


@pytest.mark.parametrize("width", [500, 1200])
def test_all_pictures_are_drawn_and_fit_the_window(written: Path, width: int) -> None:
    dom = chromium(written, width, "--dump-dom")
    found = re.search(r"<title>width (\d+) of (\d+)(.*?)</title>", dom)
    assert found is not None
    assert not found[3]
    assert int(found[1]) <= int(found[2])
    drawn = re.findall(r'<div id="(\w+)" class="plotly-graph-div js-plotly-plot"', dom)
    assert drawn == ["comparison", "latency", "precision", "occupancy", "schedule", "scores0"]
    assert dom.count('class="main-svg"') >= len(drawn)


def test_a_screenshot_shows_every_layer(written: Path, tmp_path: Path) -> None:
    """In the colours of the first layers, which tiles and schedule have."""
    chromium(written, 1200, f"--screenshot={tmp_path / 'page.png'}")
    pixels = np.asarray(Image.open(tmp_path / "page.png").convert("RGB"))
    assert pixels.shape == (4000, 1200, 3)
    for colour in COLOURS[:3]:
        wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        assert (np.abs(pixels.astype(int) - wanted).max(axis=2) <= 3).sum() > 500
    assert (pixels.min(axis=2) > 240).mean() > 0.4  # on white
