"""Quantisation-aware training."""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Literal, TypeAlias, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from cimc.rl.network.checkpoint import Checkpoint
from cimc.rl.network.network import Network
from cimc.rl.network.operators.constants import ints
from cimc.rl.network.scores import channels_last, divergence
from cimc.rl.network.training_progress import TrainingProgress

Augmentation: TypeAlias = Literal["none", "shift", "flip", "shift-flip"]

Stepped: TypeAlias = Callable[[int, int, float], None]
"""Called after each step of a training: its number from 1, how many there will be, and the loss."""

AUGMENTATIONS: tuple[Augmentation, ...] = get_args(Augmentation)


TEMPERATURE = 4.0
"""Of the softened outputs: of pictures that the teacher is sure of, its plain ones tell hardly more than the
class."""


@dataclass(frozen=True)
class Training:
    """How a network is trained."""

    epochs: float
    rate: float = 3e-4
    """The highest learning rate of the cycle."""
    batch: int = 128
    augmentation: Augmentation = "none"


def train(
    network: Network,
    teacher: nn.Module,
    x: Tensor,
    training: Training,
    seed: int,
    stepped: Stepped = lambda step, steps, loss: None,
    checkpoint: Checkpoint | None = None,
) -> None:
    """Trains a quantised network to say of pictures what a `teacher` says: weights, ranges and biases.

    The loss is the divergence of softened outputs. Adam, one cycle of the learning rate. The same seed gives
    the same network, also if a `checkpoint` of the same training goes on from where it was interrupted.
    """
    network.train()
    network.quantize()
    batch = min(training.batch, len(x))
    steps = ceil(training.epochs * len(x) / batch)
    progress = TrainingProgress(network, training.rate, steps, seed)
    optimizer, generator = progress.optimizer, progress.generator
    if checkpoint is not None and (state := checkpoint.load()) is not None:
        progress.restore(state)
    while progress.step < steps:
        chosen = progress.next_batch(batch, len(x))
        pictures = channels_last(augmented(x[chosen], training.augmentation, generator))
        with torch.no_grad():
            wanted = teacher(pictures)
        outputs = network(pictures)
        loss = divergence(wanted, outputs, TEMPERATURE)
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        progress.advance()
        if checkpoint is not None and checkpoint.is_due:
            checkpoint.save(progress.state())
        stepped(progress.step, steps, float(loss.detach()))
    network.eval()


def augmented(x: Tensor, augmentation: Augmentation, generator: torch.Generator) -> Tensor:
    """Pictures [n, channels, height, width], each shifted by up to an eighth, or mirrored, at random."""
    if "shift" in augmentation:
        height, width = x.shape[-2:]
        reach = max(1, height // 8), max(1, width // 8)
        padded = functional.pad(x, (reach[1], reach[1], reach[0], reach[0]))
        top, left = (ints(torch.randint(2 * r + 1, (len(x),), generator=generator)) for r in reach)
        moved = zip(padded, top, left, strict=True)
        x = torch.stack([p[:, i : i + height, j : j + width] for p, i, j in moved])
    if "flip" in augmentation:
        mirrored = torch.rand(len(x), generator=generator) < 0.5
        x = torch.where(mirrored[:, None, None, None], x.flip(-1), x)
    return x
