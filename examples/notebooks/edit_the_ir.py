# %% [markdown]
# # Edit the IR
#
# Precision lives in `#cim.precision` on each layer: the file, policies and the search write it there.

# %%
from pathlib import Path
from tempfile import TemporaryDirectory

import cimc

MODEL = Path(__file__).parents[1] / "models" / "fashion_mixed_qcdq.onnx"
program = cimc.compile(MODEL, emit="cim", opt_level=0)
for line in str(program.module).splitlines():
    if "precision = " in line:
        print(line.strip()[:150])

# %% [markdown]
# The same widths as a policy, one of them changed:

# %%
report = cimc.compile(MODEL, emit="report", opt_level=0).report()
policy = {
    layer["name"]: {"weight_bits": layer["weight_bits"], "activation_bits": layer["activation_bits"]}
    for layer in report["layers"]
}
last = report["layers"][-1]["name"]
policy[last]["weight_bits"] = 2
changed = cimc.compile(MODEL, emit="report", opt_level=0, policy=policy).report()
print(last, report["layers"][-1]["tile_writes"], "->", changed["layers"][-1]["tile_writes"], "tile writes")

# %% [markdown]
# Programs are files: text and arrays. Passes are watched by observers.

# %%
names: list[str] = []
watched = cimc.compile(MODEL, observers=[lambda done, module: names.append(done.name if done else "import")])
print(" -> ".join(names))
with TemporaryDirectory() as folder:
    watched.save(f"{folder}/program.mlir")
    print(sorted(path.name for path in Path(folder).iterdir()))
    assert cimc.load(f"{folder}/program.mlir").timeline == watched.timeline
