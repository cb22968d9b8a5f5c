"""Evaluates policies of a network: quantised as it is, or trained first."""

import copy
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from cimc.rl.evaluation import Evaluation, Rung
from cimc.rl.network.checkpoint import Checkpoint
from cimc.rl.network.network import Network
from cimc.rl.network.parameters import packed, parameters_of, set_parameters, unpacked
from cimc.rl.network.scores import Reference, outputs_of
from cimc.rl.network.statistics import Statistics
from cimc.rl.network.training import Stepped, Training, train
from cimc.rl.space import Choices, Space, policy_name


@dataclass(frozen=True)
class Pictures:
    """Pictures [n, ...] and their classes [n]."""

    x: Tensor
    y: Tensor


class NetworkEvaluator:
    """The ladder of evaluations of one network, which is calibrated for all widths of the space."""

    def __init__(
        self,
        network: Network,
        given: Network,
        reference: Reference,
        space: Space,
        statistics: Statistics,
        training: Tensor,
        validation: Pictures,
        rungs: Mapping[Rung, Training],
        seed: int,
        checkpoints: Path | None = None,
    ) -> None:
        """`given` teaches what outputs should be, on `training`, pictures [n, ...]. Trainings that are
        interrupted go on from files in the folder `checkpoints`."""
        self.network, self.reference, self.space = network, reference, space
        self._given = given
        self.statistics = statistics
        self._training, self._validation = training, validation
        self._rungs, self._seed, self._checkpoints = rungs, seed, checkpoints
        self.stepped: Stepped = lambda step, steps, loss: None
        """Told of each step of each training."""

    def evaluate(self, choices: Choices, rung: Rung) -> Evaluation:
        """Quantises, trains if the rung says so, and measures on the validation pictures."""
        return self.evaluated(choices, rung)[0]

    def evaluated(self, choices: Choices, rung: Rung) -> tuple[Evaluation, bytes | None]:
        """The same, and the state of the network if it was trained: what `restored` takes."""
        start = time.perf_counter()
        state = None
        if rung == "quick":
            network = self.network
            self.quantize(network, choices)
        else:
            network = self.trained(choices, rung)
            state = packed(parameters_of(network))
            network.freeze()
        outputs = outputs_of(network, self._validation.x)
        drop, error = self.reference.drop(outputs)
        divergence = self.reference.divergence(outputs)
        evaluation = Evaluation(choices, rung, drop, error, divergence, time.perf_counter() - start)
        return evaluation, state

    def restored(self, choices: Choices, state: bytes | None) -> Network:
        """A network with the widths of a policy, ready for export: trained, or quantised as it is."""
        network = copy.deepcopy(self.network)
        if state is None:
            self.quantize(network, choices)
            for layer in network.weight_layers():
                layer.fold()
        else:
            network.set_widths(self.space.policy(choices))
            set_parameters(network, unpacked(state))
        network.quantize()
        return network

    def quantize(self, network: Network, choices: Choices) -> None:
        """Quantises to the widths of a policy, with batch statistics restored."""
        network.set_widths(self.space.policy(choices))
        self.statistics.restore(network)

    def trained(self, choices: Choices, rung: Rung) -> Network:
        """A copy of the network, quantised to the widths of a policy and trained."""
        network = copy.deepcopy(self.network)
        self.quantize(network, choices)
        for layer in network.weight_layers():
            layer.fold()
        checkpoint = self._checkpoint(choices, rung)
        train(network, self._given, self._training, self._rungs[rung], self._seed, self.stepped, checkpoint)
        if checkpoint is not None:
            checkpoint.remove()
        return network

    def _checkpoint(self, choices: Choices, rung: Rung) -> Checkpoint | None:
        if self._checkpoints is None:
            return None
        return Checkpoint(self._checkpoints / f"{rung}-{policy_name(choices)}.pt")
