"""Training and measuring classifiers of pictures, for the scripts beside this file."""

import time
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from fashion_mnist import Split
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR

BATCH = 128


def train(model: nn.Module, data: Split, epochs: int, rate: float, seed: int) -> None:
    """From scratch: Adam, with one cycle of the learning rate up to `rate`, shifts of 2 pixels."""
    optimiser = torch.optim.Adam(model.parameters(), rate)
    schedule = OneCycleLR(optimiser, rate, total_steps=epochs * batches(data))
    fit(model, data, epochs, optimiser, schedule, 2, seed)


def fine_tune(model: nn.Module, data: Split, epochs: int, rate: float, seed: int) -> None:
    """From trained weights: momentum, with the learning rate from `rate` to 0, shifts of 4 pixels."""
    optimiser = torch.optim.SGD(model.parameters(), rate, momentum=0.9, nesterov=True, weight_decay=5e-4)
    schedule = CosineAnnealingLR(optimiser, epochs * batches(data))
    fit(model, data, epochs, optimiser, schedule, 4, seed)


def batches(data: Split) -> int:
    """How many whole batches there are; the rest is left out, another one in each epoch."""
    return len(data[0]) // BATCH


def fit(
    model: nn.Module,
    data: Split,
    epochs: int,
    optimiser: Optimizer,
    schedule: LRScheduler,
    shift: int,
    seed: int,
) -> None:
    """Takes a step of `optimiser` and of `schedule` for each batch, with augmented pictures."""
    torch.manual_seed(seed)
    x_train, y_train = (torch.from_numpy(part) for part in data)
    model.train()
    for epoch in range(epochs):
        start, total = time.time(), 0.0
        order = torch.randperm(len(x_train))[: batches(data) * BATCH]
        for chosen in order.split(BATCH):
            x = augment(x_train[chosen], shift)
            loss = nn.functional.cross_entropy(model(x), y_train[chosen])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item() * BATCH
        print(f"  epoch {epoch}: loss {total / len(order):.3f}, {time.time() - start:.0f} s")


def augment(x: Tensor, shift: int) -> Tensor:
    """Moves each picture of (n,channels,height,width) by up to `shift` pixels, and mirrors half of them.

    What comes in at the border is 0.
    """
    n, channels, height, width = x.shape
    dy, dx = torch.randint(2 * shift + 1, (2, n, 1))
    mirrored = torch.rand(n, 1) < 0.5
    columns = torch.arange(width)
    columns = dx + torch.where(mirrored, columns.flip(0), columns)
    rows = dy + torch.arange(height)
    padded = nn.functional.pad(x, (shift,) * 4)
    pictures, planes = torch.arange(n), torch.arange(channels)
    return padded[
        pictures[:, None, None, None], planes[:, None, None], rows[:, None, :, None], columns[:, None, None]
    ]


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
