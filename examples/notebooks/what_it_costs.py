# %% [markdown]
# # What a network costs, and what would make it faster
#
# Each `# %%` begins a cell: open this file in an editor that knows them, or run it as a script.

# %%
from pathlib import Path

import cimc

MODEL = Path(__file__).parents[1] / "models" / "fashion_mixed_qcdq.onnx"
report = cimc.compile(MODEL, emit="report").report()
print(f"{report['total']['latency_us'] / 1000:.3f} ms, {report['total']['speedup']:.2f}x over 8/8 bits")

# %% [markdown]
# Layers are plain rows: `pandas.DataFrame(report["layers"])` makes a table of them.

# %%
for layer in report["layers"]:
    bits = f"{layer['weight_bits']}/{layer['activation_bits']}"
    print(f"{layer['name']:8} {bits:5} {layer['tile_writes']:3} writes {layer['mvm_cycles']:6} cycles")

# %% [markdown]
# Mappings and crossbars, compared:

# %%
for mapping in ("differential-column", "any"):
    for crossbars in (1, 4, 16):
        total = cimc.compile(MODEL, emit="report", mapping=mapping, crossbars=crossbars).report()["total"]
        ms = total["latency_us"] / 1000
        print(f"{mapping:20} {crossbars:2} crossbars {ms:8.3f} ms, gap {total['gap']:.1%}")

# %% [markdown]
# What the compiler would change:

# %%
advice = cimc.compile(MODEL, emit="report").advice()
for part in advice.layers:
    for change in part.changes:
        print(f"{part.layer.shape.name}: {change.what} gives {change.latency_ps / 1e9:.3f} ms")
for change in advice.network:
    print(f"network: {change.what} gives {change.latency_ps / 1e9:.3f} ms")
