"""Training a classifier of 28x28 pictures and measuring any, for the scripts beside this file."""

import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from fashion_mnist import Split
from torch import Tensor, nn


def train(model: nn.Module, data: Split, epochs: int, rate: float, seed: int) -> None:
    """Adam with one learning rate cycle, pictures shifted by up to 2 pixels and mirrored."""
    torch.manual_seed(seed)
    x_train, y_train = (torch.from_numpy(part) for part in data)
    batch = 128
    steps = epochs * (len(x_train) // batch)
    optimiser = torch.optim.Adam(model.parameters(), rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    model.train()
    for epoch in range(epochs):
        start, total = time.time(), 0.0
        order = torch.randperm(len(x_train))
        for chosen in order[: len(order) // batch * batch].split(batch):
            x = augment(x_train[chosen])
            loss = nn.functional.cross_entropy(model(x), y_train[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item() * batch
        print(f"  epoch {epoch}: loss {total / len(order):.3f}, {time.time() - start:.0f} s")


def augment(x: Tensor) -> Tensor:
    """One random shift and mirroring for the whole batch: cheap, and enough here."""
    dy, dx, mirror = (int(torch.randint(n, ())) for n in (5, 5, 2))
    x = nn.functional.pad(x, (2, 2, 2, 2))[:, :, dy : dy + 28, dx : dx + 28]
    return x.flip(3) if mirror else x


@torch.no_grad()
def accuracy(model: nn.Module, data: Split) -> float:
    """Percent of the pictures that the network in torch gets right."""
    model.eval()
    hits = 0
    for x, y in zip(*(torch.from_numpy(part).split(500) for part in data), strict=True):
        hits += int((model(x).argmax(1) == y).sum())
    return 100 * hits / len(data[0])


def accuracy_onnx(path: str | Path, data: Split) -> float:
    """The same of a file in onnxruntime, unoptimised: its optimisations change numbers."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (x_input,) = session.get_inputs()
    # A number is a batch that the file is made for, a name is one that it leaves open.
    batch = x_input.shape[0] if isinstance(x_input.shape[0], int) else 500
    x, y = data
    hits = 0
    for start in range(0, len(x), batch):
        (logits,) = session.run(None, {x_input.name: x[start : start + batch]})
        hits += int((np.argmax(np.asarray(logits), 1) == y[start : start + batch]).sum())
    return 100 * hits / len(x)
