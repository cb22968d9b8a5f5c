"""Ranges that data give."""

from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits
from tools.tiny_models import model, node, serialized

import cimc


def test_ranges_do_not_depend_on_threads(tmp_path: Path) -> None:
    """Several threads add the products of a convolution up in another order."""
    rng = np.random.default_rng(0)
    arrays = {f"w{i}": rng.standard_normal((64, 64, 3, 3)).astype(np.float32) for i in range(8)}
    nodes = [node("Conv", f"x{i} w{i}", f"x{i + 1}", pads=[1] * 4) for i in range(8)]
    nodes[0].input[0], nodes[-1].output[0] = "x", "y"
    path = tmp_path / "model.onnx"
    path.write_bytes(serialized(model(nodes, (1, 64, 14, 14), **arrays)))
    x = rng.standard_normal((8, 64, 14, 14)).astype(np.float32)
    texts: list[str] = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            texts.append(str(cimc.compile(path, calibrate={"x": x}, emit="cim").module))
    assert texts[0] == texts[1]
