"""Simulators from PyPI that the simulator's speed is compared with, where they are installed.

Both compute a whole product in floats and convert it once; neither applies inputs bit by bit. Tiles have 256
rows, converters 8 bits.
"""

from collections.abc import Callable
from typing import Any, Protocol

STEPS = (1 << 8) - 2
"""Steps of a converter of 8 bits, from the lowest code to the highest one of a symmetric range."""

TILE = 256


class Peer(Protocol):
    """Analog layers and networks of a simulator."""

    def linear(self, inputs: int, outputs: int) -> Any: ...

    def conv(self, inputs: int, outputs: int) -> Any: ...

    def network(self, model: Any) -> Any: ...


class Aihwkit:
    """aihwkit's tiles in torch."""

    def __init__(self) -> None:
        from aihwkit import nn
        from aihwkit.nn.conversion import convert_to_analog

        self._nn, self._convert = nn, convert_to_analog

    def _config(self) -> Any:
        from aihwkit.simulator.configs import (
            BoundManagementType,
            IOParameters,
            MappingParameter,
            NoiseManagementType,
            TorchInferenceRPUConfig,
        )

        forward = IOParameters(
            inp_res=STEPS,
            out_res=STEPS,
            out_noise=0.0,
            bound_management=BoundManagementType.NONE,
            noise_management=NoiseManagementType.NONE,
        )
        mapping = MappingParameter(max_input_size=TILE, max_output_size=TILE)
        return TorchInferenceRPUConfig(forward=forward, mapping=mapping)

    def linear(self, inputs: int, outputs: int) -> Any:
        return self._nn.AnalogLinear(inputs, outputs, bias=False, rpu_config=self._config())

    def conv(self, inputs: int, outputs: int) -> Any:
        return self._nn.AnalogConv2d(inputs, outputs, 3, padding=1, bias=False, rpu_config=self._config())

    def network(self, model: Any) -> Any:
        return self._convert(model, self._config())


class Lightning(Aihwkit):
    """aihwkit-lightning, which has the same interface."""

    def __init__(self) -> None:
        from aihwkit_lightning import nn
        from aihwkit_lightning.nn.conversion import convert_to_analog

        self._nn, self._convert = nn, convert_to_analog

    def _config(self) -> Any:
        from aihwkit_lightning.simulator.configs import TorchInferenceRPUConfig

        config = TorchInferenceRPUConfig()
        config.forward.inp_res = config.forward.out_res = STEPS
        config.forward.out_bound = 12.0  # aihwkit's default
        config.mapping.max_input_size = TILE
        config.pre_post.input_range.enable = True
        config.pre_post.input_range.init_from_data = 0
        return config


PEERS: dict[str, Callable[[], Peer]] = {"aihwkit": Aihwkit, "aihwkit-lightning": Lightning}
"""What opens each; it raises `ImportError` where the simulator is not installed."""
