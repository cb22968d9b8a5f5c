"""Noise of our cells against that of aihwkit, the IBM Analog Hardware Acceleration Kit, on the same weights.

There, weights are real numbers from -1 to 1: our code w from -r to r is w / r. Our deviations are per cell,
and additive ones in units of r codes; a weight is a pair of cells, of which one is at the lowest level.
"""

from math import sqrt
from typing import Any

import numpy as np
import pytest

from cimc.runtime.analog.cells import Cells, Noise
from cimc.runtime.analog.chip import Analog
from cimc.runtime.analog.conductances import programmed
from cimc.runtime.analog.readout import ReadCounts
from cimc.runtime.arrays import Array
from cimc.runtime.crossbar import ProgrammedTile
from cimc.runtime.encoding import Encoding
from cimc.runtime.tile import Tile

torch: Any = pytest.importorskip("torch")
configs: Any = pytest.importorskip("aihwkit.simulator.configs")
tiles: Any = pytest.importorskip("aihwkit.simulator.tiles.inference_torch")
noise_models: Any = pytest.importorskip("aihwkit.inference.noise.custom")
converters: Any = pytest.importorskip("aihwkit.inference.converter.conductance")

CELL_BITS = 4
R = (1 << CELL_BITS) - 1

SAMPLES = 8000

MODIFIERS: dict[Noise, tuple[str, float]] = {
    # Both cells of a pair add noise of the same variance: that of their difference is twice as large.
    "additive": ("ADD_NORMAL", sqrt(2)),
    # The cell that is 0 has no noise, so the pair has that of the other one.
    "proportional": ("MULT_NORMAL", 1),
}
"""Their noise of a weight, and its deviation over ours of a cell."""


def assert_same(name: str, ours: Array, theirs: Array) -> None:
    """Samples [samples, quantities] have the same mean and deviation, as far as so many samples tell.

    Of n Gaussian samples the mean is off by sigma / sqrt(n), the deviation by sigma / sqrt(2 n).
    """
    n, quantities = ours.shape
    deviations = ours.std(axis=0), theirs.std(axis=0)
    means = np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) / np.hypot(*deviations) * sqrt(n)
    ratios = deviations[0] / deviations[1]
    print(f"{name}: means differ by {means.max():.1f} sigma at most;")
    print(f"ratio of the deviations {ratios.mean():.4f} +- {sqrt(1 / n / quantities):.4f}")
    assert means.max() < 5
    assert np.abs(ratios - 1).max() < 5 * sqrt(1 / n)
    assert abs(ratios.mean() - 1) < 5 * sqrt(1 / n / quantities)


def their_tile(weights: Array, kind: Noise, deviation: float) -> Any:
    """Ideal converters, and noise that is drawn for each weight and each vector."""
    inputs, outputs = weights.shape
    modifier, factor = MODIFIERS[kind]
    config = configs.TorchInferenceRPUConfig(
        forward=configs.IOParameters(is_perfect=True),
        modifier=configs.WeightModifierParameter(
            type=configs.WeightModifierType[modifier],
            std_dev=factor * deviation,
            rel_to_actual_wmax=False,
            per_batch_sample=True,
        ),
    )
    tile = tiles.TorchInferenceTile(outputs, inputs, config)
    tile.set_weights(torch.tensor(weights.T / R, dtype=torch.float32))
    return tile.train()  # noise of this kind is for training only


@pytest.mark.parametrize("dac_bits", [1, 8])
@pytest.mark.parametrize("kind", MODIFIERS)
def test_read_noise_is_that_of_aihwkit(kind: Noise, dac_bits: int) -> None:
    rng = np.random.default_rng(0)
    torch.manual_seed(0)
    deviation, inputs, outputs = 0.03, 48, 16
    w = rng.integers(-R, R + 1, (inputs, outputs))
    x = np.tile(rng.integers(0, 256, (1, inputs)).astype(np.uint8), (SAMPLES, 1))

    encoding = Encoding("differential-column", CELL_BITS, 1)
    analog = Analog(cells=Cells(read_noise=deviation, read_kind=kind), dac_bits=dac_bits)
    tile = ProgrammedTile(encoding.encode(w)[None], Tile(0, ((0, inputs),), ((0, 2 * outputs),)), analog)
    ours = np.zeros((SAMPLES, outputs), np.int32)
    tile.add_products(x, ours, encoding, 8, rng=rng, counts=ReadCounts())

    aihwkit = their_tile(w, kind, deviation)
    theirs = np.zeros((SAMPLES, outputs))
    for place in range(0, 8, dac_bits):  # a cycle is a product there; shift-and-add is ours
        digits = (x >> place) & ((1 << dac_bits) - 1)
        with torch.no_grad():
            read = aihwkit.forward(torch.tensor(digits, dtype=torch.float32)).numpy()
        theirs += (1 << place) * R * read
    assert_same(f"{kind} read noise, {dac_bits} bits a cycle", ours, theirs)


@pytest.mark.parametrize("kind", MODIFIERS)
@pytest.mark.parametrize("drifts", [False, True])
def test_programming_noise_and_drift_are_those_of_aihwkit(drifts: bool, kind: Noise) -> None:
    deviation, lowest, highest, start_s, end_s = 0.02, 5.0, 25.0, 20.0, 86_400.0
    nu, nu_deviation = (0.06, 0.01) if drifts else (0.0, 0.0)
    codes = np.tile(np.arange(R + 1, dtype=np.uint8), (SAMPLES, 1))
    cells = Cells(
        on_off_ratio=highest / lowest,
        programming_noise=deviation,
        programming_kind=kind,
        drift_exponent=nu,
        drift_exponent_noise=nu_deviation,
        drift_start_s=start_s,
        drift_s=end_s,
    )
    ours = programmed(codes, cells, CELL_BITS, None, np.random.default_rng(0)).whole

    torch.manual_seed(0)
    # Their deviation is a polynomial of g / highest, in microsiemens; levels span highest - lowest.
    coefficients = {"additive": [deviation * (highest - lowest)], "proportional": [0, deviation * highest]}
    model = noise_models.StateIndependentNoiseModel(
        g_converter=converters.SinglePairConductanceConverter(g_max=highest, g_min=lowest),
        prog_coeff=coefficients[kind],
        drift_nu_mean=nu,
        drift_nu_std=nu_deviation,
        t_0=start_s,
        read_noise_scale=0.0,
    )
    (target, _), _ = model.g_converter.convert_to_conductances(torch.tensor(codes, dtype=torch.float32))
    g = model.apply_programming_noise_to_conductance(target)
    if drifts:
        exponents = model.generate_drift_coefficients(target)
        g = model.apply_drift_noise_to_conductance(g, exponents, end_s - start_s)
    assert_same(f"{kind} programming noise{', drift' * drifts}", ours, g.numpy() * R / (highest - lowest))
