# %% [markdown]
# # Search the widths of a network
#
# What `cimc search` does, from Python; it needs `pip install 'cimc[search]'`. First a network to search: for
# pictures of stripes in four directions, as in the tutorial, but smaller.

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import nn

import cimc


def pictures(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 4, count)
    rows, columns = np.mgrid[:12, :12]
    along = np.stack([rows, columns, rows + columns, rows - columns])[y]
    x = np.sin(1.2 * along + rng.uniform(0, 2 * np.pi, (count, 1, 1))) + rng.normal(0, 1.2, along.shape)
    return x[:, None].astype(np.float32), y


torch.manual_seed(0)
network = nn.Sequential(
    *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
    *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
    *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
    *(nn.Flatten(), nn.Linear(32, 4)),
)
x, y = (torch.from_numpy(part) for part in pictures(3000, 0))
optimizer = torch.optim.Adam(network.parameters(), 1e-2)
for _ in range(8):
    for batch in torch.randperm(len(x)).split(50):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x[batch]), y[batch]).backward()
        optimizer.step()

# %% [markdown]
# The search takes a file and data, as on the command line, and leaves networks, policies and a report in a
# folder. Here it may lose one point of top-1. Agents take turns; the compiler says what each policy costs.

# %%
temporary = TemporaryDirectory()
folder = Path(temporary.name)
dynamic = {"input": {0: torch.export.Dim("N")}}
file = folder / "net.onnx"
torch.onnx.export(
    network.eval(), (x[:2],), file, dynamic_shapes=dynamic, dynamo=True, external_data=False, verbose=False
)
parts = {"train": pictures(400, 1), "val": pictures(1000, 2), "test": pictures(1000, 3)}
arrays = {f"{kind}_{part}": a for part, xy in parts.items() for kind, a in zip("xy", xy, strict=True)}
np.savez(folder / "data.npz", **arrays)

found = folder / "found"
result = cimc.search(
    file, folder / "data.npz", max_drop=1.0, evaluations=40, opt_level=0, mapping="any", output=found
)
print(f"given: {result.accuracy:.1f} % of the pictures for selection, {result.test_accuracy:.1f} % of others")
for one in result.exported:
    widths = " ".join(f"{layer.weight_bits}/{layer.activation_bits}" for layer in one.policy.values())
    latency_us = one.report.latency_ps / 1e6
    print(f"{one.name:18} {widths:18} {latency_us:8.1f} us, {one.validation:.1f} %, {one.test:.1f} %")

# %% [markdown]
# What was found is an ONNX file in QCDQ form. It compiles like any other, with the widths that it says.

# %%
data = folder / "data.npz"
program = cimc.compile(found / "model.onnx", opt_level=0, mapping="any", calibrate=data)
assert program.report().latency_ps == result.exported[-1].report.latency_ps
(outputs,) = program.run(parts["test"][0][:100]).values()
print("of 100 pictures on crossbars", (outputs.argmax(1) == parts["test"][1][:100]).sum(), "are right")
temporary.cleanup()
