# %% [markdown]
# # Run a program, and look at what the chip did

# %%
from collections import Counter
from pathlib import Path

import numpy as np

import cimc

MODEL = Path(__file__).parents[1] / "models" / "fashion_mixed_qcdq.onnx"
chip = cimc.load_target("rram-256x256-c4").with_crossbars(2).with_adc(8)
program = cimc.compile(MODEL, target=chip, batch=10)
pictures = np.random.default_rng(0).random((20, 1, 28, 28), dtype=np.float32)
(scores,) = program.run(pictures, target=chip.as_ideal()).values()
print(scores.argmax(axis=1))

# %% [markdown]
# Events of an inference: which crossbar did what for which layer, and when.

# %%
assert program.timeline is not None
for event in program.timeline.events[:6]:
    print(f"{event.start_ps / 1e9:7.3f} ms  crossbar {event.crossbar}  {event.kind:5}  {event.layer}")
print(Counter((event.layer, event.kind) for event in program.timeline.events))

# %% [markdown]
# The same on three chips that are not ideal: how far are their scores off? The program is one for chips with
# ADCs: for ideal ones the compiler would take digits that make sums larger.

# %%
for trial in range(3):
    noisy = chip.with_noise(read_noise=0.01)
    (found,) = program.run(pictures, target=noisy, seed=1, trial=trial).values()
    print(f"chip {trial}: scores are off by {np.abs(found - scores).mean():.3f} of {scores.std():.3f}")

# %% [markdown]
# One layer in detail:

# %%
name = next(iter(program.timeline.layers))
layer = program.explain(name)
print(f"{layer.layer} comes from {layer.node}: {layer.rows} x {layer.columns} cells")
