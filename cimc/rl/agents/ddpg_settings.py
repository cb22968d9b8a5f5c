"""The hyper-parameters of CIM-AQ's agent (https://github.com/jmkle/cim-aq), which are mostly HAQ's."""

from dataclasses import dataclass


@dataclass(frozen=True)
class DdpgSettings:
    """The defaults are those of CIM-AQ's rl_quantize.py, where they have the names in brackets."""

    hidden: tuple[int, int] = (300, 300)
    """[hidden1, hidden2]. The 400 and 300 of lib/rl/ddpg.py are never used."""
    actor_rate: float = 1e-4
    """[lr_a], of Adam."""
    critic_rate: float = 1e-3
    """[lr_c], of Adam."""
    discount: float = 1.0
    """[discount]"""
    target_rate: float = 0.01
    """[tau]: how far target networks follow in an update."""
    batch: int = 64
    """[bsize]: transitions in an update."""
    memory_per_layer: int = 128
    """[rmsize]: the replay buffer has so many transitions for each layer."""
    last_warmup: int = 20
    """[warmup]: the last episode, counted from 0, with random actions and no updates."""
    noise: float = 0.5
    """[init_delta]: of the actions' truncated normal noise at the end of the warm-up."""
    noise_decay: float = 0.99
    """[delta_decay]: factor of the noise from an episode to the next."""
    baseline_rate: float = 0.5
    """`moving_alpha` in lib/rl/ddpg.py: of the moving average that is taken from rewards."""


SCRIPT_SETTINGS = DdpgSettings(actor_rate=5e-5, last_warmup=30, noise=0.6, noise_decay=0.997)
"""What CIM-AQ's run/run_rl_quantize.sh passes instead."""
